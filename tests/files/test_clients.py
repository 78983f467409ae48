"""Files through the client library and the command line, and what agents are told of them."""

from pathlib import Path
from typing import Any

import pytest

from crewhall.runtime.reading import read_conversation
from crewhall.runtime.runs import Run
from crewhall.sdk import Client, CrewhallApiError
from tests.cli.conftest import Cli, QuickCli
from tests.files.making import image
from tests.identity.hall import Org
from tests.sdk.relay import Relay
from tests.support.server import Server, token_of
from tests.support.waiting import until

LARGE = bytes(range(256)) * 40_000


@pytest.fixture
def owner(tmp_path: Path, server: Server, org: Org) -> Cli:
    return QuickCli(tmp_path, server.address, CREWHALL_TOKEN=token_of(org.owner.api))


@pytest.mark.rule("B8")
async def test_the_client_sends_posts_and_downloads(server: Server, org: Org, tmp_path: Path, relay: Relay):
    """A large file goes in parts; the answer to one of them is lost."""
    general = await server.general(org)
    (tmp_path / "large.bin").write_bytes(LARGE)
    async with Client(relay.address, token=token_of(org.owner.api)) as client:
        relay.swallow = b"PATCH "
        large = await client.files.upload(general, tmp_path / "large.bin")
        assert relay.swallowed.is_set()
        small = await client.files.upload(general, image(), name="plan.png")
        posted = await client.messages.post(general, files=[large.id, small.id])
        assert [(file.name, file.width) for file in posted.files] == [("large.bin", None), ("plan.png", 40)]
        assert [file.id async for file in client.files.list(general)] == [small.id, large.id]
        assert await client.files.read(large.id) == LARGE
        written = await client.files.download(small.id, tmp_path / "got.png")
        assert written.read_bytes() == image()


@pytest.mark.rule("B8")
async def test_the_client_compares_what_is_kept_with_what_it_sent(
    server: Server, org: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    general = await server.general(org)
    (tmp_path / "large.bin").write_bytes(b"as it is")
    monkeypatch.setattr("crewhall.faces.sdk.files.PART", 4)
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        kept = await client.files.upload(general, tmp_path / "large.bin")
        with monkeypatch.context() as patched, pytest.raises(CrewhallApiError) as refused:
            patched.setattr("crewhall.conversations.http_files.stating", lambda _: "sha-256=:AAAA:")
            await client.files.read(kept.id)
        assert refused.value.code == "download_damaged"
        with pytest.raises(CrewhallApiError) as refused:
            monkeypatch.setattr("crewhall.faces.sdk.files._sha256_of", lambda _: "of other bytes")
            await client.files.upload(general, tmp_path / "large.bin")
        assert refused.value.code == "upload_damaged"
    async with server.db.transaction(org.owner.actor) as tx:
        assert await tx.value("select count(*) from files where released_at is null") == 1, "the damaged one went"


@pytest.mark.rule("X4")
async def test_a_file_is_said_listed_and_downloaded_at_the_command_line(
    owner: Cli, server: Server, org: Org, tmp_path: Path
):
    await server.channel(org.owner, name="lab")
    (tmp_path / "notes.txt").write_text("seen")
    said = await owner.ok("say", "lab", "--file", str(tmp_path / "notes.txt"))
    (named,) = said["metadata"]["files"]
    assert (said["content"], named["name"]) == ("", "notes.txt")
    assert "[notes.txt]" in (await owner.run("history", "lab")).out
    (listed,) = await owner.ok("files", "lab")
    assert (listed["id"], listed["message_seq"]) == (named["id"], said["seq"])
    target = tmp_path / "copy.txt"
    assert (await owner.run("download", named["id"], "-o", str(target))).code == 0
    assert target.read_text() == "seen"
    again = await owner.run("download", named["id"], "-o", str(target))
    assert (again.code, "--force" in again.err) == (2, True)
    assert (await owner.run("say", "lab", "x", "--file", "nowhere")).code == 2


async def test_an_agent_is_told_what_is_attached_and_what_tools_read_too(server: Server, org: Org):
    general, agent = (
        await server.general(org),
        await server.hire(org, model_config={"provider": "crewhall", "model": "guide"}),
    )
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        file = await client.files.upload(general, b"a,b\n", name="numbers.csv")
        await client.messages.post(general, f"@{agent.code} look", files=[file.id])

    async def began() -> list[Any]:
        found: list[Any] = (await org.owner.api.get("/runs", params={"agent": agent.id})).json()["items"]
        return found

    (begun,) = await until(began)
    async with server.db.transaction(org.owner.actor) as tx:
        run = await tx.one(Run, "select * from runs where id = %(id)s", {"id": begun["id"]})
        reading = await read_conversation(tx, run, sums_up=False, room=1000)
    said = next(line.content for line in reading.lines if "look" in line.content)
    assert said.endswith(f"look\n[attached: numbers.csv (text/csv, 4 bytes), file {file.id}]")
