"""What a start told and a session leaves, as texts to read."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from crewhall.kernel.counting import counted, lasting
from crewhall.kernel.visible import visible_line
from crewhall.work.session_schemas import (
    HandedOver,
    PulledEvent,
    PulledMention,
    PulledTask,
    RoleChange,
    StartedSession,
)
from crewhall.work.session_vocabulary import StopReason
from crewhall.work.vocabulary import IN_WORDS

T = TypeVar("T")
MOST_LINES, EXCERPT = 20, 160
ENDED = {
    StopReason.STOPPED: "was stopped",
    StopReason.CRASHED: "fell silent and was closed",
    StopReason.SUPERSEDED: "was ended by the next one",
}


def told(started: StartedSession) -> str:
    """All that a start found, to be read by whoever begins to work. Words of others stand in quotation marks."""
    pulled, n = started.pulled, started.pulled.counts
    parts = [
        _beginning(started),
        *_handed_over(started.handed_over),
        *_section(f"Your open tasks: {n.tasks}, the most urgent first", pulled.tasks, n.tasks, _task),
        *_free(n.free),
        *_section(f"Mentions: {n.mentions}, the newest first", pulled.mentions, n.mentions, _mention),
        *_section(
            f"Roles that changed: {n.role_changes}", pulled.role_changes, n.role_changes,
            lambda one: role_change(one, started),
        ),
        *_section(f"Questions to you without an answer: {n.questions}", started.questions, n.questions, _event),
        *_section(f"Answers to what you asked: {n.answers}", started.answers, n.answers, _event),
        *_section(f"New in the wiki: {n.knowledge}", started.knowledge, n.knowledge, _event),
    ]  # fmt: skip
    if len(parts) == 1:
        parts.append("Nothing is open, and nothing changed." if pulled.since else "Nothing is to be done yet.")
    return "\n\n".join(parts)


def role_change(one: RoleChange, started: StartedSession) -> str:
    """What changed of somebody, in a sentence."""
    is_own = one.who.id == started.session.agent.id
    whose = f"Your {one.what}" if is_own else f"{one.who.name}’s {one.what}"
    if one.before is None:
        return f"{whose} is {one.after} now."
    return f"{whose} is {one.after or 'nothing'} now, was {one.before}."


def crashed(heard_at: datetime, seconds: int, log_count: int, last: str | None, tasks: list[PulledTask]) -> str:
    """The hand-off that Crewhall writes for an agent that fell silent."""
    lines = [
        f"Nothing was heard since {heard_at:%Y-%m-%d %H:%M} UTC, {lasting(seconds)} into the session.",
        f"Its last entry: “{_short(last)}”" if last else "It noted nothing.",
    ]
    if log_count > 1:
        lines[1] += f" ({log_count} in all)"
    if tasks:
        names = ", ".join(one.name for one in tasks)
        lines.append(f"Back in the backlog, for whoever goes on: {names}.")
    return "\n".join(lines)


def _beginning(started: StartedSession) -> str:
    project = f" on {started.session.project.name}" if started.session.project else ""
    since = started.pulled.since
    compared = f"What changed since {since:%Y-%m-%d %H:%M} UTC:" if since else "This is your first one. What there is:"
    return f"Your work session{project} has begun. {compared}"


def _handed_over(before: HandedOver | None) -> list[str]:
    if before is None:
        return []
    lasted = lasting(before.duration_seconds)
    said = f"The one before {ENDED[before.stop_reason]} on {before.stopped_at:%Y-%m-%d %H:%M} UTC, after {lasted}."
    return [f"{said} It left:\n{before.hand_off}" if before.hand_off else said]


def _free(count: int) -> list[str]:
    return [f"{counted(count, 'task is', 'tasks are')} free: next_task takes the most urgent."] if count else []


def _section(title: str, items: Sequence[T], total: int, line: Callable[[T], str]) -> list[str]:
    if not items:
        return []
    lines = [f"- {line(one)}" for one in items[:MOST_LINES]]
    if total > len(lines):
        lines.append(f"- and {total - len(lines):,} more")
    return ["\n".join([f"{title}.", *lines])]


def _task(one: PulledTask) -> str:
    due = f", due {one.deadline:%Y-%m-%d %H:%M} UTC" if one.deadline else ""
    waits = f", waits for {one.waits_for}" if one.waits_for else ""
    return f"{one.name} {one.priority} {IN_WORDS[one.status]}{due}{waits}: {one.title}"


def _mention(one: PulledMention) -> str:
    return f"{one.author.name} in {one.place}, {one.at:%Y-%m-%d %H:%M} UTC: “{_short(one.text)}”"


def _event(one: PulledEvent) -> str:
    said = f": “{_short(one.text)}”" if one.text else ""
    return f"{one.summary}{said} ({one.id})"


def _short(text: str) -> str:
    line = visible_line(text)
    return line if len(line) <= EXCERPT else line[:EXCERPT].rstrip() + "…"
