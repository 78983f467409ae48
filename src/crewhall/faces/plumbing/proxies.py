"""The client's address behind proxies that the settings trust."""

from collections.abc import MutableMapping
from ipaddress import ip_address
from typing import Any

from crewhall.kernel.addresses import read_networks


class Proxies:
    """Networks whose X-Forwarded-For and X-Forwarded-Proto are believed; all others' are ignored."""

    def __init__(self, trusted: str) -> None:
        self._networks = read_networks(trusted)

    def client_of(self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes]) -> tuple[str, str]:
        """Return the client's address and scheme: the last hop that is not one of our proxies."""
        peer = scope["client"][0] if scope.get("client") else "unknown"
        scheme: str = scope.get("scheme", "http")
        if not self._networks or not self._is_trusted(peer):
            return peer, scheme
        address = peer
        for hop in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            candidate = hop.strip()
            if not candidate:
                continue
            address = candidate
            if not self._is_trusted(candidate):
                break
        forwarded = headers.get(b"x-forwarded-proto", b"").decode("latin-1").strip()
        if forwarded in {"http", "https"}:
            scheme = {"http": "http", "https": "https"}[forwarded] if scope["type"] == "http" else scheme
        return address, scheme

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)
