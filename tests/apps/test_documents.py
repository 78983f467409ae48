"""Documents by which apps say who they are: read through the guard, held to their address, kept for a while."""

import httpx
import msgspec
import pytest

from crewhall.identity.app_documents import AppDocuments
from crewhall.identity.app_errors import OAuthRefusal
from crewhall.identity.apps import find_app
from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.kernel.outbound import Outbound

HOST = "app.example.org"
ID = f"https://{HOST}/client.json"
GOOD = {
    "client_id": ID,
    "client_name": "Editor",
    "redirect_uris": ["http://127.0.0.1/cb", "https://app.example.org/cb"],
}


class Names:
    """A resolver that knows one name."""

    def __init__(self, address: str = "93.184.216.34") -> None:
        self._address = address

    async def resolve(self, host: str, _port: int) -> list[str]:
        return [self._address] if host == HOST else ["10.0.0.1"]


class Site:
    """Answers every request in one way, and counts them."""

    def __init__(self, body: object = None, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.asked = 0
        self.body = body if isinstance(body, bytes) else msgspec.json.encode(GOOD if body is None else body)
        self._status, self._headers = status, {"content-type": "application/json", **(headers or {})}

    def documents(self, address: str = "93.184.216.34") -> AppDocuments:
        def answer(_request: httpx.Request) -> httpx.Response:
            self.asked += 1
            headers = [(name.encode(), value.encode("latin-1")) for name, value in self._headers.items()]
            return httpx.Response(self._status, headers=headers, stream=httpx.ByteStream(self.body))

        return AppDocuments(Outbound(resolver=Names(address), transport=httpx.MockTransport(answer), most_bytes=4096))


async def test_a_document_names_the_app_and_where_people_are_sent():
    found = await Site().documents().read(ID)
    assert (found.name, found.redirect_uris) == ("Editor", GOOD["redirect_uris"])
    later = (found.fresh_until - utc_now()).total_seconds()
    assert 3500 < later <= 3600


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("max-age=60", 290, 300), ("public, max-age=7200", 7100, 7200), ("max-age=99999999999", 80000, 86400),
     ("no-store", 290, 300), ("max-age=\u00b2", 3500, 3600)],
)  # fmt: skip
async def test_it_counts_as_long_as_it_says_within_bounds(header, least, most):
    found = await Site(headers={"cache-control": header}).documents().read(ID)
    assert least < (found.fresh_until - utc_now()).total_seconds() <= most


@pytest.mark.parametrize(
    "site",
    [
        Site({**GOOD, "client_id": "https://app.example.org/other.json"}),
        Site({**GOOD, "client_id": None}),
        Site({**GOOD, "redirect_uris": []}),
        Site({**GOOD, "redirect_uris": ["http://evil.example/"]}),
        Site({**GOOD, "client_secret": "x"}),
        Site({**GOOD, "token_endpoint_auth_method": "private_key_jwt"}),
        Site(b"{"),
        Site(b"[" * 4000),
        Site(b" " * 5000),
        Site(status=404),
        Site(status=302, headers={"location": "https://app.example.org/else.json"}),
        Site(headers={"content-type": "text/html"}),
    ],
)
async def test_a_document_that_is_not_as_it_must_be_is_refused(site):
    with pytest.raises(OAuthRefusal):
        await site.documents().read(ID)


async def test_no_document_is_read_within_private_networks():
    site = Site()
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(OAuthRefusal):
            await site.documents(address).read(ID)
    for wrong in (
        f"https://{HOST}/", f"https://{HOST}", f"https://{HOST}:8443/x", f"https://a@{HOST}/x", f"https://{HOST}/a/../x",
        f"https://{HOST}/x#y", "https://[/x",
    ):  # fmt: skip
        with pytest.raises(OAuthRefusal):
            await site.documents().read(wrong)
    assert site.asked == 0


async def test_it_is_read_again_only_when_it_is_too_old(server):
    site, app_id = Site(), f"https://{HOST}/{new_id().hex}.json"
    site.body = msgspec.json.encode({**GOOD, "client_id": app_id})
    documents = site.documents()
    for _ in range(2):
        assert (await find_app(server.db, documents, app_id, kept_days=30)).name == "Editor"
    assert site.asked == 1
    async with server.db.transaction(None) as tx:
        await tx.run("update apps set fresh_until = now() where id = %(id)s", {"id": app_id})
    site.body = msgspec.json.encode({**GOOD, "client_id": app_id, "client_name": "Renamed"})
    assert (await find_app(server.db, documents, app_id, kept_days=30)).name == "Renamed"
