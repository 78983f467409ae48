"""What overlays add up to: the database against a model of a few lines, and against its own replay."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from crewhall.kernel.actor import ActorType
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import Author, NewRecord, Record, RecordType
from tests.conversations.ways import group

AUTHORS = [Author(kind, new_id(), "x") for kind in (ActorType.USER, ActorType.USER, ActorType.AGENT)]
TARGETS = 3
OVERLAYS = [kind for kind in RecordType if kind not in {RecordType.MESSAGE, RecordType.DELIVERY}]

EMPTY: dict[str, Any] = {
    **dict.fromkeys(("title", "content", "html", "mentions", "edited_at", "deleted_at", "deleted_by")),
    **dict.fromkeys(("pinned_at", "pinned_by", "last_reply_at")),
    "edit_count": 0,
    "reply_count": 0,
}


class Step(msgspec.Struct, frozen=True):
    """One record to append: its type, the index of the message it is about, its author, its text."""

    type: RecordType
    target: int
    author: int
    text: str
    title: str | None


STEPS = st.lists(
    st.builds(
        Step,
        type=st.sampled_from([*OVERLAYS, RecordType.REACTION, RecordType.UNREACTION, RecordType.MESSAGE]),
        target=st.integers(0, TARGETS - 1),
        author=st.integers(0, len(AUTHORS) - 1),
        text=st.sampled_from(["👍", "🎉", "a", "{}", "$.x", '"', "a,b"]),
        title=st.sampled_from([None, "T", ""]),
    ),
    min_size=1,
    max_size=25,
)


def model(records: Sequence[Record]) -> dict[UUID, dict[str, Any]]:
    """What each message's overlays add up to."""
    rows: dict[UUID, dict[str, Any]] = {}
    for record in records:
        target = record.parent_id if record.type is RecordType.MESSAGE else record.target_id
        if target is None:
            continue
        row = rows.setdefault(target, {**EMPTY, "reactions": {}})
        row["last_seq"] = record.seq
        lay(row, record)
    return rows


def lay(row: dict[str, Any], record: Record) -> None:
    who = {"type": str(record.author.type), "id": str(record.author.id)}
    match record.type:
        case RecordType.MESSAGE:
            row.update(reply_count=row["reply_count"] + 1, last_reply_at=record.created_at)
        case RecordType.EDIT:
            row.update(title=record.title, content=record.content, html=record.html, mentions=record.mentions,
                       edit_count=row["edit_count"] + 1, edited_at=record.created_at)  # fmt: skip
        case RecordType.DELETION:
            row.update(
                deleted_at=record.created_at, deleted_by=record.author.id, pinned_at=None, pinned_by=None, reactions={}
            )
        case RecordType.PIN:
            row.update(pinned_at=record.created_at, pinned_by=record.author.id)
        case RecordType.UNPIN:
            row.update(pinned_at=None, pinned_by=None)
        case RecordType.REACTION:
            by = row["reactions"].get(record.content, [])
            row["reactions"] = row["reactions"] | {record.content: by if who in by else [*by, who]}
        case RecordType.UNREACTION:
            left = {emoji: [by for by in reacted if emoji != record.content or by != who]
                    for emoji, reacted in row["reactions"].items()}  # fmt: skip
            row["reactions"] = {emoji: reacted for emoji, reacted in left.items() if reacted}


async def append_all(server, org, conversation: UUID, steps: Sequence[Step]) -> list[Record]:
    """Append the messages, then the steps side by side (they share commits); gives the log."""
    log = server.services.log
    author = Author.of(org.owner.actor)
    first = [NewRecord(org_id=org.id, conversation_id=conversation, author=author, content="m") for _ in range(TARGETS)]
    targets = [(await log.append(record)).id for record in first]
    news = [
        NewRecord(
            org_id=org.id,
            conversation_id=conversation,
            author=AUTHORS[step.author],
            type=step.type,
            content=step.text,
            title=step.title,
            html=f"<p>{step.text}</p>",
            mentions=[AUTHORS[step.author].id],
            parent_id=targets[step.target] if step.type is RecordType.MESSAGE else None,
            target_id=None if step.type is RecordType.MESSAGE else targets[step.target],
        )
        for step in steps
    ]
    await asyncio.gather(*(log.append(new) for new in news))
    known = {new.id: new for new in (*first, *news)}
    return [
        _as_written(record, known[record.id]) for record in await log.read(org.id, conversation, after=0, limit=1000)
    ]


def _as_written(record: Record, new: NewRecord) -> Record:
    """With its own text: the log reads nothing of what was deleted."""
    return msgspec.structs.replace(record, title=new.title, content=new.content, html=new.html, mentions=new.mentions)


def overlays(connection: psycopg.Connection[Any], conversation: UUID) -> dict[UUID, dict[str, Any]]:
    cursor = connection.cursor(row_factory=dict_row)
    rows = cursor.execute("select * from message_overlays where conversation_id = %s", (conversation,)).fetchall()
    constant = {"conversation_id", "org_id", "message_id", "metadata"}
    return {row["message_id"]: {name: row[name] for name in row if name not in constant} for row in rows}


@pytest.mark.rule("E4")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_overlays_equal_the_model_and_their_replay(server, org, steps):
    conversation = UUID(await group(org.owner))
    records = await append_all(server, org, conversation, steps)
    assert [record.seq for record in records] == list(range(1, TARGETS + len(steps) + 1))
    with psycopg.connect(server._urls.admin, options="-c timezone=UTC") as connection:
        kept = overlays(connection, conversation)
        assert kept == model(records)
        connection.execute("delete from message_overlays where conversation_id = %s", (conversation,))
        connection.execute(
            "select apply_overlay(r) from (select * from message_records where conversation_id = %s order by seq) r",
            (conversation,),
        )
        assert overlays(connection, conversation) == kept
        connection.rollback()
