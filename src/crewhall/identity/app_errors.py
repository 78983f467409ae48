"""What is refused to apps, in OAuth's own words (RFC 6749, 5.2; RFC 7591, 3.2.2; RFC 8707, 2)."""


class OAuthRefusal(Exception):
    """A standard error code and a sentence. `status` is that of an answer to the app itself."""

    def __init__(self, code: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status

    @property
    def body(self) -> dict[str, str]:
        """As OAuth writes it. Its words take neither quotation marks nor letters beyond ASCII."""
        said = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "'" for letter in self.sentence)
        return {"error": self.code, "error_description": said}
