"""The one permission table: what each role may do in its organization. Every face asks `check_permission`.

What depends on a single row (the author of a message, a member of a private conversation) is decided by that
domain's `access_…`; this table says what a role may do at all.
"""

from enum import StrEnum
from typing import Literal

from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.errors import FORBIDDEN


class Permission(StrEnum):
    """Something that a role may do."""

    ORGANIZATION_READ = "organization.read"
    ORGANIZATION_UPDATE = "organization.update"
    ORGANIZATION_DELETE = "organization.delete"
    ORGANIZATION_TRANSFER = "organization.transfer"
    SETTINGS_READ = "settings.read"
    AUDIT_READ = "audit.read"
    MEMBERS_READ = "members.read"
    MEMBERS_INVITE = "members.invite"
    MEMBERS_REMOVE = "members.remove"
    MEMBERS_ROLE = "members.role"
    AGENTS_READ = "agents.read"
    AGENTS_CREATE = "agents.create"
    AGENTS_UPDATE = "agents.update"
    AGENTS_DELETE = "agents.delete"
    AGENTS_CREDENTIALS = "agents.credentials"
    CONVERSATIONS_CREATE = "conversations.create"
    CONVERSATIONS_IMPORT = "conversations.import"
    CHANNELS_CREATE = "channels.create"
    CHANNELS_UPDATE = "channels.update"
    CHANNELS_ARCHIVE = "channels.archive"
    CHANNELS_SYSTEM = "channels.system"
    MESSAGES_POST = "messages.post"
    MESSAGES_PIN = "messages.pin"
    MESSAGES_MODERATE = "messages.moderate"
    APPROVALS_DECIDE = "approvals.decide"
    USAGE_READ = "usage.read"
    BUDGETS_UPDATE = "budgets.update"
    WIKI_PROPOSE = "wiki.propose"
    WIKI_DECIDE = "wiki.decide"
    PROJECTS_CREATE = "projects.create"
    PROJECTS_UPDATE = "projects.update"
    TASKS_WRITE = "tasks.write"
    TASKS_DELETE = "tasks.delete"
    INSTALLATION_READ = "installation.read"


P = Permission
Grantee = Role | Literal["agent"]

THE_OWNER = "the organization's owner"
_AGENT = frozenset({
    P.ORGANIZATION_READ, P.MEMBERS_READ, P.AGENTS_READ, P.CONVERSATIONS_CREATE, P.MESSAGES_POST, P.WIKI_PROPOSE,
    P.TASKS_WRITE,
})  # fmt: skip
_MEMBER = _AGENT | {P.CHANNELS_CREATE, P.MESSAGES_PIN, P.PROJECTS_CREATE, P.TASKS_DELETE}
_ADMIN = _MEMBER | {
    P.ORGANIZATION_UPDATE, P.SETTINGS_READ, P.AUDIT_READ, P.MEMBERS_INVITE, P.MEMBERS_REMOVE,
    P.AGENTS_CREATE, P.AGENTS_UPDATE, P.AGENTS_DELETE, P.AGENTS_CREDENTIALS,
    P.CHANNELS_UPDATE, P.CHANNELS_ARCHIVE, P.CHANNELS_SYSTEM, P.MESSAGES_MODERATE,
    P.APPROVALS_DECIDE, P.USAGE_READ, P.BUDGETS_UPDATE, P.WIKI_DECIDE,
    P.PROJECTS_UPDATE,
}  # fmt: skip

PERMISSIONS: dict[Grantee, frozenset[Permission]] = {
    "agent": _AGENT,
    Role.MEMBER: _MEMBER,
    Role.ADMIN: _ADMIN,
    Role.OWNER: frozenset(Permission),
}
"""What each role may do, and what any agent may do (a person's agents never gain that person's rights)."""

_ACTS: dict[Permission, str] = {
    P.ORGANIZATION_READ: "see the organization",
    P.ORGANIZATION_UPDATE: "change the organization",
    P.ORGANIZATION_DELETE: "delete the organization",
    P.ORGANIZATION_TRANSFER: "hand the organization to another owner",
    P.SETTINGS_READ: "see the organization's settings",
    P.AUDIT_READ: "read the audit log",
    P.MEMBERS_READ: "see the organization's people",
    P.MEMBERS_INVITE: "invite people",
    P.MEMBERS_REMOVE: "deactivate or remove people",
    P.MEMBERS_ROLE: "appoint, demote or remove admins",
    P.AGENTS_READ: "see agents",
    P.AGENTS_CREATE: "create agents",
    P.AGENTS_UPDATE: "change or lend agents",
    P.AGENTS_DELETE: "delete agents",
    P.AGENTS_CREDENTIALS: "manage agents' credentials",
    P.CONVERSATIONS_CREATE: "start conversations",
    P.CONVERSATIONS_IMPORT: "import conversations from elsewhere",
    P.CHANNELS_CREATE: "create channels",
    P.CHANNELS_UPDATE: "change channels",
    P.CHANNELS_ARCHIVE: "archive channels",
    P.CHANNELS_SYSTEM: "manage system channels",
    P.MESSAGES_POST: "post messages",
    P.MESSAGES_PIN: "pin messages",
    P.MESSAGES_MODERATE: "remove other people's messages",
    P.APPROVALS_DECIDE: "decide about what agents ask for",
    P.USAGE_READ: "see everybody's usage",
    P.BUDGETS_UPDATE: "change budgets, prices and limits",
    P.WIKI_PROPOSE: "propose wiki entries",
    P.WIKI_DECIDE: "decide about wiki entries",
    P.PROJECTS_CREATE: "begin projects",
    P.PROJECTS_UPDATE: "change projects",
    P.TASKS_WRITE: "write tasks",
    P.TASKS_DELETE: "delete tasks",
    P.INSTALLATION_READ: "see how the installation runs",
}


def is_allowed(actor: Actor, permission: Permission) -> bool:
    """Tell whether the actor's role in its organization holds the permission. The system may do everything.

    Whoever acts for others needs it of each of them.
    """
    if not actor.behalf:  # nearly always, twice for each post
        return _holds(actor, permission)
    return all(_holds(principal, permission) for principal in actor.principals)


def _holds(actor: Actor, permission: Permission) -> bool:
    if actor.type is ActorType.SYSTEM:
        return True
    grantee: Grantee | None = "agent" if actor.type is ActorType.AGENT else actor.role
    return grantee is not None and permission in PERMISSIONS[grantee]


def check_permission(actor: Actor, permission: Permission) -> None:
    """Refuse with `forbidden`, in a sentence that says who may do it, unless the actor may."""
    if is_allowed(actor, permission):
        return
    who = _holders(permission)
    one = "Ask them." if who == THE_OWNER else "Ask one of them."
    hint = "An agent may not." if actor.type is ActorType.AGENT else one
    raise FORBIDDEN(f"Only {who} may {_ACTS[permission]}. {hint}", permission=str(permission))


def _holders(permission: Permission) -> str:
    roles = [role for role in Role if permission in PERMISSIONS[role]]
    if Role.MEMBER in roles:
        return "people of the organization"
    return "its owners and admins" if Role.ADMIN in roles else THE_OWNER
