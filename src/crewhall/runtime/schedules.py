"""Schedules: tasks that agents are given again and again, with the rights of who made them as they are each time.

Only who made a schedule changes it, resumes it and runs it now: whatever it does, it does with that person's rights.
Who manages the agent may pause and delete it.
"""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation, open_direct
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.cron import check_cron, upcoming
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID
from crewhall.kernel.ids import new_id
from crewhall.kernel.wallclock import check_timezone
from crewhall.ports.message_log import MessageLog
from crewhall.runtime.schedule_queries import get_schedule
from crewhall.runtime.schemas_schedules import Schedule, ScheduleInput, SchedulePatch
from crewhall.runtime.started import Task
from crewhall.runtime.triggers import add_trigger, check_prompts
from crewhall.runtime.vocabulary import Cause, PauseReason

SCHEDULES_CHANNEL = "crewhall_schedules"
"""Says that something may be due earlier than it was; carries nothing."""
MOST = 1000
"""Schedules of one organization."""
_INSERT: LiteralString = """
insert into schedules (id, org_id, agent_id, conversation_id, maker_id, name, prompt, cron, timezone, next_due_at,
                       created_by, updated_by)
values (%(id)s, %(org)s, %(agent)s, %(conversation)s, %(maker)s, %(name)s, %(prompt)s, %(cron)s, %(timezone)s,
        %(due)s, %(maker)s, %(maker)s)
"""
_CHANGE: LiteralString = """
update schedules set name = %(name)s, prompt = %(prompt)s, cron = %(cron)s, timezone = %(timezone)s,
    next_due_at = case when pause_reason is null then %(due)s::timestamptz end, updated_by = %(actor)s
where id = %(id)s
"""
_ASKED_NOW: LiteralString = """
update schedules s set trigger_id = %(trigger)s
where s.id = %(id)s
  and not exists (select from turn_triggers t where t.agent_id = s.agent_id and t.id = s.trigger_id)
"""


async def make_schedule(tx: Tx, actor: Actor, log: MessageLog, data: ScheduleInput) -> Schedule:
    """Make a schedule with the actor's rights: a person who may write in the conversation and see the agent.

    Raises FORBIDDEN, NOT_FOUND, CONVERSATION_CLOSED, INVALID, CONFLICT (there are too many).
    """
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("Only people make schedules: a schedule has the rights of who made it.")
    due = next_due(data.cron, data.timezone)
    await check_prompts(tx, await access_agent(tx, actor, data.agent_id))
    conversation_id = data.conversation_id or await open_direct(tx, actor, log, data.agent_id)
    await access_conversation(tx, actor, conversation_id, Verb.POST)
    if await tx.value("select count(*) from schedules where org_id = %(org)s", {"org": actor.org}) >= MOST:
        raise CONFLICT(f"The organization has {MOST} schedules. Delete one first.")
    schedule_id = new_id()
    await tx.run(
        _INSERT,
        {
            "id": schedule_id,
            "org": actor.org,
            "agent": data.agent_id,
            "conversation": conversation_id,
            "maker": actor.id,
            "name": data.name.strip(),
            "prompt": data.prompt,
            "cron": " ".join(data.cron.split()),
            "timezone": data.timezone,
            "due": due,
        },
    )
    made = await get_schedule(tx, actor, schedule_id)
    await _record(tx, actor, "schedule.created", made)
    return made


async def change_schedule(tx: Tx, actor: Actor, schedule_id: UUID, data: SchedulePatch) -> Schedule:
    """Change what a schedule does, and when. Raises NOT_FOUND, FORBIDDEN (others made it), INVALID."""
    before = await _access(tx, actor, schedule_id, own=True)
    kept = {name: getattr(before, name) for name in SchedulePatch.__struct_fields__}
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    values = kept | given
    values["due"] = next_due(values["cron"], values["timezone"])
    values["name"], values["cron"] = values["name"].strip(), " ".join(values["cron"].split())
    await tx.run(_CHANGE, values | {"id": schedule_id, "actor": actor.id})
    changed = await get_schedule(tx, actor, schedule_id)
    await _record(tx, actor, "schedule.changed", changed, changed=sorted(given))
    return changed


