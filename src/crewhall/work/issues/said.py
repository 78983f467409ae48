"""Comments of GitHub in the threads of tasks.

They are said by whom GitHub names, who is nobody here: such a message wakes no agent and mentions nobody.
"""

import re
from datetime import datetime
from typing import LiteralString
from uuid import UUID, uuid5

from msgspec import Struct

from crewhall.conversations import EditMessage, Overlays, Posting, PostMessage
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.visible import visible_text
from crewhall.ports.message_log import MessageKind
from crewhall.work.comments import begin_thread
from crewhall.work.github.facts import CommentChanged, IssueCommented
from crewhall.work.github.outgoing import MARK
from crewhall.work.issues.rows import find_linked
from crewhall.work.issues.wording import CODE
from crewhall.work.task_queries import access_task

COMMENTS = "crewhall_github_comments"
"""Notices that something was said at GitHub."""
MOST_RETRIES = 6
FIRST_WAIT_S = 5.0
LONGEST_SAID = 20_000
_MENTION = re.compile(r"(?<![\w/.+:@\[-])@([A-Za-z0-9][A-Za-z0-9-]{0,38})")
_NOTE: LiteralString = """
insert into github_comments as c (id, org_id, repository_id, key, task_id)
select %(id)s, t.org_id, %(repository)s, %(key)s, t.id from tasks t
where t.org_id = %(org)s and t.github_repository_id = %(repository)s and t.github_issue_number = %(number)s
  and t.project_id = %(project)s and t.deleted_at is null
on conflict (org_id, repository_id, key) do update set look_at = clock_timestamp(), retries = 0
"""
_ITEM: LiteralString = """
select i.body, i.author, i.url, i.deleted_at is not null as is_deleted, i.data ->> 'created_at' as created_at
from github_items i
where i.org_id = (select (current_orgs())[1]) and i.repository_id = %(repository)s and i.kind = 'comment'
  and i.key = %(key)s
"""
_CLAIM: LiteralString = """
update github_comments set attempt = attempt + 1, look_at = clock_timestamp() + interval '2 minutes'
where id = %(id)s and look_at <= clock_timestamp()
returning id, org_id, repository_id, key, task_id, message_id, attempt, retries
"""
_END: LiteralString = """
update github_comments set look_at = null, message_id = coalesce(message_id, %(message)s), reason = %(reason)s
where id = %(id)s and attempt = %(attempt)s
"""
_PUT_OFF: LiteralString = """
update github_comments set look_at = clock_timestamp() + make_interval(secs => %(wait)s), retries = retries + 1,
    reason = %(reason)s
where id = %(id)s and attempt = %(attempt)s
"""


class Said(Struct, frozen=True):
    """A comment that this process shows. What it writes counts while `attempt` is the row's."""

    id: UUID
    org_id: UUID
    repository_id: UUID
    key: str
    task_id: UUID
    message_id: UUID | None
    attempt: int
    retries: int


class _Item(Struct, frozen=True):
    body: str | None
    author: str | None
    url: str | None
    is_deleted: bool
    created_at: datetime | None


async def on_comment(tx: Tx, actor: Actor, fact: IssueCommented | CommentChanged) -> None:
    """What is said of a task's issue is shown in its thread: what was said since both were linked, but what we said."""
    linked = await find_linked(tx, repository_id=fact.at.repository_id)
    if linked is None:
        return
    values = {"id": new_id(), "org": actor.org, "repository": linked.id, "key": fact.at.key, "number": fact.number}
    item = await tx.find(_Item, _ITEM, values)
    if item is None or item.created_at is None or item.created_at < linked.linked_at or await _is_ours(tx, item):
        return
    if await tx.run(_NOTE, values | {"project": linked.project_id}):
        await tx.notify(COMMENTS, "")


async def claim_comment(db: Database, org_id: UUID, comment_id: UUID) -> Said | None:
    """Take a comment over, if it is still due."""
    async with db.transaction(system_actor(org_id)) as tx:
        return await tx.find(Said, _CLAIM, {"id": comment_id})


