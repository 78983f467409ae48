"""A server that embeds what is posted, by itself, unless it is told not to."""

from typing import Any

import pytest

from crewhall.conversations import ConversationParts
from crewhall.knowledge import ExtractionSettings, KnowledgeParts, KnowledgeSettings, SourceSettings, start_knowledge
from crewhall.ports.embedder import WordEmbedder
from tests.conversations.ways import post
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until


@pytest.mark.rule("X6")
async def test_what_is_posted_is_found_by_meaning_by_itself_and_nothing_is_looked_at_while_idle(
    cluster: SharedCluster, worker_id: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CREWHALL_DOCUMENTS_AT_ONCE", "1")
    async with Server(cluster.clone(f"meaning_{worker_id}")) as server:
        worker = server.services.part(KnowledgeParts).messages
        assert worker is not None
        org = await server.make_org()
        said = await post(org.owner, await server.general(org), "The harbour is closed when the wind is strong")

        async def is_found() -> list[dict[str, Any]]:
            answer = await org.owner.api.get("/knowledge/search", params={"q": "can ships land during a storm"})
            return answer.raise_for_status().json()["found"]  # type: ignore[no-any-return]

        found = await until(is_found, within=30)
        assert [(one["id"], one["kind"]) for one in found] == [(said["id"], "message")]
        assert await worker.look() is None, "nobody looks again unless somebody posts"
    cluster.drop(f"meaning_{worker_id}")


@pytest.mark.parametrize(("at_once", "by_meaning"), [(0, True), (1, False), (1, True)])
async def test_a_process_that_is_told_not_to_embeds_no_messages(server: Server, at_once: int, by_meaning: bool):
    store = server.services.part(ConversationParts).files
    settings = KnowledgeSettings(documents_at_once=at_once, messages_by_meaning=by_meaning)
    parts = start_knowledge(
        db=server.db, log=server.services.log, blobs=store.blobs, signals=server.services.signals,
        live=server.services.live, settings=settings, extraction=ExtractionSettings(), embedders=[WordEmbedder()],
        store=store, sources=SourceSettings(),
    )  # fmt: skip
    assert (parts.messages is not None) == (at_once > 0 and by_meaning)
