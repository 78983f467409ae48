"""Which addresses outside may be asked for: by their scheme, host and port, and by where their names lead."""

import ipaddress
from collections.abc import Collection

from crewhall.kernel.errors import define_error

OUTBOUND_REFUSED = define_error("outbound_refused", 422, "This address may not be reached")
PORTS = {"http": 80, "https": 443}
CLOSED = tuple(
    ipaddress.ip_network(one)
    for one in (
        "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "64:ff9b:1::/48", "3fff::/20", "fec0::/10",
        "168.63.129.16/32",  # a public address that is Azure's metadata service wherever Azure is
    )
)  # fmt: skip
"""Networks of special use that not every Python knows: metadata services stand in some."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(url: str, hosts: Collection[str] | None) -> tuple[str, int]:
    """Return the host and port of an address that may be asked for. Raises OUTBOUND_REFUSED."""
    import httpx

    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise OUTBOUND_REFUSED(f"This is no address: {error}.", field="url") from None
    host = parts.raw_host.decode().rstrip(".").lower()
    if parts.scheme not in PORTS or not host:
        raise OUTBOUND_REFUSED("Only http and https addresses are reached, such as https://example.org/.", field="url")
    if parts.userinfo:
        raise OUTBOUND_REFUSED("The address must not hold a name or a password.", field="url")
    port = parts.port or PORTS[parts.scheme]
    if hosts is not None and not is_listed(host, port, parts.scheme, hosts):
        raise OUTBOUND_REFUSED(
            f"{host} is not among the hosts that the organization lets its agents reach. An owner or admin can add it.",
            field="url",
            host=host,
        )
    if hosts is None and port != PORTS[parts.scheme]:
        raise OUTBOUND_REFUSED(f"Port {port} is not reached from here.", field="url")
    return host, port


def is_listed(host: str, port: int, scheme: str, hosts: Collection[str]) -> bool:
    """Whether a host is among those listed: by its name, or below `*.name`, at the usual port or one that is named."""
    for entry in hosts:
        name, _, named_port = entry.lower().partition(":")
        if port != (int(named_port) if named_port else PORTS[scheme]):
            continue
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            return True
    return False


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet's: not private, loopback, link-local (metadata), or reserved.

    An address that carries another one within is as public as that one.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(one) for one in [found, *_within(found)])


def is_literal(host: str) -> bool:
    """Whether a host is an address itself, no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_open(found: Address) -> bool:
    if not found.is_global or found.is_multicast or found.is_reserved:
        return False
    return not any(found in network for network in CLOSED)


def _within(found: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(found, ipaddress.IPv4Address):
        return []
    carried: list[Address | None] = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
    if found in _NAT64:
        carried.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return [one for one in carried if one is not None]