class Saying:
    """Shows what was said at GitHub."""

    def __init__(self, db: Database, posting: Posting, overlays: Overlays) -> None:
        self._db = db
        self._posting = posting
        self._overlays = overlays

    async def show(self, said: Said) -> None:
        """Say a comment in its task's thread, or follow how it was changed; how that ended stands in its row."""
        try:
            message_id = await self._show(said)
        except CrewhallError as error:
            await self._settle(said, error)
        else:
            await self._end(said, message_id, None)

    async def _show(self, said: Said) -> UUID | None:
        async with self._db.transaction(system_actor(said.org_id)) as tx:
            item = await tx.find(_Item, _ITEM, {"repository": said.repository_id, "key": said.key})
            task = await access_task(tx, system_actor(said.org_id), said.task_id)
        channel = task.project.conversation_id
        if channel is None or (said.message_id is None and (item is None or item.is_deleted)):
            return None
        author = _author(said.org_id, item.author if item else None)
        if said.message_id is not None:
            if item is None or item.is_deleted:
                await self._overlays.delete(author, channel, said.message_id)
            else:
                await self._overlays.edit(author, channel, said.message_id, EditMessage(content=_words(item)))
            return said.message_id
        assert item is not None
        thread = task.thread_id or await begin_thread(self._db, self._posting, said.org_id, task, channel)
        message = PostMessage(
            content=_words(item), parent_id=thread, kind=MessageKind.UPDATE, client_id=f"github:{said.id}",
            metadata={"github": {"url": item.url, "author": item.author}},
        )  # fmt: skip
        return (await self._posting.post(author, channel, message)).message.id

    async def _settle(self, said: Said, error: CrewhallError) -> None:
        """What is refused here (a channel that is closed) stays unsaid, with the reason; all else is tried again."""
        if (error.kind.status < 500 and error.kind.status != 429) or said.retries >= MOST_RETRIES:  # noqa: PLR2004
            await self._end(said, None, error.detail)
            return
        values = {"id": said.id, "attempt": said.attempt, "wait": FIRST_WAIT_S * 2.0**said.retries}
        async with self._db.transaction(system_actor(said.org_id)) as tx:
            await tx.run(_PUT_OFF, values | {"reason": error.detail[:1000]})

    async def _end(self, said: Said, message_id: UUID | None, reason: str | None) -> None:
        values = {"id": said.id, "attempt": said.attempt, "message": message_id, "reason": reason and reason[:1000]}
        async with self._db.transaction(system_actor(said.org_id)) as tx:
            await tx.run(_END, values)


def _author(org_id: UUID, login: str | None) -> Actor:
    """Who says it here: by the name that GitHub gives, and of the system, whose words wake nobody."""
    name = login or "Somebody"
    return Actor(
        type=ActorType.SYSTEM, id=uuid5(org_id, f"github:{name.lower()}"), org_id=org_id, name=f"{name} (GitHub)"
    )


def _words(item: _Item) -> str:
    """What was said, as a message: its mentions lead to GitHub, where they mean somebody."""
    text = visible_text(MARK.sub("", item.body or "").replace("\0", "")).strip() or "…"
    pieces = CODE.split(text)
    said = "".join(one if at % 2 else _MENTION.sub(_profile, one) for at, one in enumerate(pieces))
    return said if len(said) <= LONGEST_SAID else f"{text[: LONGEST_SAID - 500]}…\n\n[All of it]({item.url})"


def _profile(found: re.Match[str]) -> str:
    return f"[@{found[1]}](https://github.com/{found[1]})"


async def _is_ours(tx: Tx, item: _Item) -> bool:
    """Whether it was said from here: by its mark, which is held against our rows, as anybody can write one."""
    found = MARK.search(item.body or "")
    if found is None:
        return False
    try:
        change = UUID(found[1])
    except ValueError:
        return False
    sql: LiteralString = """
    select exists (select from github_changes where org_id = (select (current_orgs())[1]) and id = %(id)s
                     and kind = 'comment')
    """
    return bool(await tx.value(sql, {"id": change}))
