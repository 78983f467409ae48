"""What each role may do, for every operation of the API: the permission table decides, whatever the way in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from crewhall.identity.permissions import PERMISSIONS, Grantee, Permission
from crewhall.kernel.actor import Role
from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from tests.files.making import image, post, sent
from tests.identity.hall import PASSWORD, Org
from tests.permissions import colleagues
from tests.permissions.elsewhere import ELSEWHERE
from tests.support.description import Operation, read_operations
from tests.support.server import AgentClient, Server
from tests.support.waiting import until
from tests.tenancy.estate import offered_tool
from tests.tenancy.imports import keep_import
from tests.tenancy.requests import BODIES

P = Permission
ROLES: dict[str, Grantee] = {"owner": Role.OWNER, "admin": Role.ADMIN, "member": Role.MEMBER, "agent": "agent"}
PEOPLE = frozenset({"owner", "admin", "member"})
EVERYBODY = PEOPLE | {"agent"}
AUTHOR = frozenset({"owner"})
"""The owner wrote the message that is tried, and made the schedule and the webhook."""
FOUNDERS = frozenset({"owner"})
"""Who owns an organization here may make others, unless CREWHALL_FOUNDERS says otherwise."""
NOBODY: frozenset[str] = frozenset()
UPLOADS = ("show_upload", "continue_upload", "cancel_upload")

RIGHTS: dict[str, P | frozenset[str]] = {
    "show_me": EVERYBODY,
    "change_me": PEOPLE,
    "list_own_logins": PEOPLE,
    "list_personal_tokens": PEOPLE,
    "make_personal_token": PEOPLE,
    "list_apps": PEOPLE,
    "list_own_organizations": EVERYBODY,
    "create_organization": FOUNDERS,
    "switch_organization": PEOPLE,
    "change_own_password": PEOPLE,
    "log_out": PEOPLE,
    "log_out_everywhere": PEOPLE,
    "show_organization": P.ORGANIZATION_READ,
    "change_organization": P.ORGANIZATION_UPDATE,
    "delete_organization": P.ORGANIZATION_DELETE,
    "list_people": P.MEMBERS_READ,
    "show_person": P.MEMBERS_READ,
    "change_role": P.MEMBERS_ROLE,
    "remove_person": P.MEMBERS_REMOVE,
    "deactivate_person": P.MEMBERS_REMOVE,
    "reactivate_person": P.MEMBERS_REMOVE,
    "offer_ownership": P.ORGANIZATION_TRANSFER,
    "change_logo": P.ORGANIZATION_UPDATE,
    "remove_logo": P.ORGANIZATION_UPDATE,
    "resend_invitation": P.MEMBERS_INVITE,
    "list_invitations": P.MEMBERS_INVITE,
    "invite": P.MEMBERS_INVITE,
    "revoke_invitation": P.MEMBERS_INVITE,
    "read_audit": P.AUDIT_READ,
    "list_agents": P.AGENTS_READ,
    **colleagues.RIGHTS,
    "show_agent": P.AGENTS_READ,
    "create_agent": P.AGENTS_CREATE,
    "fork_agent": P.AGENTS_CREATE,
    "update_agent": P.AGENTS_UPDATE,
    "delete_agent": P.AGENTS_DELETE,
    "beat": NOBODY,
    "list_credentials": P.AGENTS_CREDENTIALS,
    "create_credential": P.AGENTS_CREDENTIALS,
    "rotate_credential": P.AGENTS_CREDENTIALS,
    "revoke_credential": P.AGENTS_CREDENTIALS,
    "list_uses": P.AGENTS_CREDENTIALS,
    "list_conversations": EVERYBODY,
    "get_conversation": P.ORGANIZATION_READ,
    "list_members": P.ORGANIZATION_READ,
    "list_messages": P.ORGANIZATION_READ,
    "get_message": P.ORGANIZATION_READ,
    "get_history": P.ORGANIZATION_READ,
    "list_pins": P.ORGANIZATION_READ,
    "search_messages": EVERYBODY,
    "find_places": EVERYBODY,
    "list_saved": PEOPLE,
    "save_message": PEOPLE,
    "unsave_message": PEOPLE,
    "star_conversation": PEOPLE,
    "unstar_conversation": PEOPLE,
    "visit_conversation": EVERYBODY,
    "join_conversation": P.ORGANIZATION_READ,
    "leave_conversation": EVERYBODY,
    "mark_read": EVERYBODY,
    "mark_unread": EVERYBODY,
    "post_message": P.MESSAGES_POST,
    "add_reaction": P.MESSAGES_POST,
    "remove_reaction": P.MESSAGES_POST,
    "pin_message": P.MESSAGES_PIN,
    "unpin_message": P.MESSAGES_PIN,
    "edit_message": AUTHOR,
    "delete_message": P.MESSAGES_MODERATE,
    "open_conversation": P.CHANNELS_CREATE,
    "change_conversation": P.CHANNELS_UPDATE,
    "archive_conversation": P.CHANNELS_ARCHIVE,
    "restore_conversation": P.CHANNELS_ARCHIVE,
    "delete_conversation": P.CHANNELS_ARCHIVE,
    "add_member": P.CHANNELS_UPDATE,
    "remove_member": P.CHANNELS_UPDATE,
    "hand_over": P.CHANNELS_UPDATE,
    "upload_file": P.MESSAGES_POST,
    "list_files": P.ORGANIZATION_READ,
    "get_file": P.ORGANIZATION_READ,
    "download_file": P.ORGANIZATION_READ,
    "show_thumbnail": P.ORGANIZATION_READ,
    "begin_upload": P.MESSAGES_POST,
    "list_runs": EVERYBODY,
    "get_run": P.ORGANIZATION_READ,
    "list_steps": P.ORGANIZATION_READ,
    "cancel_run": P.MESSAGES_POST,
    "ask_for_turn": P.MESSAGES_POST,
    "list_conversation_summaries": P.ORGANIZATION_READ,
    "try_agent": P.AGENTS_UPDATE,
    "list_decisions": P.ORGANIZATION_READ,
    "get_conversation_runtime": P.ORGANIZATION_READ,
    "issue_token": P.ORGANIZATION_READ,
    "preview": P.MESSAGES_POST,
    "list_runtimes": EVERYBODY,
    "get_runtime": P.AGENTS_CREDENTIALS,
    "serve_agent": P.AGENTS_CREDENTIALS,
    "move_runtime": P.AGENTS_CREDENTIALS,
    "remove_runtime": P.AGENTS_CREDENTIALS,
    "rotate_secret": P.AGENTS_CREDENTIALS,
    "try_runtime": P.AGENTS_CREDENTIALS,
    "list_calls": P.AGENTS_CREDENTIALS,
    "get_level": P.ORGANIZATION_READ,
    "list_notifications": EVERYBODY,
    "count_notifications": EVERYBODY,
    "mark_all_notifications_read": EVERYBODY,
    "show_notification_settings": PEOPLE,
    "change_notification_settings": PEOPLE,
    "get_push_key": EVERYBODY,
    "list_devices": PEOPLE,
    "add_device": PEOPLE,
    "list_approvals": EVERYBODY,
    "get_approval": P.APPROVALS_DECIDE,
    "approve_call": P.APPROVALS_DECIDE,
    "refuse_call": P.APPROVALS_DECIDE,
    "show_tool_policy": P.SETTINGS_READ,
    "settle_tool_policy": P.ORGANIZATION_UPDATE,
    "list_tool_servers": P.SETTINGS_READ,
    "get_tool_server": P.SETTINGS_READ,
    "add_tool_server": P.ORGANIZATION_UPDATE,
    "change_tool_server": P.ORGANIZATION_UPDATE,
    "remove_tool_server": P.ORGANIZATION_UPDATE,
    "refresh_tool_server": P.ORGANIZATION_UPDATE,
    "settle_server_tool": P.ORGANIZATION_UPDATE,
    "show_state": PEOPLE,
    "change_state": PEOPLE,
    "list_quick_tasks": P.AGENTS_READ,
    "add_quick_task": P.AGENTS_UPDATE,
    "change_quick_task": P.AGENTS_UPDATE,
    "remove_quick_task": P.AGENTS_UPDATE,
    "run_quick_task": P.MESSAGES_POST,
    "list_schedules": EVERYBODY,
    "make_schedule": PEOPLE,
    "get_schedule": P.ORGANIZATION_READ,
    "change_schedule": AUTHOR,
    "resume_schedule": AUTHOR,
    "run_schedule": AUTHOR,
    "pause_schedule": P.AGENTS_UPDATE,
    "delete_schedule": P.AGENTS_UPDATE,
    "list_drafts": EVERYBODY,
    "show_draft": P.ORGANIZATION_READ,
    "save_draft": PEOPLE,
    "drop_draft": P.ORGANIZATION_READ,
    "list_commands": P.ORGANIZATION_READ,
    "get_idle_policy": EVERYBODY,
    "set_idle_policy": P.ORGANIZATION_UPDATE,
    "list_later": EVERYBODY,
    "make_later": PEOPLE,
    "list_hooks": EVERYBODY,
    "make_hook": PEOPLE,
    "get_hook": P.ORGANIZATION_READ,
    "list_hook_calls": P.ORGANIZATION_READ,
    "change_hook": AUTHOR,
    "resume_hook": AUTHOR,
    "rotate_hook_secret": AUTHOR,
    "pause_hook": P.AGENTS_UPDATE,
    "delete_hook": P.AGENTS_UPDATE,
    **dict.fromkeys(("list_imports", "get_import", "list_import_channels"), P.CONVERSATIONS_IMPORT),
    **dict.fromkeys(("bring_archive", "start_import", "cancel_import"), P.CONVERSATIONS_IMPORT),
    "list_prices": EVERYBODY,
    "get_price": EVERYBODY,
    "add_price": P.BUDGETS_UPDATE,
    "withdraw_price": P.BUDGETS_UPDATE,
    "list_budgets": EVERYBODY,
    "get_budget": P.ORGANIZATION_READ,
    "open_budget": P.BUDGETS_UPDATE,
    "change_budget": P.BUDGETS_UPDATE,
    "close_budget": P.BUDGETS_UPDATE,
    "list_usage": EVERYBODY,
    **dict.fromkeys(("list_storage", "list_rates"), EVERYBODY),
    "set_rate": P.BUDGETS_UPDATE,
    "reset_rate": P.BUDGETS_UPDATE,
}
"""Who may, by operation: whose role holds the permission, or these. The things tried are the owner's."""

