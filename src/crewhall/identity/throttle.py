"""How often one may try to come in, per address, email and person."""

from uuid import UUID

from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.limits import RateLimit, RateLimiter, network_of

MINUTE, HOUR = 60, 3600


class Throttle:
    """The limits of signing in; each method raises TOO_MANY_REQUESTS with the seconds to wait."""

    def __init__(self, limiter: RateLimiter, settings: IdentitySettings) -> None:
        self._limiter = limiter
        self._settings = settings

    def check_login(self, address: str | None, email: str) -> None:
        """One more try of a password for an email."""
        self._check("sign-ins per address", self._settings.rate_login_address_per_minute, MINUTE, network_of(address))
        self._check("sign-ins", self._settings.rate_login_per_minute, MINUTE, (network_of(address), email))

    def check_reset(self, address: str | None, email: str) -> None:
        """One more mail that resets a password.

        Who knows an email, and nothing more, can use up the limit of all addresses together, but locks nobody out by
        it: the mails that used it up have gone to the owner of the email, and every link in them works.
        """
        network, settings = network_of(address), self._settings
        self._check("password resets per address", settings.rate_reset_address_per_hour, HOUR, network)
        self._check("password resets", settings.rate_reset_per_hour, HOUR, (network, email))
        self._check("password resets per email", settings.rate_reset_email_per_hour, HOUR, email)

    def check_sign_up(self, address: str | None) -> None:
        """One more set-up, accepted invitation or confirmed reset: they cost a hash each."""
        self._check("sign-ups", self._settings.rate_sign_up_per_minute, MINUTE, network_of(address))

    def check_invitation(self, person: UUID) -> None:
        """One more invitation."""
        self._check("invitations", self._settings.rate_invitations_per_hour, HOUR, person)

    def check_organization(self, person: UUID) -> None:
        """One more organization."""
        self._check("new organizations", self._settings.rate_organizations_per_hour, HOUR, person)

    def check_app(self, address: str | None) -> None:
        """One more app that says who it is."""
        self._check("new apps per address", self._settings.rate_apps_per_hour, HOUR, network_of(address))

    def _check(self, name: str, count: int, seconds: int, key: object) -> None:
        self._limiter.check(RateLimit(name, burst=count, per_second=count / seconds), key)
