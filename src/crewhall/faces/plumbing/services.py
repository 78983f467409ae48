"""What a running process offers its handlers; made once by `main`."""

from dataclasses import dataclass, field
from typing import TypeVar

from crewhall.faces.plumbing.departure import Departure
from crewhall.kernel.db import Database
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.settings import CrewhallSettings, KernelSettings, load_settings
from crewhall.kernel.signals import Signals
from crewhall.kernel.verified import VerifiedTokens
from crewhall.ports.live import Live
from crewhall.ports.mailer import Mailer
from crewhall.ports.message_log import MessageLog

S = TypeVar("S", bound=CrewhallSettings)
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Services:
    """Everything a handler may use, none of it global."""

    settings: KernelSettings
    db: Database
    signals: Signals
    limiter: RateLimiter
    verified: VerifiedTokens
    mailer: Mailer
    log: MessageLog
    live: Live
    base_url: str
    departure: Departure = field(default_factory=Departure)
    packages: dict[type[CrewhallSettings], CrewhallSettings] = field(default_factory=dict)
    parts: dict[type, object] = field(default_factory=dict)

    def settings_of(self, kind: type[S]) -> S:
        """The settings of one package, read once."""
        found = self.packages.get(kind)
        if not isinstance(found, kind):
            found = self.packages[kind] = load_settings(kind)
        return found

    def add_part(self, part: object) -> None:
        """Keep something that a domain needs once per process (a cache, a follower of the log)."""
        self.parts[type(part)] = part

    def part(self, kind: type[T]) -> T:
        """Return what `add_part` kept; a missing part is an error in the composition."""
        found = self.parts[kind]
        if not isinstance(found, kind):
            raise TypeError(kind)
        return found
