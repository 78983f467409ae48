"""An entry as it stands, held while it is changed: its names, the version that is read, what is open."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg.errors import UniqueViolation

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.knowledge.wiki_names import RESERVED, slugs_like
from crewhall.knowledge.wiki_projects import is_open

_SENTENCES = {
    "wiki_heads_slug_key": ("slug", "An entry of the wiki has this slug. Choose another."),
    "wiki_heads_title_key": (
        "title",
        "An entry of the wiki has this title, or somebody is writing one. Change that one, or choose another title.",
    ),
}


_INSERT: LiteralString = """
insert into wiki_heads (entry_id, org_id, project_id, slug, title)
values (%(id)s, %(org)s, %(project)s, %(slug)s, %(title)s)
"""
_INSERT_UNLESS_TAKEN: LiteralString = _INSERT + " on conflict (org_id, slug) where deleted_at is null do nothing"


class Head(Struct):
    """An entry as it stands."""

    entry_id: UUID
    slug: str
    title: str
    project_id: UUID | None
    approved_id: UUID | None
    open: list[UUID]
    is_archived: bool


@contextmanager
def clear_names() -> Iterator[None]:
    """Say of a name that is taken what to do about it. Raises CONFLICT."""
    try:
        yield
    except UniqueViolation as error:
        field, sentence = _SENTENCES[error.diag.constraint_name or ""]
        raise CONFLICT(sentence, field=field) from error


async def hold_head(tx: Tx, entry_id: UUID, *, archived: bool = False) -> Head:
    """Return an entry, held until the transaction ends. Raises NOT_FOUND, CONFLICT (archived)."""
    found = await tx.find(
        Head,
        """
        select entry_id, slug, title, project_id, approved_id, open, deleted_at is not null as is_archived
        from wiki_heads where org_id = any (current_orgs()) and entry_id = %(id)s for update
        """,
        {"id": entry_id},
    )
    if found is None:
        raise NOT_FOUND("There is no such wiki entry.")
    if found.is_archived and not archived:
        raise CONFLICT("This entry is archived. Restore it first.")
    return found


async def begin_head(tx: Tx, actor: Actor, title: str, slug: str | None, project_id: UUID | None) -> UUID:
    """Take the names of a new entry; a slug is made of the title unless given. Raises CONFLICT, INVALID."""
    await check_project(tx, project_id)
    entry_id = new_id()
    values = {"id": entry_id, "org": actor.org, "project": project_id, "title": title}
    with clear_names():
        if slug is not None:
            await tx.run(_INSERT, {**values, "slug": check_slug(slug)})
            return entry_id
        for one in slugs_like(title):
            if await tx.run(_INSERT_UNLESS_TAKEN, {**values, "slug": one}):
                return entry_id
    raise AssertionError("slugs never end")


async def check_project(tx: Tx, project_id: UUID | None) -> None:
    """Refuse a project that nothing is written for. Raises INVALID."""
    if project_id is not None and not await is_open(tx, project_id):
        raise INVALID("There is no such project, or it is archived.", field="project_id")


def check_slug(slug: str) -> str:
    """Return a slug that was chosen, or refuse one that the wiki's pages have. Raises INVALID."""
    if slug in RESERVED:
        raise INVALID("Pages of the wiki have this word. Choose another slug.", field="slug")
    return slug


async def rename(tx: Tx, head: Head, title: str, slug: str | None) -> None:
    """Let an entry that was never approved have the names of its newest version. Raises CONFLICT.

    The slug of an approved one stays: links and addresses lead to it.
    """
    if head.approved_id is not None:
        if slug not in {None, head.slug}:
            raise CONFLICT("The slug of an approved entry stays: links lead to it.", field="slug")
        await _check_title(tx, head, title)
        return
    with clear_names():
        await tx.run(
            "update wiki_heads set title = %(title)s, slug = %(slug)s where entry_id = %(id)s",
            {"id": head.entry_id, "title": title, "slug": check_slug(slug) if slug else head.slug},
        )


async def _check_title(tx: Tx, head: Head, title: str) -> None:
    """Refuse early what approval would have to refuse."""
    taken = await tx.value(
        """
        select true from wiki_heads where org_id = any (current_orgs()) and lower(title) = lower(%(title)s)
          and deleted_at is null and entry_id <> %(id)s
        """,
        {"title": title, "id": head.entry_id},
    )
    if taken:
        raise CONFLICT(_SENTENCES["wiki_heads_title_key"][1], field="title")
