"""Administrative acts in words: one table for the audit log's page, its API, and the posts in #audit."""

import re
from typing import Any
from uuid import UUID

import msgspec

from crewhall.kernel.actor import ActorType
from crewhall.kernel.audit import AuditEntry, list_audit
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page

WORDS: dict[str, tuple[str, ...]] = {
    "organization.created": ("created the organization {name}", "created the organization"),
    "organization.updated": ("changed the organization: {changed}", "changed the organization"),
    "organization.deleted": ("deleted the organization",),
    "password.changed": ("changed their password",),
    "login.created": ("signed in with a {kind}", "signed in"),
    "login.ended": ("ended a login: {reason}", "ended a login"),
    "login.ended/signed out": ("signed out",),
    "login.ended/signed out everywhere": ("signed out everywhere",),
    "personal_token.created": ("made the personal token “{name}”", "made a personal token"),
    "personal_token.revoked": ("revoked the personal token “{name}”", "revoked a personal token"),
    "app.let_in": ("let the app “{name}” in to {scopes}", "let an app in"),
    "app.shut_out": ("shut the app “{name}” out: {reason}", "shut the app “{name}” out", "shut an app out"),
    "member.invited": ("invited {email} as {role}", "made an invitation link for a new {role}", "invited somebody"),
    "invitation.renewed": ("sent the invitation of {target} again", "made a new link of an invitation"),
    "ownership.offered": ("offered the organization to {member_id}", "offered the organization"),
    "ownership.withdrawn": ("took back the offer of the organization to {member_id}", "took back an offer"),
    "ownership.declined": ("declined to own the organization",),
    "ownership.transferred": ("became the owner of the organization after {member_id}", "became the owner"),
    "invitation.revoked": ("withdrew the invitation of {target}", "withdrew an invitation"),
    "member.joined": ("joined as {role}", "joined"),
    "member.left": ("left the organization",),
    "member.removed": (
        "removed {target} from the organization",
        "removed {handle} from the organization",
        "removed somebody from the organization",
    ),
    "member.deactivated": (
        "deactivated {target}",
        "deactivated {handle}",
        "deactivated somebody",
    ),
    "member.reactivated": ("reactivated {target}", "reactivated {handle}", "reactivated somebody"),
    "member.role_changed": ("changed the role of {target} from {old} to {new}", "changed somebody's role"),
    "import.started": ("started the import of {messages} messages from {name}", "started the import of {name}"),
    "import.finished": ("finished the import of {name}", "finished an import"),
    "import.canceled": ("called the import of {name} off", "called an import off"),
    "agent.created": ("created {target} as a copy of {forked_from}", "created {target}", "created an agent"),
    "agent.updated": ("changed {target}: {changed}", "changed {target}", "changed an agent"),
    "agent.deleted": ("deleted {target}", "deleted an agent"),
    "agent.purged": ("deleted the agent {name} for good",),
    "agent.status_changed": ("changed {target} from {before} to {after}", "changed an agent's status"),
    "agent.trust_set": ("set the trust of {target} from {before} to {after}", "set an agent's trust"),
    "metric.created": ("named the metric {name}", "named a metric"),
    "metric.deleted": ("deleted the metric {name}", "deleted a metric"),
    "agent.offered": ("offered to lend {target}", "offered to lend an agent"),
    "agent.lent": ("lent {target} to {organization}", "lent an agent"),
    "agent.borrowed": ("borrowed {target} from {organization}", "borrowed an agent"),
    "agent.grant_changed": ("changed how {target} is lent: {changed}", "changed how an agent is lent"),
    "agent.grant_ended": (
        "ended the lending of {target} with {organization}",
        "ended the lending of {target}",
        "ended the lending of an agent",
    ),
    "agent.credential_created": (
        "created the key “{label}” for {agent_id}",
        "created a key for {agent_id}",
        "created a key for an agent",
    ),
    "agent.credential_rotated": ("rotated a key of {agent_id}", "rotated a key of an agent"),
    "agent.credential_revoked": (
        "revoked the key “{label}” of {agent_id}",
        "revoked a key of {agent_id}",
        "revoked a key of an agent",
    ),
    "agent.webhook_created": ("serves {target} at {address}", "serves an agent at a webhook"),
    "agent.webhook_moved": ("moved the webhook of {target} to {address}", "moved an agent's webhook"),
    "agent.webhook_rotated": ("rotated the webhook secret of {target}", "rotated an agent's webhook secret"),
    "agent.topics_created": ("gave {target} topics at Kafka", "gave an agent topics at Kafka"),
    "agent.topics_removed": ("removed the topics of {target} at Kafka", "removed an agent's topics at Kafka"),
    "agent.webhook_removed": ("removed the webhook of {target}", "removed an agent's webhook"),
    "approval.approved": ("let {agent_id} use {tool}", "approved what an agent asked for"),
    "approval.refused": ("refused {agent_id} the use of {tool}", "refused what an agent asked for"),
    "approval.expired": ("let the request of {agent_id} to use {tool} expire", "let an agent's request expire"),
    "quick_task.added": ("gave {agent_id} the quick task “{title}”", "gave an agent a quick task"),
    "quick_task.changed": ("changed the quick task “{title}” of {agent_id}", "changed a quick task"),
    "quick_task.removed": ("took the quick task “{title}” from {agent_id}", "took a quick task from an agent"),
    "source.added": ("gave {agent_id} the source of knowledge “{name}”", "gave an agent a source of knowledge"),
    "source.changed": ("changed the source “{name}” of {agent_id}", "changed a source of knowledge"),
    "source.removed": ("removed the source “{name}” of {agent_id}", "removed a source of knowledge"),
    "schedule.created": ("made the schedule “{name}” for {agent_id}", "made a schedule"),
    "schedule.changed": ("changed the schedule “{name}”: {changed}", "changed a schedule"),
    "schedule.paused": ("paused the schedule “{name}”", "paused a schedule"),
    "schedule.resumed": ("resumed the schedule “{name}”", "resumed a schedule"),
    "schedule.deleted": ("deleted the schedule “{name}”", "deleted a schedule"),
    "webhook.created": ("made the webhook “{name}”", "made a webhook"),
    "webhook.changed": ("changed the webhook “{name}”: {changed}", "changed a webhook"),
    "webhook.rotated": ("rotated the secret of the webhook “{name}”", "rotated the secret of a webhook"),
    "webhook.paused": ("paused the webhook “{name}”", "paused a webhook"),
    "webhook.resumed": ("resumed the webhook “{name}”", "resumed a webhook"),
    "webhook.deleted": ("deleted the webhook “{name}”", "deleted a webhook"),
    "tool_server.added": ("added the tool server {name} ({url})", "added a tool server"),
    "tool_server.changed": ("changed the tool server {name}: {changed}", "changed a tool server"),
    "tool_server.removed": ("removed the tool server {name}", "removed a tool server"),
    "github.connected": ("connected the organization to GitHub as “{name}”", "connected the organization to GitHub"),
    "github.changed": ("changed the connection “{name}” to GitHub: {changed}", "changed a connection to GitHub"),
    "github.disconnected": ("removed the connection “{name}” to GitHub", "removed a connection to GitHub"),
    "github_repository.added": ("had {name} mirrored", "had a repository mirrored"),
    "github_repository.linked": ("made issues of {name} tasks of {project}", "made issues of a repository tasks"),
    "github_repository.unlinked": ("made issues of {name} tasks no more", "made issues of a repository tasks no more"),
    "github_repository.removed": ("had {name} mirrored no more", "had a repository mirrored no more"),
    "github_delivery.repeated": ("had the delivery {name} of GitHub done again", "had a delivery done again"),
    "github_change.asked": ("had issue #{number} changed at GitHub", "had an issue made at GitHub"),
    "server_tool.accepted": ("accepted the tool {name}", "accepted a tool of another server"),
    "server_tool.held_back": ("took the tool {name} back", "took a tool of another server back"),
    "server_tool.weighed": ("settled the risk of {name}: {risk}", "settled the risk of a tool"),
    "tool_policy.changed": ("changed what agents' tools may do: {changed}", "changed what agents' tools may do"),
    "price.added": ("set a price for {model}", "set a price"),
    "price.withdrawn": ("withdrew a price of {model}", "withdrew a price"),
    "budget.opened": ("set a {strictness} budget of {limits} ({label})", "set a budget"),
    "budget.changed": ("changed the budget {label}: {limits}, {strictness}", "changed a budget"),
    "budget.closed": ("took the budget {label} away", "took a budget away"),
    "rate.changed": ("limited {kind} agents to {per_minute} turns a minute, {per_hour} an hour, {per_day} a day",),
    "rate.removed": ("took the limit of {kind} agents back",),
    "wiki_entry.approved": ("approved the wiki entry “{title}”", "approved a wiki entry"),
    "wiki_entry.rejected": ("rejected the wiki entry “{title}”: {reason}", "rejected a wiki entry"),
    "wiki_entry.moved": (
        "moved the wiki entry “{title}” from {before} to {after}",
        "moved a wiki entry",
    ),
    "wiki_entry.archived": ("archived the wiki entry “{title}”", "archived a wiki entry"),
    "wiki_entry.restored": ("restored the wiki entry “{title}”", "restored a wiki entry"),
    "project.created": ("began the project {name}", "began a project"),
    "project.changed": ("changed the project {name}: {changed}", "changed a project"),
    "project.archived": ("archived the project {name}", "archived a project"),
    "project.restored": ("took the project {name} up again", "took a project up again"),
    "project.deleted": ("deleted the project {name}", "deleted a project"),
    "project.purged": ("deleted the project {name} for good",),
    "project.member_added": ("put {member_id} on the project {name}", "put somebody on a project"),
    "project.member_removed": ("took {member_id} off the project {name}", "took somebody off a project"),
    "conversation.created": ("created {target}", "created a conversation"),
    "conversation.changed": ("changed {target}: {details}", "changed {target}", "changed a conversation"),
    "conversation.archived": ("archived {target}", "archived a conversation"),
    "conversation.archived/idle": ("archived {target}: nobody had written there for {days} days",),
    "conversation.restored": ("restored {target}", "restored a conversation"),
    "conversation.deleted": ("deleted {target}", "deleted a conversation"),
    "conversation.member_added": ("added {member_id} to {target}", "added somebody to a conversation"),
    "conversation.member_removed": ("took {member_id} out of {target}", "took somebody out of a conversation"),
    "conversation.owner_changed": ("handed {target} to {member_id}", "handed a conversation to another owner"),
    "conversation.shared": ("shares a session with {member_id}", "shares a session"),
    "conversation.unshared": ("shares a session with {member_id} no more", "shares a session no more"),
    "idle_policy.changed": (
        "settled that groups idle after {idle_after_hours} hours archive themselves {archive_after_days} days later",
        "settled that groups do not archive themselves",
    ),
    "file_policy.changed": (
        "settled that files of archived conversations are kept for {keep_days} days",
        "settled that files of archived conversations are kept",
    ),
}
"""What was done, by action (and reason, where that says it better): the first whose every field is known is said.

Fields are the act's details; ids among them are said as names. `{target}` is what was acted on, `{details}` what the
details are called.
"""

