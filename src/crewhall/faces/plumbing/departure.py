"""Going in good order: who sends requests to this process is told first, and goes elsewhere."""

from dataclasses import dataclass


@dataclass(slots=True)
class Departure:
    """Whether this process is about to go: it is not ready any more, and keeps no connection for another request."""

    has_begun: bool = False
