"""Summaries: what an agent keeps of a conversation's older part once it outgrows what the agent may be shown.

Each is one agent's of one conversation, in its own model's words, made of that conversation's messages and nothing
else: whoever may read those may read it. The database drops one when a message that it reaches over is edited or
deleted (0016_context.sql); whoever keeps a new one has read nothing that was changed meanwhile.
"""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations import Verb, access_conversation
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.runtime.schemas import ConversationSummary, RunStep
from crewhall.runtime.vocabulary import StepKind

KEYS = "summary:"
"""Begins the keys of the requests that sum up."""


class Summary(msgspec.Struct, kw_only=True):
    """What is kept. `from_seq` and `up_to_seq` are its first and last message, `messages` how many it is made of.

    `is_whole`: no message before `up_to_seq` was left out. `tokens` is estimated as for lines.
    """

    id: UUID
    from_seq: int
    up_to_seq: int
    messages: int
    is_whole: bool
    summary: str
    tokens: int


class NewSummary(Summary, kw_only=True):
    """A summary that is to be kept. `read_seq` is the log's last record when its messages were read."""

    org_id: UUID
    conversation_id: UUID
    agent_id: UUID
    run_id: UUID
    model: str
    read_seq: int


_FIND: LiteralString = """
select id, from_seq, up_to_seq, messages, is_whole, summary, tokens from conversation_summaries
where conversation_id = %(conversation)s and agent_id = %(agent)s and up_to_seq <= %(up_to)s
order by up_to_seq desc limit 1
"""

# The head is locked as the log's writer locks it: an edit or deletion is seen here, or sees the new row.
_LOCK: LiteralString = "select from conversation_heads where conversation_id = %(conversation_id)s for share"
_KEEP: LiteralString = """
insert into conversation_summaries (id, org_id, conversation_id, agent_id, from_seq, up_to_seq, messages, is_whole,
                                    summary, tokens, model, run_id)
select %(id)s, %(org_id)s, %(conversation_id)s, %(agent_id)s, %(from_seq)s, %(up_to_seq)s, %(messages)s, %(is_whole)s,
       %(summary)s, %(tokens)s, %(model)s, %(run_id)s
where not exists (
    select from message_records c join message_records r on r.id = c.target_id
    where c.conversation_id = %(conversation_id)s and c.seq > %(read_seq)s and c.type in ('edit', 'deletion')
      and r.seq <= %(up_to_seq)s)
on conflict (conversation_id, agent_id, up_to_seq) do update
set id = excluded.id, from_seq = excluded.from_seq, messages = excluded.messages, is_whole = excluded.is_whole,
    summary = excluded.summary, tokens = excluded.tokens, model = excluded.model, run_id = excluded.run_id,
    created_at = now()
"""
_LIST: LiteralString = """
select s.id, s.from_seq, s.up_to_seq, s.messages, s.is_whole, s.summary, s.tokens, s.model, s.run_id, s.created_at,
       json_build_object('id', a.id, 'code', a.code, 'name', a.name) as agent
from conversation_summaries s join agents a on a.id = s.agent_id
where s.org_id = any (current_orgs()) and s.conversation_id = %(conversation)s
  and (%(before)s::uuid is null or s.id < %(before)s)
  and not exists (
      select from conversation_summaries t
      where t.conversation_id = s.conversation_id and t.agent_id = s.agent_id and t.up_to_seq > s.up_to_seq)
order by s.id desc limit %(limit)s
"""


_MADE: LiteralString = """
select s.key, (s.body ->> 'id')::uuid as id from run_steps s where s.run_id = %(run)s and s.kind = 'summary'
"""


async def find_summary(tx: Tx, conversation_id: UUID, agent_id: UUID, up_to_seq: int) -> Summary | None:
    """An agent's latest summary of a conversation that reaches no further than a seq."""
    values = {"conversation": conversation_id, "agent": agent_id, "up_to": up_to_seq}
    return await tx.find(Summary, _FIND, values)


async def keep_summary(tx: Tx, new: NewSummary) -> bool:
    """Keep a summary; not so, and False, where a message that it reaches over was changed since it was read."""
    values = msgspec.structs.asdict(new)
    await tx.run(_LOCK, values)
    return bool(await tx.run(_KEEP, values))


async def list_noted_now(tx: Tx, conversation_id: UUID, agent_id: UUID, summary: Summary) -> list[UUID]:
    """The messages that a summary reaches over and no earlier turn of the agent has read."""
    found: list[UUID] = await tx.values(
        """
        select r.id from message_records r
        where r.conversation_id = %(conversation)s and r.type = 'message'
          and r.seq between %(from)s and %(up_to)s and r.seq > coalesce((
              select max(x.seen_seq) from runs x where x.conversation_id = %(conversation)s and x.agent_id = %(agent)s
                and x.seen_seq is not null and x.prompt is null and x.cause <> 'api'), 0)
        order by r.seq
        """,
        {"conversation": conversation_id, "agent": agent_id, "from": summary.from_seq, "up_to": summary.up_to_seq},
    )
    return found


async def list_summaries(
    tx: Tx, actor: Actor, conversation_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[ConversationSummary]:
    """List what each agent has summed up of a conversation, the latest first. Raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    values = {"conversation": conversation_id, "before": key[0] if key else None, "limit": size + 1}
    return page_of(await tx.all(ConversationSummary, _LIST, values), size, lambda one: (one.id,))


async def without_dropped(tx: Tx, run_id: UUID, steps: list[RunStep]) -> list[RunStep]:
    """The steps of a run without the words of summaries that were dropped since: what they told of was changed."""
    asked = any(map(_is_noting, steps))
    given = [UUID(step.body["summary"]["id"]) for step in steps if _gives(step) and step.body]
    if not asked and not given:
        return steps
    made = await tx.all(_Made, _MADE, {"run": run_id})
    ids = [*given, *(one.id for one in made)]
    standing = set(await tx.values("select id from conversation_summaries where id = any (%(ids)s)", {"ids": ids}))
    wordy = {one.key.rpartition(":")[0] for one in made if one.id in standing}
    return [_shown(step, standing, wordy) for step in steps]


def _is_noting(step: RunStep) -> bool:
    return step.kind is StepKind.ANSWER and (step.key or "").startswith(KEYS)


def _gives(step: RunStep) -> bool:
    return step.kind is StepKind.CONTEXT and bool((step.body or {}).get("summary"))


def _shown(step: RunStep, standing: set[UUID], wordy: set[str]) -> RunStep:
    body = step.body
    if body is None:
        return step
    if _gives(step) and UUID(body["summary"]["id"]) not in standing:
        body = body | {"summary": body["summary"] | {"summary": ""}}
    elif _is_noting(step) and (step.key or "").rpartition(":")[0] not in wordy:
        body = body | {"response": body["response"] | {"parts": []}}
    return msgspec.structs.replace(step, body=body)


class _Made(msgspec.Struct):
    key: str
    id: UUID
