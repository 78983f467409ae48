"""Addresses that settings give: of the web, and of networks. A wrong one is a ValueError, in a sentence."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def check_web_address(address: str) -> str:
    """Return an http or https address as it stands, or refuse what is none; never repeats it, it may hold a secret."""
    try:
        parsed = urlsplit(address)
        is_one = parsed.scheme in {"http", "https"} and bool(parsed.hostname) and parsed.port != 0
    except ValueError:
        is_one = False
    if not is_one or any(character.isspace() for character in address):
        raise ValueError("it is no address such as https://hall.example.org")
    return address


def read_networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Read addresses and networks separated by commas, such as `10.0.0.7, 192.168.0.0/16`."""
    networks: list[IPv4Network | IPv6Network] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            networks.append(ip_network(part, strict=False))
        except ValueError:
            raise ValueError(f"{part!r} is no address or network such as 10.0.0.7 or 192.168.0.0/16") from None
    return networks


def _check_networks(text: str) -> str:
    read_networks(text)
    return text


WebAddress = Annotated[str, AfterValidator(check_web_address)]
Networks = Annotated[str, AfterValidator(_check_networks)]
