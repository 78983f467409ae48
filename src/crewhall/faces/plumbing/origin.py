"""Requests from other sites are refused: the browser says where a request comes from (Fetch Metadata, Origin)."""

from urllib.parse import urlsplit

from crewhall.kernel.errors import CROSS_ORIGIN


def check_same_origin(headers: dict[bytes, bytes], public_url: str | None) -> None:
    """Refuse a request that a browser sent from another site.

    `Sec-Fetch-Site` decides where the browser sends it; otherwise `Origin` must name our own host. A client that sends
    neither is no browser and carries no ambient cookie of somebody else.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None and site in {b"same-origin", b"none"}:
        return
    origin = headers.get(b"origin")
    if origin is None and site is None:
        return
    if origin is not None:
        named = _host_of(origin)
        own = {headers.get(b"host", b"").decode("latin-1")}
        if public_url:
            own.add(urlsplit(public_url).netloc)
        if named and named in own:
            return
    raise CROSS_ORIGIN(
        "This request came from another site. Open Crewhall itself, or send a token.",
        origin=origin.decode("latin-1") if origin else None,
    )


def _host_of(origin: bytes) -> str:
    """The host and port that an origin names; empty for `null` and for what is no address."""
    try:
        return urlsplit(origin.decode("latin-1")).netloc
    except ValueError:
        return ""
