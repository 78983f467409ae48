"""What each role may do, for every operation of the API: the permission table decides, whatever the way in."""

import pytest

from crewhall.identity.permissions import PERMISSIONS, Grantee, Permission
from crewhall.kernel.actor import Role
from tests.permissions import colleagues, wiki, work
from tests.permissions.elsewhere import ELSEWHERE
from tests.permissions.ground import make_ground
from tests.support.description import Operation, read_operations
from tests.support.server import Server

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
    **wiki.RIGHTS,
    **work.RIGHTS,
    **dict.fromkeys(("list_events", "get_event", "list_event_types", "export_timeline"), P.ORGANIZATION_READ),
    "post_event": P.MESSAGES_POST,
    **dict.fromkeys(("list_kpis", "list_evidence", "list_ranked_agents", "list_metrics"), P.AGENTS_READ),
    **dict.fromkeys(("calculate_kpis", "post_reading", "create_metric", "delete_metric"), P.AGENTS_UPDATE),
    **dict.fromkeys(("list_sessions", "show_session"), P.ORGANIZATION_READ),
    "start_session": frozenset({"agent"}),
    "show_day": PEOPLE,
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
    "search_knowledge": EVERYBODY,
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
    "list_all_files": EVERYBODY,
    "list_documents": EVERYBODY,
    **dict.fromkeys(("get_document", "list_chunks", "retry_document"), P.ORGANIZATION_READ),
    "show_status": P.ORGANIZATION_UPDATE,
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
    "get_topics": P.AGENTS_CREDENTIALS,
    "give_topics": P.AGENTS_CREDENTIALS,
    "remove_topics": P.AGENTS_CREDENTIALS,
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
    "list_standings": P.ORGANIZATION_READ,
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
    "list_github_connections": P.SETTINGS_READ,
    "get_github_connection": P.SETTINGS_READ,
    "connect_github": P.ORGANIZATION_UPDATE,
    "change_github_connection": P.ORGANIZATION_UPDATE,
    "remove_github_connection": P.ORGANIZATION_UPDATE,
    "check_github_connection": P.ORGANIZATION_UPDATE,
    "list_github_repositories": P.SETTINGS_READ,
    "get_github_repository": P.SETTINGS_READ,
    "add_github_repository": P.ORGANIZATION_UPDATE,
    "remove_github_repository": P.ORGANIZATION_UPDATE,
    "sync_github_repository": P.ORGANIZATION_UPDATE,
    "list_github_items": P.SETTINGS_READ,
    "link_github_repository": P.ORGANIZATION_UPDATE,
    "unlink_github_repository": P.ORGANIZATION_UPDATE,
    "list_github_changes": P.SETTINGS_READ,
    "ask_github_change": P.ORGANIZATION_UPDATE,
    "list_github_deliveries": P.SETTINGS_READ,
    "redeliver_github": P.ORGANIZATION_UPDATE,
    "show_state": PEOPLE,
    "change_state": PEOPLE,
    "list_quick_tasks": P.AGENTS_READ,
    "add_quick_task": P.AGENTS_UPDATE,
    "change_quick_task": P.AGENTS_UPDATE,
    "remove_quick_task": P.AGENTS_UPDATE,
    "run_quick_task": P.MESSAGES_POST,
    **dict.fromkeys(("list_sources", "get_source", "list_items", "list_syncs"), P.AGENTS_UPDATE),
    **dict.fromkeys(("add_source", "add_file", "add_attached", "change_source"), P.AGENTS_UPDATE),
    **dict.fromkeys(("sync_source", "cancel_sync", "remove_source"), P.AGENTS_UPDATE),
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
    "get_file_policy": EVERYBODY,
    "set_file_policy": P.ORGANIZATION_UPDATE,
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
    "restore_conversation", "archive_entry", "delete_task", "archive_project",
]  # fmt: skip
"""What ends something, in an order in which each still finds what it needs; then what deletes, from the inside out."""


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
