"""Numbers with their nouns, as people read them."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 message`, `1,200 messages`; the plural is the noun with an s unless it is given."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
