"""Organizations, people, memberships, logins, permissions. What other packages may use is exported here."""

from crewhall.identity.accents import contrast, hex_of
from crewhall.identity.acts import Names, actor_name, words_for
from crewhall.identity.app_documents import AppDocuments
from crewhall.identity.app_requests import SCOPES, WRITE
from crewhall.identity.audience import MCP_PATH, Audience
from crewhall.identity.device_names import device_name
from crewhall.identity.errands import Errands
from crewhall.identity.events import (
    InstallationSeeded,
    MemberDeactivated,
    MemberJoined,
    MemberLeft,
    MemberReactivated,
    MemberRoleChanged,
    OrganizationCreated,
)
from crewhall.identity.first_run import WEAK_PASSWORD, check_owner, is_set_up, is_weak, prepare_first_run
from crewhall.identity.installation import LogFollowers
from crewhall.identity.logos import Logos
from crewhall.identity.me import provide_agent_profile
from crewhall.identity.organizations import (
    get_organization,
    list_organizations,
    update_organization,
    view_organization,
)
from crewhall.identity.people import (
    find_actor,
    find_people,
    find_people_by_emails,
    find_people_by_handles,
    get_person,
    list_people,
)
from crewhall.identity.permissions import PERMISSIONS, Permission, check_permission, is_allowed
from crewhall.identity.placeholders import NewPlaceholder, find_placeholders_named, make_placeholders
from crewhall.identity.schemas import (
    ActorShown,
    AgentShown,
    Organization,
    OrganizationChange,
    OrganizationSettings,
    Person,
    Profile,
)
from crewhall.identity.settings import Founders, IdentitySettings
from crewhall.identity.verification import AppVerifier, LoginVerifier

__all__ = [
    "MCP_PATH",
    "PERMISSIONS",
    "SCOPES",
    "WEAK_PASSWORD",
    "WRITE",
    "ActorShown",
    "AgentShown",
    "AppDocuments",
    "AppVerifier",
    "Audience",
    "Errands",
    "Founders",
    "IdentitySettings",
    "InstallationSeeded",
    "LogFollowers",
    "LoginVerifier",
    "Logos",
    "MemberDeactivated",
    "MemberJoined",
    "MemberLeft",
    "MemberReactivated",
    "MemberRoleChanged",
    "Names",
    "NewPlaceholder",
    "Organization",
    "OrganizationChange",
    "OrganizationCreated",
    "OrganizationSettings",
    "Permission",
    "Person",
    "Profile",
    "actor_name",
    "check_owner",
    "check_permission",
    "contrast",
    "device_name",
    "find_actor",
    "find_people",
    "find_people_by_emails",
    "find_people_by_handles",
    "find_placeholders_named",
    "get_organization",
    "get_person",
    "hex_of",
    "is_allowed",
    "is_set_up",
    "is_weak",
    "list_organizations",
    "list_people",
    "make_placeholders",
    "prepare_first_run",
    "provide_agent_profile",
    "update_organization",
    "view_organization",
    "words_for",
]
