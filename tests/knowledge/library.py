"""Documents as extraction and embedding leave them, made at once: what is searched is the tests' own."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from crewhall.kernel.ids import new_id
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.vectors import literal
from tests.files.making import post, sent
from tests.identity.hall import Org
from tests.support.server import AgentClient, Server

DOCUMENT = """
insert into documents (id, org_id, sha256, media_type, name, size, status, title, chunks, ready_at)
values (%(id)s, %(org)s, %(sha256)s, %(media_type)s, %(name)s, 1, 'ready', %(title)s, %(chunks)s, now())
"""
ORIGIN = """
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id)
values (%(origin)s, %(org)s, %(id)s, 'file', %(file)s, %(conversation)s)
"""
CHUNK = """
insert into chunks (id, org_id, document_id, position, content, page, heading, starts, ends, vector)
select %(chunk)s, %(org)s, %(id)s, %(position)s, %(content)s, %(page)s, %(heading)s, 0, length(%(content)s),
       chunk_vector(search_language, %(title)s, %(heading)s, %(content)s) from organizations where id = %(org)s
"""
EMBEDDING = """
insert into embeddings_384 (chunk_id, model, org_id, document_id, embedding)
values (%(chunk)s, %(model)s, %(org)s, %(id)s, %(embedding)s)
"""


async def keep(
    server: Server,
    org: Org,
    conversation: str,
    title: str,
    *contents: str,
    by: Any = None,
    media_type: str = "application/pdf",
    heading: tuple[str, ...] = (),
) -> tuple[UUID, list[UUID]]:
    """Keep a document of these chunks as a file that was posted; gives its id and theirs."""
    poster = by or org.owner
    file = await sent(poster, conversation, b"\x00\x01" + new_id().bytes, f"{title}.bin")
    await post(poster, conversation, file)
    document, chunks = new_id(), [new_id() for _ in contents]
    embedder = server.services.part(KnowledgeSearch)._first
    vectors = await embedder.embed(contents)
    values = {"id": document, "org": org.id, "sha256": sha256(document.bytes).digest(), "media_type": media_type,
              "name": f"{title}.pdf", "title": title, "chunks": len(contents), "origin": new_id(), "file": file["id"],
              "conversation": conversation, "heading": list(heading), "model": embedder.model.name}  # fmt: skip
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(DOCUMENT, values)
        await tx.run(ORIGIN, values)
        for position, (chunk, content, vector) in enumerate(zip(chunks, contents, vectors, strict=True)):
            place = {"chunk": chunk, "position": position, "page": position + 1, "content": content}
            await tx.run(CHUNK, values | place)
            await tx.run(EMBEDDING, values | place | {"embedding": literal(vector)})
    return document, chunks


async def search(who: Any, q: str, **params: Any) -> list[dict[str, Any]]:
    """What somebody finds, best first."""
    answer = (await who.api.get("/knowledge/search", params={"q": q, **params})).raise_for_status()
    found: list[dict[str, Any]] = answer.json()["found"]
    return found


async def texts(who: Any | AgentClient, q: str, **params: Any) -> list[str]:
    """The texts of what somebody finds."""
    return [one["text"] for one in await search(who, q, **params)]