LAST = [
    "deactivate_person", "reactivate_person", "log_out", "change_own_password", "archive_conversation",
    "restore_conversation",
]  # fmt: skip
"""What ends something, in an order in which each still finds what it needs; then what deletes, from the inside out."""


@dataclass
class Ground:
    """An organization in which one role tries everything. `names` fills the paths, `bodies` the bodies."""

    role: str
    api: httpx.AsyncClient
    names: dict[str, str]
    bodies: dict[str, dict[str, Any]]
    slug: str
    fresh: httpx.AsyncClient

    async def attempt(self, operation: Operation) -> httpx.Response:
        name = operation.spec["operationId"]
        path = operation.path
        for key, value in self.names.items():
            path = path.replace(f"{{{key}}}", value)
        query = {"q": "hello"} if name == "search_messages" else {}
        query |= {"name": "tried.json"} if name == "upload_file" else {}
        query |= {"confirm": self.slug} if name == "delete_organization" else {}
        api = self.fresh if name == "log_out" else self.api
        body = None if operation.body is None else self.bodies.get(name, BODIES.get(str(operation), {}))
        content = {"upload_file": b"{}", "bring_archive": b"{}", "change_logo": image()}.get(name)
        return await api.request(operation.method, path, json=body, params=query, content=content)


async def make_ground(server: Server, role: str) -> Ground:
    org = await server.make_org()
    owner = org.owner.api
    acting = {
        "owner": lambda: server.sign_in(org.owner, org.id),
        "admin": lambda: org.add("admin"),
        "member": lambda: org.add("member"),
    }
    other, agent = await org.add("member"), await server.hire(org)
    channel = await server.channel(org.owner, name="tried")
    posted = await owner.post(f"/conversations/{channel}/messages", json={"content": "hello"})
    invited = (await owner.post("/invitations", json={})).raise_for_status().json()
    keys = (await owner.get(f"/agents/{agent.id}/credentials")).raise_for_status().json()
    member = {"member_type": "user", "member_id": str(other.id)}
    (await owner.post(f"/conversations/{channel}/members", json=member)).raise_for_status()
    run_id = await _run_of(owner, channel, agent)
    price = {"provider": "tried", "model": "*", "input_price": "1", "output_price": "2"}
    priced = (await owner.post("/prices", json=price)).raise_for_status().json()
    limited = {"conversation_id": channel, "run_limit": 1_000_000}
    budget = (await owner.post("/budgets", json=limited)).raise_for_status().json()
    task = {"title": "tried", "prompt": "hello"}
    tasked = (await owner.post(f"/agents/{agent.id}/quick-tasks", json=task)).raise_for_status().json()
    general = await server.general(org)
    guide = await server.hire(org, model_config={"provider": "crewhall", "model": "guide"})
    timed = {"agent_id": guide.id, "conversation_id": general, "name": "tried", "prompt": "hello", "cron": "0 9 * * *"}
    scheduled = (await owner.post("/schedules", json=timed)).raise_for_status().json()
    hooked = (await owner.post("/hooks", json={"conversation_id": general, "name": "tried"})).raise_for_status().json()
    said = {"conversation_id": general, "content": "hello", "due_at": (utc_now() + timedelta(days=1)).isoformat()}
    elsewhere = {"name": "tried", "url": "http://127.0.0.1:1/mcp"}
    tool_server = (await owner.post("/tool-servers", json=elsewhere)).raise_for_status().json()
    (await owner.post(f"/agents/{agent.id}/runtime", json={"base_url": "https://localhost/"})).raise_for_status()
    picture = await sent(org.owner, channel, image(), "tried.png")
    await post(org.owner, channel, picture)
    names = {
        "org_id": str(org.id),
        "file_id": picture["id"],
        "person_id": str(other.id),
        "agent_id": agent.id,
        "credential_id": keys["items"][0]["id"],
        "invitation_id": invited["invitation"]["id"],
        "conversation_id": channel,
        "message_id": posted.json()["id"],
        "run_id": run_id,
        "approval_id": await _approval_of(server, org, run_id),
        "price_id": priced["id"],
        "budget_id": budget["id"],
        "task_id": tasked["id"],
        "schedule_id": scheduled["id"],
        "hook_id": hooked["id"],
        "import_id": await keep_import(server, org),
        "server_id": tool_server["id"],
        "tool_name": await offered_tool(server, org, tool_server["id"]),
        "agent_kind": "custom",
        **await colleagues.offer(owner, agent.id),
        **member,
        "emoji": "👍",
    }
    bodies = {
        "change_me": {"name": "Another"},
        "offer_ownership": {"person_id": str(other.id)},
        "create_organization": {"name": "Theirs"},
        "change_own_password": {"current_password": PASSWORD, "new_password": "another horse battery"},
        "make_personal_token": {"name": "for a program"},
        "invite": {"role": "member"},
        "add_tool_server": {"name": f"of-{role}", "url": "http://127.0.0.1:1/mcp"},
        "open_conversation": {"kind": "channel", "name": "made"},
        "delete_conversation": {"confirm": "tried"},
        "add_member": {"member_type": "agent", "member_id": agent.id},
        "hand_over": member,
        "make_schedule": timed,
        "make_hook": {"conversation_id": general, "name": "made"},
        "save_draft": {"content": "hello"},
        "make_later": said,
        "run_quick_task": {"conversation_id": channel},
        "ask_for_turn": {"agent_id": agent.id, "message_id": posted.json()["id"]},
    }
    if role == "agent":
        api = (await server.hire(org)).api
        return Ground(role, api, names, bodies, org.slug, api)
    who = await acting[role]()
    return Ground(role, who.api, names, bodies, org.slug, (await server.sign_in(who, org.id)).api)


