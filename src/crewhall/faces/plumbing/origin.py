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
        named = urlsplit(origin.decode("latin-1"))
        own = {headers.get(b"host", b"").decode("latin-1")}
        if public_url:
            own.add(urlsplit(public_url).netloc)
        if named.netloc and named.netloc in own:
            return
    raise CROSS_ORIGIN(
        "This request came from another site. Open Crewhall itself, or send a token.",
        origin=origin.decode("latin-1") if origin else None,
    )
