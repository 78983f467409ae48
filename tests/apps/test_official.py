"""The official MCP client comes in by itself: it finds out where to ask, asks, and renews its tokens."""

import httpx2
import msgspec
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from crewhall.identity import AppDocuments
from crewhall.kernel.ids import new_id
from tests.apps.asking import BACK, Kept, official, person_of
from tests.apps.test_documents import HOST, Site
from tests.identity.hall import Org
from tests.mcp.visiting import done
from tests.support.server import Server


@pytest.mark.rule("X4")
async def test_it_asks_the_person_comes_in_and_renews(server: Server, org: Org):
    person, kept = await person_of(server, org.owner), Kept()
    general = await server.general(org)
    async with (
        httpx2.AsyncClient(auth=official(server, person, kept), timeout=40, verify=False) as http,
        Client(streamable_http_client(f"{server.address}/mcp", http_client=http)) as client,
    ):
        me = await done(client, "who_am_i")
        assert me["organization"]["id"] == str(org.id)
        await done(client, "post_message", conversation_id=general, content="from an app", client_id="1")
    assert "Let Official in?" in person.seen
    assert kept.tokens
    assert kept.tokens.scope == "read write"
    assert kept.tokens.refresh_token
    first = kept.tokens.access_token

    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update login_tokens set expires_at = now() where kind = 'app_access'")
    server.services.verified.forget_all()
    person.seen = ""
    renewing = official(server, person, kept)
    async with (
        httpx2.AsyncClient(auth=renewing, timeout=40, verify=False) as http,
        Client(streamable_http_client(f"{server.address}/mcp", http_client=http)) as client,
    ):
        renewing.context.token_expiry_time = 1.0
        await done(client, "who_am_i")
    assert kept.tokens.access_token != first


@pytest.mark.rule("X4")
async def test_an_app_that_may_only_read_asks_again_before_it_writes(server: Server, org: Org):
    person, kept = await person_of(server, org.owner), Kept()
    general = await server.general(org)
    async with (
        httpx2.AsyncClient(auth=official(server, person, kept, writes=[False, True]), timeout=40, verify=False) as http,
        Client(streamable_http_client(f"{server.address}/mcp", http_client=http)) as client,
    ):
        await done(client, "list_conversations")
        assert kept.tokens
        assert kept.tokens.scope == "read"
        await done(client, "post_message", conversation_id=general, content="now I may", client_id="1")
        assert kept.tokens.scope == "read write"


@pytest.mark.rule("X4")
async def test_an_app_with_a_document_need_not_register(server: Server, org: Org, monkeypatch: pytest.MonkeyPatch):
    person, kept = await person_of(server, org.owner), Kept()
    site, app_id = Site(), f"https://{HOST}/{new_id().hex}.json"
    site.body = msgspec.json.encode({"client_id": app_id, "client_name": "Vouched", "redirect_uris": [BACK]})
    monkeypatch.setitem(server.services.parts, AppDocuments, site.documents())
    async with (
        httpx2.AsyncClient(auth=official(server, person, kept, document=app_id), timeout=40, verify=False) as http,
        Client(streamable_http_client(f"{server.address}/mcp", http_client=http)) as client,
    ):
        await done(client, "who_am_i")
    assert f"at <strong>{HOST}</strong>" in person.seen
    assert kept.info
    assert kept.info.client_id == app_id