async def _approval_of(server: Server, org: Org, run_id: str) -> str:
    """The id of something that the run asks for."""
    approval_id = new_id()
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into approvals (id, org_id, run_id, conversation_id, agent_id, key, tool, risk, effect, why,
                                   arguments, expires_at)
            select %(id)s, org_id, id, conversation_id, agent_id, '1', 'fetch', 'outside', 'Sends.', 'So.', '{}',
                   now() + interval '1 day'
            from runs where id = %(run)s
            """,
            {"id": approval_id, "run": run_id},
        )
    return str(approval_id)


async def _run_of(owner: httpx.AsyncClient, channel: str, agent: AgentClient) -> str:
    """The id of a turn that has been taken in the channel."""
    asked = {"content": f"hello @{agent.code}"}
    (await owner.post(f"/conversations/{channel}/messages", json=asked)).raise_for_status()

    async def look() -> list[dict[str, Any]]:
        answer = await owner.get("/runs", params={"conversation": channel, "status": "succeeded"})
        return answer.raise_for_status().json()["items"]  # type: ignore[no-any-return]

    return str((await until(look))[0]["id"])


def order(operation: Operation) -> tuple[int, int]:
    name = operation.spec["operationId"]
    if name == "log_out_everywhere":
        return len(LAST) + 2, 0
    if name in LAST:
        return LAST.index(name) + 1, 0
    undoes = name in {"unpin_message", "remove_reaction"}
    return (len(LAST) + 1, -len(operation.path)) if operation.method == "DELETE" and not undoes else (0, 0)


def is_right(right: P | frozenset[str], role: str) -> bool:
    return right in PERMISSIONS[ROLES[role]] if isinstance(right, P) else role in right


async def test_every_operation_says_who_may(server: Server):
    known = {operation.spec["operationId"] for operation in await read_operations(server.client())}
    assert known == set(RIGHTS) | set(ELSEWHERE), "tell RIGHTS (or ELSEWHERE, with a reason) about it"


@pytest.mark.rule("E1", "X11")
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_the_table_says_and_no_more(server: Server, role: str):
    ground = await make_ground(server, role)
    operations = [one for one in await read_operations(server.client()) if one.spec["operationId"] in RIGHTS]
    wrong = []
    for operation in sorted(operations, key=order):
        answer = await ground.attempt(operation)
        may = is_right(RIGHTS[operation.spec["operationId"]], role)
        refused = answer.status_code == 403 and answer.json()["code"] == "forbidden"
        if refused if may else not refused:
            wrong.append(f"{role} {'may' if may else 'may not'} {operation}: {answer.status_code} {answer.text[:200]}")
        elif may and answer.status_code not in {200, 201, 202, 204, 409}:
            wrong.append(f"{role} tried {operation} in vain: {answer.status_code} {answer.text[:200]}")
    assert wrong == []
