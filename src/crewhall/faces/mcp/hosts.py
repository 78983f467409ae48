"""Under which addresses the door is open: the public one and this machine's own. DNS rebinding names another."""

from urllib.parse import urlsplit

from crewhall.kernel.errors import CROSS_ORIGIN, define_error

MISDIRECTED = define_error("misdirected", 421, "Wrong address")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
PORTS = {"http": 80, "https": 443}


class Hosts:
    """The addresses of one installation, from the one that people use."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._base_url = base_url
        self._public = (parts.hostname, parts.port or PORTS.get(parts.scheme))
        self._default = PORTS.get(parts.scheme)

    def check(self, headers: dict[bytes, bytes]) -> None:
        """Refuse a request for another host, and one that a page of another site sent. Raises MISDIRECTED."""
        if not self._is_ours(headers.get(b"host", b"").decode("latin-1"), self._default):
            raise MISDIRECTED(
                f"This server is known as {self._base_url}: connect there. Behind another name, its operator sets "
                "CREWHALL_PUBLIC_URL."
            )
        origin = headers.get(b"origin")
        if origin is not None and not self._is_own_origin(origin.decode("latin-1"), headers.get(b"host", b"")):
            raise CROSS_ORIGIN("This request came from a page of another site.", origin=origin.decode("latin-1"))

    def _is_ours(self, host: str, default: int | None) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname, parts.port or default
        except ValueError:
            return False
        return name in LOOPBACK or (name is not None and (name, port) == self._public)

    def _is_own_origin(self, origin: str, host: bytes) -> bool:
        try:
            parts = urlsplit(origin)
            named = (parts.hostname, parts.port or PORTS.get(parts.scheme))
        except ValueError:
            return False
        return parts.netloc != "" and (named == self._public or parts.netloc == host.decode("latin-1"))
