"""What one keeps, how messages read before, and where to go, from the command line and the client library."""

from datetime import datetime

from crewhall.sdk import Client
from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.server import Server, token_of


async def test_what_is_kept_and_found(owner: Cli, server: Server, org: Org) -> None:
    await server.channel(org.owner, name="lantern-lab")
    said = [await owner.ok("say", "lantern-lab", f"number {number}") for number in range(5)]
    seqs = [str(message["seq"]) for message in said]
    await owner.ok("save", "lantern-lab", seqs[1], "--note", "ask again")
    shown = await owner.run("saved")
    assert "number 1" in shown.out
    assert "note: ask again" in shown.out
    await owner.ok("save", "lantern-lab", seqs[1], "--done")
    assert await owner.ok("saved") == []
    assert [kept["note"] for kept in await owner.ok("saved", "--done")] == ["ask again"]
    assert "saved no longer" in (await owner.run("unsave", "lantern-lab", seqs[1])).out
    around = await owner.ok("history", "lantern-lab", "--around", seqs[2], "--limit", "2")
    assert [item["content"] for item in around["items"]] == ["number 2", "number 3"]
    assert (await owner.ok("history", "lantern-lab", "--at", "2020-01-01", "--limit", "2"))["items"][0] == said[0]
    assert "Starred #lantern-lab" in (await owner.run("channel", "star", "lantern-lab")).out
    assert "Took the star off" in (await owner.run("channel", "unstar", "lantern-lab")).out
    assert f"Unread from {seqs[3]} on" in (await owner.run("channel", "unread", "lantern-lab", seqs[3])).out
    await owner.ok("say", "lantern-lab", "the end")
    assert "#lantern-lab" in (await owner.run("find", "lan", "la")).out
    assert "number 0" in (await owner.run("versions", "lantern-lab", seqs[0])).out
    assert (await owner.run("save", "lantern-lab", "99999")).code == 1


async def test_the_client_library_keeps_and_finds(server: Server, org: Org) -> None:
    where = await server.channel(org.owner, name="lantern")
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        first, second = [await client.messages.post(where, text) for text in ("one", "two")]
        assert (await client.saved.save(where, first.id, note="mine")).note == "mine"
        assert [kept.message.id async for kept in client.saved.list()] == [first.id]
        await client.saved.forget(where, first.id)
        assert [kept async for kept in client.saved.list(conversation_id=where)] == []
        await client.conversations.star(where)
        assert (await client.conversations.get(where)).is_starred
        await client.conversations.unstar(where)
        await client.conversations.mark_unread(where, second.seq)
        found = await client.find_places("lantern")
        assert [place.label for place in found.places] == ["#lantern"]
        page = await client.messages.page(where, at=datetime.fromisoformat(str(second.created_at)), limit=1)
        assert [message.id for message in page.items] == [second.id]
