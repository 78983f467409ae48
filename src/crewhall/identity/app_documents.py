"""Documents by which apps say who they are (OAuth Client ID Metadata Document, as MCP's specification asks for it).

The app's id is an https address; what is found there names it and says where people may be sent back to.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from crewhall.identity.app_errors import OAuthRefusal
from crewhall.identity.redirects import check_redirects
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Outbound

MOST_BYTES, TIME_S = 16 * 1024, 5.0
MAX_ID, MAX_NAME = 1000, 100
SHORTEST, USUAL, LONGEST = timedelta(minutes=5), timedelta(hours=1), timedelta(hours=24)
"""For how long a document is taken as read, whatever it says of itself."""


class Described(msgspec.Struct, kw_only=True):
    """What an app says of itself; what else it says is not used here (RFC 7591, 2)."""

    client_id: str | None = None
    client_name: str | None = None
    redirect_uris: list[str] = []
    token_endpoint_auth_method: str | None = None
    client_secret: str | None = None


class Document(msgspec.Struct, frozen=True):
    """A document that was read, and until when it counts."""

    name: str
    redirect_uris: list[str]
    fresh_until: datetime


class AppDocuments:
    """Reads documents, through the guard of everything that leaves: no private address, no redirect."""

    def __init__(self, outbound: Outbound | None = None) -> None:
        self._outbound = outbound or Outbound(most_bytes=MOST_BYTES, time_s=TIME_S)

    async def read(self, app_id: str) -> Document:
        """Read and check the document. Raises OAuthRefusal (`invalid_client`)."""
        check_document_id(app_id)
        try:
            answer = await self._outbound.request(
                "GET", app_id, hosts=None, headers={"accept": "application/json"}, wants=_is_json
            )
        except CrewhallError as error:
            raise _refused(error.detail) from error
        if answer.redirects or answer.status != 200 or answer.body is None or answer.is_cut:  # noqa: PLR2004
            raise _refused(f"there is no JSON of at most {MOST_BYTES // 1024} KiB at this very address")
        try:
            said = msgspec.json.decode(answer.body, type=Described)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _refused("it is no JSON of the expected shape") from error
        if said.client_id != app_id:
            raise _refused("it is that of another client_id")
        if said.client_secret is not None or said.token_endpoint_auth_method not in {None, "none"}:
            raise _refused("only public clients are known here (token_endpoint_auth_method none)")
        check_redirects(said.redirect_uris)
        return Document(name_of(said.client_name) or host_of(app_id), said.redirect_uris, _fresh(answer.headers))


def is_document(app_id: str) -> bool:
    """Whether an app's id is the address of a document."""
    return app_id.startswith("https://")


def check_document_id(app_id: str) -> None:
    """Refuse an id that no document may have: it is https with a path, and names no person, part or way up."""
    try:
        parts = urlsplit(app_id)
        is_wrong = parts.path in {"", "/"} or not parts.hostname or parts.username is not None or "#" in app_id
        is_wrong = is_wrong or any(step in {".", ".."} for step in parts.path.split("/"))
    except ValueError:
        is_wrong = True
    if is_wrong or len(app_id) > MAX_ID:
        raise _refused("its address must be https with a path, without credentials, fragment or dots")


def host_of(app_id: str) -> str:
    """The host that vouches for a document."""
    return str(urlsplit(app_id).hostname)


def name_of(said: str | None) -> str:
    """A name as it can be shown: one line, without what would turn it around."""
    kept = "".join(letter if letter.isprintable() else " " for letter in said or "")
    return " ".join(kept.split())[:MAX_NAME].strip()


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type[-5:] == "+json"
    )


def _fresh(headers: dict[str, str]) -> datetime:
    """Until when a document counts, by its cache headers, within bounds."""
    said = headers.get("cache-control", "").replace(" ", "").lower().split(",")
    ages = [part.partition("=")[2] for part in said if part.startswith("max-age=")]
    if {"no-store", "no-cache"} & set(said):
        return utc_now() + SHORTEST
    found = timedelta(seconds=int(ages[0][:9])) if ages and ages[0].isascii() and ages[0].isdigit() else USUAL
    return utc_now() + min(max(found, SHORTEST), LONGEST)


def _refused(why: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client", f"The app's document cannot be used: {why}.", 401)
