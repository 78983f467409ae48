"""Under which addresses the MCP door is known to apps, and so for what their tokens are good (RFC 8707, RFC 9728)."""

from urllib.parse import urlsplit

from crewhall.identity.redirects import LOOPBACK

MCP_PATH = "/mcp"


class Audience:
    """The door of one installation: below its public address, and on this computer under any of its names."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._is_local = urlsplit(base_url).hostname in LOOPBACK

    def origin_at(self, host: str) -> str:
        """The address of the installation as whoever came to `host` knows it."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        return f"http://{host.lower()}" if self._is_local and name in LOOPBACK else self._base_url

    def read(self, resource: str | None) -> str | None:
        """The door that is meant, in its one spelling; without a resource the only one there is. None: another's."""
        if resource is None:
            return self._base_url + MCP_PATH
        try:
            parts = urlsplit(resource)
            origin = f"{parts.scheme.lower()}://{parts.netloc.lower()}"
            local = self._is_local and parts.scheme.lower() == "http" and parts.hostname in LOOPBACK
        except ValueError:
            return None
        if parts.query or "#" in resource or parts.username is not None or parts.path.rstrip("/") != MCP_PATH:
            return None
        return origin + MCP_PATH if local or origin == self._base_url.lower() else None