_COUNTED = re.compile(r"(\{(\w+)\} )(hour|day)s")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CALLED = {
    "user": "{}",
    "agent": "agent {}",
    "channel": "#{}",
    "group": "the group “{}”",
    "inbox": "the inbox of agent {}",
    "invitation": "{}",
}
_NAMELESS = {"direct": "a direct conversation", "group": "a group"}
_STRANGERS = {ActorType.USER: "Somebody", ActorType.AGENT: "An agent", ActorType.SYSTEM: "Crewhall"}


class Named(msgspec.Struct, frozen=True):
    """Whoever or whatever an act speaks of. `kind`: user, agent, invitation, inbox, channel, group or direct."""

    kind: str
    name: str | None


Names = dict[str, Named]
"""By id, as the database's `names_in_act` gives them."""


class Act(AuditEntry):
    """An administrative act with its words: `summary` is a sentence that begins with `actor_name`."""

    actor_name: str
    summary: str


class _EntryNames(msgspec.Struct):
    id: UUID
    names: Names


async def list_acts(
    tx: Tx, *, after: str | None = None, limit: int | None = None, action: str | None = None
) -> Page[Act]:
    """List the organization's acts in words, newest first. Row-level security lets only owners and admins see any."""
    page = await list_audit(tx, after=after, limit=limit, action=action)
    found = await tx.all(
        _EntryNames, "select id, names from audit_names(%(ids)s)", {"ids": [entry.id for entry in page.items]}
    )
    names = {entry.id: entry.names for entry in found}
    return Page([_in_words(entry, names.get(entry.id, {})) for entry in page.items], page.next)


