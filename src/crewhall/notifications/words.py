"""Notifications in words and addresses: the same sentence on the page, in the mail, on a device and in a terminal."""

from crewhall.conversations import readable
from crewhall.notifications.schemas import Notification
from crewhall.notifications.vocabulary import NotificationKind as K

MOST_SHOWN = 200


def summary_of(one: Notification) -> str:
    """What happened, in a sentence without its end."""
    who, where = one.actor.name, place_of(one)
    return {
        K.MENTION: f"{who} mentioned you{where}",
        K.REPLY: f"{who} replied{where}",
        K.REACTION: f"{who} reacted with {one.detail}{where}",
        K.DIRECT: f"{who} wrote to you" if one.messages == 1 else f"{who} wrote {one.messages} messages to you",
        K.MESSAGE: f"{who} wrote{where}" if one.messages == 1 else f"{one.messages} new messages{where}",
        K.INVITATION: _invitation(one, who, where),
        K.APPROVAL: f"{who} asks to use {one.detail}",
        K.SCHEDULE: f"{who} did not answer your schedule “{one.detail}”{where}",
        K.WEBHOOK: f"{who} did not answer your webhook “{one.detail}”{where}",
        K.WIKI_PROPOSAL: f"{who} proposes the wiki entry “{one.detail}”",
        K.WIKI_DECISION: f"{who} decided about your wiki entry “{one.detail}”",
        K.TASK_ASSIGNED: f"{who} gave you the task {one.detail}",
        K.TIMELINE_MENTION: f"{who} mentioned you on the timeline",
        K.PROBATION: f"{who} {(one.detail or '').rstrip('.')}",
    }[one.kind]


def _invitation(one: Notification, who: str, where: str) -> str:
    if one.conversation is not None and one.conversation.kind == "direct":
        return f"{who} shares a session with you"
    return f"{who} added you{' to' + where.removeprefix(' in') if where else ''}"


def place_of(one: Notification) -> str:
    """Where it happened, to follow a verb; nothing for a direct conversation."""
    place = one.conversation
    if place is None or place.kind == "direct":
        return ""
    return f" in #{place.name}" if place.name else f" in {place.title or 'a group'}"


def path_of(one: Notification) -> str:
    """The page that shows what it is about."""
    if one.kind is K.APPROVAL:
        return f"/approvals/{one.subject_id}"
    if one.kind is K.SCHEDULE:
        return f"/schedules/{one.subject_id}"
    if one.kind is K.WEBHOOK:
        return f"/hooks/{one.subject_id}"
    if one.kind in {K.WIKI_PROPOSAL, K.WIKI_DECISION}:
        return f"/wiki/versions/{one.subject_id}"
    if one.kind is K.TASK_ASSIGNED:
        return f"/tasks/{one.subject_id}"
    if one.kind is K.TIMELINE_MENTION:
        return f"/timeline/{one.subject_id}"
    if one.kind is K.PROBATION:
        return f"/agents/{one.subject_id}/kpis"
    assert one.conversation is not None
    base = f"/c/{one.conversation.id}"
    return base if one.message is None else f"{base}?at={one.message.seq}"


def excerpt_of(content: str) -> str:
    """The beginning of a message as it reads in passing."""
    text = " ".join(readable(content).split())
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN].rsplit(" ", 1)[0] + " …"
