"""What a process of an installation is for: everything, or one part of it, so that each part can have several."""

from enum import StrEnum


class ProcessKind(StrEnum):
    """Any number of each may run beside the others; one that does everything is a whole hall by itself."""

    UP = "up"
    SERVE = "serve"
    WORKER = "worker"
    PROJECTOR = "projector"

    @property
    def serves(self) -> bool:
        """Whether it answers people and agents: pages, the API, live connections."""
        return self in {ProcessKind.UP, ProcessKind.SERVE}

    @property
    def works(self) -> bool:
        """Whether it does what follows from what was said and asked: turns, search, documents, imports, clocks."""
        return self in {ProcessKind.UP, ProcessKind.WORKER}

    @property
    def projects(self) -> bool:
        """Whether it writes what the log holds into the database, where the log is not the database's."""
        return self in {ProcessKind.UP, ProcessKind.PROJECTOR}