def _in_words(entry: AuditEntry, names: Names) -> Act:
    name = actor_name(entry.actor_type, entry.actor_id, names)
    did = words_for(entry.action, entry.resource_id, entry.details, names)
    return Act(**msgspec.structs.asdict(entry), actor_name=name, summary=f"{name} {did}")


def actor_name(kind: ActorType, actor_id: UUID, names: Names) -> str:
    """Who acted, as a name on one line."""
    known = names.get(str(actor_id))
    return _on_one_line(known.name or "" if known else "") or _STRANGERS[kind]


def words_for(action: str, resource_id: str | None, details: dict[str, Any], names: Names) -> str:
    """What was done, to follow the actor's name: `created a key for agent Scout`. Plain text on one line."""
    fields = {key: said for key, value in details.items() if (said := _said(value, names))}
    fields["details"] = _said(list(details), names)
    if target := _target(resource_id, details, names):
        fields["target"] = target
    sentences = WORDS.get(f"{action}/{details.get('reason')}") or WORDS.get(action, ())
    for sentence in sentences:
        one = _COUNTED.sub(lambda found: found[1] + found[3] if details.get(found[2]) == 1 else found[0], sentence)
        try:
            return one.format_map(fields)
        except KeyError:
            continue
    return f"did {_on_one_line(action)}"


def _target(resource_id: str | None, details: dict[str, Any], names: Names) -> str:
    """What was acted on, by the name that it had then, where the act noted it."""
    known = names.get(resource_id or "")
    if known is None:
        return ""
    then = details.get("name")
    return _called(Named(known.kind, then if isinstance(then, str) and then else known.name))


def _called(known: Named) -> str:
    name = _on_one_line(known.name or "")
    return _CALLED[known.kind].format(name) if name and known.kind in _CALLED else _NAMELESS.get(known.kind, "")


def _said(value: object, names: Names) -> str:
    if isinstance(value, str):
        if _ID.fullmatch(value):
            return _called(names[value]) if value in names else ""
        return _on_one_line(value)
    if isinstance(value, list):
        *others, last = [_on_one_line(str(item).replace("_", " ")) for item in value] or [""]
        return f"{', '.join(others)} and {last}" if others else last
    return "" if value is None else str(value)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