async def pause_schedule(tx: Tx, actor: Actor, schedule_id: UUID) -> Schedule:
    """Let a schedule do nothing until it is resumed. Raises NOT_FOUND, FORBIDDEN."""
    before = await _access(tx, actor, schedule_id)
    if before.pause_reason is PauseReason.BY_HAND:
        return before
    await pause(tx, schedule_id, PauseReason.BY_HAND)
    await _record(tx, actor, "schedule.paused", before)
    return await get_schedule(tx, actor, schedule_id)


async def resume_schedule(tx: Tx, actor: Actor, schedule_id: UUID) -> Schedule:
    """Let a paused schedule go on from its next moment. Raises NOT_FOUND, FORBIDDEN, CONVERSATION_CLOSED, INVALID."""
    before = await _access(tx, actor, schedule_id, own=True)
    if before.pause_reason is None:
        return before
    await check_prompts(tx, await access_agent(tx, actor, before.agent.id))
    place = await tx.value("select conversation_id from schedules where id = %(id)s", {"id": schedule_id})
    await access_conversation(tx, actor, place, Verb.POST)
    await tx.run(
        "update schedules set pause_reason = null, next_due_at = %(due)s, updated_by = %(actor)s where id = %(id)s",
        {"id": schedule_id, "due": next_due(before.cron, before.timezone), "actor": actor.id},
    )
    await _record(tx, actor, "schedule.resumed", before)
    return await get_schedule(tx, actor, schedule_id)


async def delete_schedule(tx: Tx, actor: Actor, schedule_id: UUID) -> None:
    """Delete a schedule; the turns that it set off stay. Raises NOT_FOUND, FORBIDDEN."""
    found = await _access(tx, actor, schedule_id)
    await tx.run("delete from schedules where id = %(id)s", {"id": schedule_id})
    await _record(tx, actor, "schedule.deleted", found)


async def run_schedule(tx: Tx, actor: Actor, schedule_id: UUID) -> Task:
    """Give the agent a schedule's task now, whatever the hour; its moments stay as they are, and what one asked for.

    Raises NOT_FOUND, FORBIDDEN, CONVERSATION_CLOSED, INVALID.
    """
    await _access(tx, actor, schedule_id, own=True)
    kept = await tx.one(
        _Asks, "select conversation_id, agent_id, prompt from schedules where id = %(id)s", {"id": schedule_id}
    )
    trigger_id = await add_trigger(
        tx,
        actor,
        conversation_id=kept.conversation_id,
        agent_id=kept.agent_id,
        cause=Cause.RUN_NOW,
        prompt=kept.prompt,
    )
    await tx.run(_ASKED_NOW, {"trigger": trigger_id, "id": schedule_id})
    return Task(
        conversation_id=kept.conversation_id, agent_id=kept.agent_id, trigger_id=trigger_id, cause=Cause.RUN_NOW
    )


async def pause(tx: Tx, schedule_id: UUID, reason: PauseReason) -> None:
    """Pause a schedule for a reason; the caller has checked who may."""
    await tx.run(
        "update schedules set pause_reason = %(reason)s, next_due_at = null where id = %(id)s",
        {"id": schedule_id, "reason": str(reason)},
    )


def next_due(cron: str, timezone: str) -> datetime:
    """The next moment of an expression that is checked with it. Raises INVALID."""
    check_cron(cron)
    check_timezone(timezone)
    found = upcoming(cron, timezone, utc_now(), 1)
    if not found:
        raise INVALID("cron: no day of the calendar is named by this.", field="cron")
    return found[0]


class _Asks(msgspec.Struct):
    conversation_id: UUID
    agent_id: UUID
    prompt: str


async def _access(tx: Tx, actor: Actor, schedule_id: UUID, *, own: bool = False) -> Schedule:
    """Return a schedule that the actor may pause and delete, or (`own`) change, locked."""
    await tx.run("select from schedules where id = %(id)s for no key update", {"id": schedule_id})
    found = await get_schedule(tx, actor, schedule_id)
    if own and not found.is_mine:
        raise FORBIDDEN("Only who made a schedule changes, resumes and runs it: it has their rights. Make your own.")
    if not found.may_pause:
        raise FORBIDDEN("Only who made this schedule, and who manages its agent, may pause or delete it.")
    return found


async def _record(tx: Tx, actor: Actor, action: str, schedule: Schedule, **details: object) -> None:
    about = {"name": schedule.name, "agent_id": str(schedule.agent.id), "cron": schedule.cron}
    await audit.record(tx, actor, action, "schedule", schedule.id, about | details)
    await tx.notify(SCHEDULES_CHANNEL, "")
