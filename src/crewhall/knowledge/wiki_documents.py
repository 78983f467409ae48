"""Approved entries as documents: made searchable like every other, gone with the version that they hold."""

from hashlib import sha256
from uuid import UUID, uuid4

from msgspec import Struct

from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.knowledge.vocabulary import OriginKind
from crewhall.knowledge.wiki_names import without_links
from crewhall.knowledge.wiki_schemas import EntryVersion

CHANNEL = "crewhall_documents"
"""Says that a document waits to be worked on."""
MEDIA_TYPE = "text/markdown"
MOST_NAME = 255


class _Words(Struct):
    title: str
    content: str


async def text_of(tx: Tx, origin_id: UUID) -> str:
    """The text of a document, by an origin of it in the wiki: Markdown with the title above. Raises NOT_FOUND."""
    found = await tx.find(
        _Words,
        """
        select e.title, e.content from document_origins o
        join wiki_entries e on e.org_id = o.org_id and e.id = o.version_id where o.id = %(id)s
        """,
        {"id": origin_id},
    )
    if found is None:
        raise NOT_FOUND("This is in the wiki no more.")
    return _text(found.title, found.content)


async def publish_document(tx: Tx, org_id: UUID, version: EntryVersion) -> None:
    """Let the words of an approved version be found, in place of those of the version before.

    A document that stands nowhere any more goes with its chunks: the database sees to it.
    """
    text = _text(version.title, version.content or "").encode()
    values = {
        "id": uuid4(),  # nobody learns from it when somebody else had the same words
        "origin": new_id(),
        "org": org_id,
        "entry": version.entry_id,
        "version": version.id,
        "sha256": sha256(text).digest(),
        "media_type": MEDIA_TYPE,
        "name": f"{version.title[: MOST_NAME - 3]}.md",
        "title": version.title,
        "size": len(text),
        "kind": str(OriginKind.WIKI),
    }
    document = await tx.value(
        """
        insert into documents as d (id, org_id, sha256, media_type, name, title, size, look_at)
        values (%(id)s, %(org)s, %(sha256)s, %(media_type)s, %(name)s, %(title)s, %(size)s, now())
        on conflict (org_id, sha256, media_type) do update set name = d.name returning d.id
        """,
        values,
    )
    await tx.run(
        """
        insert into document_origins (id, org_id, document_id, kind, entry_id, version_id)
        values (%(origin)s, %(org)s, %(document)s, %(kind)s, %(entry)s, %(version)s)
        on conflict (org_id, entry_id) where entry_id is not null
        do update set document_id = excluded.document_id, version_id = excluded.version_id
        """,
        {**values, "document": document},
    )
    await tx.notify(CHANNEL, "")


async def withdraw_document(tx: Tx, org_id: UUID, entry_id: UUID) -> None:
    """Let an entry be found no more."""
    await tx.run(
        "delete from document_origins where org_id = %(org)s and entry_id = %(entry)s",
        {"org": org_id, "entry": entry_id},
    )


def _text(title: str, content: str) -> str:
    return f"# {title}\n\n{without_links(content)}"
