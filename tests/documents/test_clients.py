"""Documents from a program and from the command line."""

import pytest

from crewhall.faces.cli.knowledge import standing
from crewhall.sdk import Client, CrewhallApiError, Document
from tests.documents.ground import attached, file_of, read_now
from tests.identity.hall import Org
from tests.support.server import Server, token_of

TEXT = b"# Pumps\n\nThe red lever stops the pump.\n"


async def test_a_program_follows_lists_and_reads(server: Server, org: Org):
    document_id = await attached(server, org, TEXT, "pumps.md")
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        assert [one.status async for one in client.documents.list("pump")] == ["queued"]
        seen: list[str] = []
        await read_now(server, org, document_id)
        found = await client.documents.wait(document_id, lambda one: seen.append(one.status))
        assert (found.status, seen) == ("ready", ["ready"])
        text = "".join([one.content[one.overlap :] async for one in client.documents.read(document_id)])
        assert "The red lever stops the pump." in text
        file = await client.files.get(await file_of(org, document_id))
        assert file.document is not None
        assert (file.status, file.document.id) == ("ready", document_id)
        status = await client.documents.status()
        assert (status.documents, status.ready, status.failed) == (1, 1, 0)
        assert (await client.files.settle_policy(None)).keep_days is None
        assert (await client.files.policy()).keep_days is None
        with pytest.raises(CrewhallApiError) as refused:
            await client.documents.retry(document_id)
        assert refused.value.code == "conflict"
    member = await org.add()
    async with Client(server.address, token=token_of(member.api)) as client:
        with pytest.raises(CrewhallApiError) as refused:
            await client.documents.status()
        assert refused.value.code == "forbidden"


def test_how_far_it_is_is_said_in_words():
    def words(status: str, done: int = 0, total: int | None = None, unit: str | None = None) -> str:
        return standing(
            Document(id="", name="", media_type="", size=1, status=status, done=done, total=total, unit=unit)
        )

    assert words("extracting", 12, 80, "page") == "extracting: page 12 of 80"
    assert words("extracting", 3, None, "row") == "extracting: 3 rows"
    assert [words(status) for status in ("queued", "extracting", "ready", "failed")] == [
        "queued", "extracting", "searchable", "failed",
    ]  # fmt: skip
