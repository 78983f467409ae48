"""What conversations are called in words, whoever says them."""

from typing import Protocol


class NamedPlace(Protocol):
    """A conversation in short. `partner` is the other one's name in the caller's direct conversation."""

    @property
    def name(self) -> str | None:
        """A channel's name."""
        ...

    @property
    def title(self) -> str | None:
        """What it was titled."""
        ...

    @property
    def partner(self) -> str | None:
        """The other one's name."""
        ...


def place_name(place: NamedPlace) -> str:
    """What a conversation is called within a sentence."""
    if place.name:
        return f"#{place.name}"
    return place.title or (f"your conversation with {place.partner}" if place.partner else "a conversation")
