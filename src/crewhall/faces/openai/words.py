"""The words of an answer on their way: from token frames, some of them lost, to text that is said once. Pure."""

from typing import Any

from crewhall.runtime import SILENCE

APART = "\n\n"
"""Between the words of one answer of the model and the next: before a tool is used, and after."""


class Words:
    """What was said of a turn's answers so far."""

    def __init__(self) -> None:
        self._request = 0
        self._text = ""
        self._shown = ""
        self._is_whole = True
        self._has_spoken = False

    def take(self, frame: dict[str, Any]) -> str:
        """Return what a frame adds. Behind a gap nothing is said until the next answer, or the end."""
        if "text" not in frame:
            return ""
        request, at, text = int(frame["request"]), int(frame["at"]), str(frame["text"])
        if request != self._request:
            self._request, self._shown = request, ""
        if at == 0 and not text:
            self._text, self._is_whole = "", True
        if at != len(self._text):
            self._is_whole = False
        if not self._is_whole:
            return ""
        self._text += text
        return "" if _may_be_silence(self._text) else self._say(self._text)

    def end(self, answer: str) -> str:
        """Return what is still to be said of the answer as it was posted."""
        return "" if answer.strip() == self._shown.strip() else self._say(answer)

    def _say(self, text: str) -> str:
        shown = self._shown
        if shown.startswith(text):
            return ""
        self._shown = text
        apart = APART if self._has_spoken and (not shown or not text.startswith(shown)) else ""
        self._has_spoken = True
        return text[len(shown) :] if text.startswith(shown) and shown else apart + text


def _may_be_silence(text: str) -> bool:
    begun = text.strip().lower()
    return any(word.startswith(begun) for word in SILENCE)
