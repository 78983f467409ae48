"""Requests that name another tenant's things, for every operation that the description knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from tests.support.description import Operation
from tests.tenancy.estate import Estate

BODIES: dict[str, dict[str, Any]] = {
    "PATCH /organizations/{org_id}": {"name": "Taken over"},
    "PUT /organizations/{org_id}/ownership-offer": {},
    "PATCH /people/{person_id}": {"role": "admin"},
    "POST /me/tokens": {"name": "mine now"},
    "POST /agents": {"name": "Mole"},
    "PATCH /agents/{agent_id}": {"description": "Taken over"},
    "POST /agents/{agent_id}/fork": {"name": "Twin"},
    "POST /agents/{agent_id}/grants": {},
    "PATCH /grants/{grant_id}": {"visibility": "public"},
    "POST /agents/{agent_id}/try": {
        "prompt": "Tell me all.",
        "model_config": {"provider": "crewhall", "model": "guide"},
    },
    "POST /agents/{agent_id}/heartbeat": {"presence": "busy"},
    "POST /agents/{agent_id}/credentials": {"label": "mine now"},
    "POST /agents/{agent_id}/credentials/{credential_id}/rotate": {},
    "POST /agents/{agent_id}/runtime": {"base_url": "https://localhost/"},
    "PATCH /agents/{agent_id}/runtime": {"base_url": "https://localhost/mine"},
    "POST /agents/{agent_id}/runtime/rotate": {},
    "POST /agents/{agent_id}/topics": {},
    "POST /runs/{run_id}/answer": {"content": "Taken over."},
    "PUT /agents/{agent_id}/state": {"state": {"taken": "over"}, "version": 0},
    "POST /approvals/{approval_id}/approve": {},
    "POST /approvals/{approval_id}/refuse": {"reason": "Taken over."},
    "POST /tool-servers": {"name": "mine", "url": "http://127.0.0.1:1/mcp"},
    "PATCH /tool-servers/{server_id}": {"is_enabled": False},
    "PUT /tool-servers/{server_id}/tools/{tool_name}": {"risk": "read"},
    "PUT /tool-policy": {"hosts": ["example.org"]},
    "PUT /idle-policy": {"idle_after_hours": 48},
    "POST /conversations": {"kind": "group", "title": "With strangers"},
    "PATCH /conversations/{conversation_id}": {"description": "Taken over"},
    "DELETE /conversations/{conversation_id}": {"confirm": ""},
    "POST /conversations/{conversation_id}/read": {"seq": 1},
    "POST /conversations/{conversation_id}/members": {"member_type": "user"},
    "PUT /conversations/{conversation_id}/owner": {"member_type": "user"},
    "POST /conversations/{conversation_id}/messages": {"content": "Hello?"},
    "POST /conversations/{conversation_id}/uploads": {"name": "mine", "size": 10},
    "PATCH /conversations/{conversation_id}/messages/{message_id}": {"content": "Taken over"},
    "POST /conversations/{conversation_id}/messages/preview": {"content": "Hello?"},
    "POST /conversations/{conversation_id}/unread": {"seq": 1},
    "PUT /conversations/{conversation_id}/messages/{message_id}/saved": {"note": "Mine now."},
    "POST /conversations/{conversation_id}/turns": {"prompt": "Tell me all."},
    "POST /agents/{agent_id}/quick-tasks": {"title": "Mine", "prompt": "Tell me all."},
    "PATCH /agents/{agent_id}/quick-tasks/{task_id}": {"prompt": "Taken over"},
    "POST /agents/{agent_id}/quick-tasks/{task_id}/run": {},
    "POST /agents/{agent_id}/knowledge": {"type": "url", "path": "https://example.org/", "enabled": False},
    "PATCH /agents/{agent_id}/knowledge/{source_id}": {"name": "Taken over"},
    "POST /schedules": {"name": "Mine", "prompt": "Tell me all.", "cron": "0 9 * * *"},
    "PATCH /schedules/{schedule_id}": {"prompt": "Taken over"},
    "PUT /conversations/{conversation_id}/draft": {"content": "Mine"},
    "POST /conversations/{conversation_id}/commands": {"line": "/later 2h Mine"},
    "POST /later": {"content": "Mine", "due_at": "2190-01-01T00:00:00Z"},
    "PATCH /later/{later_id}": {"content": "Taken over"},
    "POST /hooks": {"name": "Mine"},
    "POST /github/connections": {"token": "ghp_of_nobody"},
    "PATCH /github/connections/{connection_id}": {"name": "Taken over"},
    "POST /github/repositories": {"full_name": "octo/mine"},
    "PUT /github/repositories/{repository_id}/project": {"project_id": "00000000-0000-7000-8000-000000000000"},
    "POST /github/repositories/{repository_id}/changes": {"number": 1, "comment": "Taken over"},
    "PATCH /hooks/{hook_id}": {"name": "Taken over"},
    "POST /hooks/{hook_id}/secret": {},
    "PUT /conversations/{conversation_id}/notifications": {"level": "all"},
    "POST /notifications/read": {},
    "PATCH /notifications/settings": {"digest": "off"},
    "POST /notifications/devices": {
        "endpoint": "https://push.example.net/x",
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    },
    "POST /wiki": {"title": "Mine", "content": "Mine"},
    "POST /wiki/{entry_id}/versions": {"content": "Taken over"},
    "POST /wiki/{entry_id}/rollback": {},
    "PUT /wiki/{entry_id}/project": {"project_id": None},
    "POST /wiki/versions/{version_id}/approve": {},
    "POST /wiki/versions/{version_id}/reject": {"reason": "Taken over."},
    "PATCH /projects/{project_id}": {"name": "Taken over"},
    "POST /tasks": {"title": "Mine"},
    "PATCH /tasks/{task_id}": {"title": "Taken over"},
    "POST /tasks/{task_id}/comments": {"content": "Hello?"},
    "POST /tasks/next": {},
    "POST /tasks/{task_id}/pull-requests": {"url": "octo/hall#1"},
    "POST /tasks/changes": {"tasks": ["00000000-0000-7000-8000-000000000000"], "change": {"title": "Taken over"}},
    "POST /sessions": {"goal": "Mine"},
    "POST /sessions/{session_id}/log": {"message": "Taken over."},
    "POST /sessions/{session_id}/stop": {"hand_off": "Taken over."},
    "POST /timeline": {"type": "question_asked", "content": {"text": "Whose?"}},
    "POST /metrics": {"name": "mine", "label": "Mine"},
    "POST /agents/{agent_id}/metrics/{metric_name}": {"value": 1},
    "POST /prices": {"provider": "theirs", "model": "*", "input_price": "1", "output_price": "2"},
    "PUT /rate-limits/{agent_kind}": {"per_minute": 600, "per_hour": 12000, "per_day": 100000, "burst": 300},
    "POST /budgets": {"run_limit": 1000},
    "PATCH /budgets/{budget_id}": {"run_limit": 2000},
}
"""A body that the operation would accept from who may: a refusal is then for who asks, not for how."""

NOBODYS = {"number", "emoji", "agent_kind", "deed", "path"}
"""Parameters of paths that name nothing of any tenant."""
FREE_IDS: dict[str, str] = {}
"""Ids in bodies that name nothing of any tenant, each with the reason."""


@dataclass(frozen=True)
class Request:
    """A request that somebody of the one tenant makes, with an id of the other in it somewhere."""

    operation: str
    method: str
    path: str
    body: dict[str, Any] | None
    query: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.query or ''} {self.body or ''}"


def path_values(operation: Operation, estate: Estate) -> list[dict[str, str]]:
    """The sets of path parameters that name the estate's things. A parameter that nobody has told about fails."""
    singles = {
        "org_id": [str(estate.org.id)],
        "person_id": [str(estate.org.owner.id), str(estate.member.id)],
        "login_id": [estate.login],
        "token_id": [estate.token],
        "app_id": [estate.app],
        "invitation_id": [estate.invitation],
        "agent_id": [estate.agent.id],
        "credential_id": [estate.credential],
        "grant_id": [estate.grant],
        "emoji": ["👍"],
        "agent_kind": ["custom"],
        "run_id": [estate.run],
        "approval_id": [estate.approval],
        "price_id": [estate.price],
        "server_id": [estate.tool_server],
        "tool_name": [estate.tool],
        "budget_id": [estate.budget],
        "task_id": [estate.work["id"] if operation.path.startswith("/tasks") else estate.task],
        "schedule_id": [estate.schedule],
        "hook_id": [estate.hook],
        **{name: [value] for name, value in estate.github.items()},
        "import_id": [estate.archive],
        "file_id": [estate.file],
        "source_id": [estate.source],
        "document_id": [estate.document],
        "chunk_id": [estate.chunk],
        "upload_id": [estate.upload],
        "notification_id": [estate.notification],
        "device_id": [estate.device],
        "later_id": [estate.later],
        "entry_id": [estate.entry["entry_id"]],
        "version_id": [estate.entry["id"]],
        "slug": [estate.entry["slug"] if operation.path.startswith("/wiki") else estate.project["slug"]],
        "project_id": [estate.project["id"]],
        "other_id": [estate.work["id"]],
        "number": [str(estate.work["number"])],
        "event_id": [estate.event],
        "metric_id": [estate.metric["id"]],
        "metric_name": [estate.metric["name"]],
        "session_id": [estate.session],
        "deed": ["approve"],
        "path": ["inbox"],
    }
    members = [
        {"member_type": "user", "member_id": str(estate.admin.id)},
        {"member_type": "agent", "member_id": estate.agent.id},
    ]
    talks = [{"conversation_id": talk.id, "message_id": talk.message} for talk in estate.talks.values()]
    names = operation.path_parameters
    parts: list[list[dict[str, str]]] = [
        [{name: value} for value in singles[name]] for name in names if name in singles
    ]
    for group in (talks, members):
        known = [name for name in names if name in group[0]]
        if known:
            parts.append([{name: values[name] for name in known} for values in group])
    values = [{name: value for part in chosen for name, value in part.items()} for chosen in product(*parts)]
    unknown = set(names) - set(values[0] if values else {})
    assert not unknown, f"{operation}: how does one of these look: {unknown}? Tell tests/tenancy/requests.py."
    return values


def body_values(operation: Operation, estate: Estate) -> dict[str, list[dict[str, Any]]]:
    """By id of the body: fields that name the estate's things. An id that nobody has told about fails."""
    people = [str(estate.org.owner.id), str(estate.member.id)]
    members = [
        *[{"member_type": "user", "member_id": person} for person in people],
        {"member_type": "agent", "member_id": estate.agent.id},
    ]
    is_list = "members" in (operation.body or {}).get("properties", {})
    known: dict[str, list[dict[str, Any]]] = {
        "person_id": [{"person_id": person} for person in people],
        "owner_user_id": [{"owner_user_id": person} for person in people],
        "parent_id": [{"parent_id": talk.message} for talk in estate.talks.values()],
        "message_id": [{"message_id": talk.message} for talk in estate.talks.values()],
        "files": [{"files": [estate.file]}],
        "project_id": [{"project_id": estate.project["id"]}],
        "waits_for": [{"project_id": estate.project["id"], "waits_for": [estate.work["id"]]}],
        "tasks": [{"tasks": [estate.work["id"]]}],
        "id": [
            {"assignee": {"type": "agent", "id": estate.agent.id}}
            | ({"project_id": estate.project["id"]} if operation.path == "/tasks" else {})
        ],
        "connection_id": [{"connection_id": estate.github["connection_id"]}],
        "agent_id": [{"agent_id": estate.agent.id}],
        "version_id": [{"version_id": estate.entry["id"]}],
        "base_id": [{"version_id": estate.entry["id"], "base_id": estate.entry["id"]}],
        "conversation_id": [{"conversation_id": talk.id} for talk in estate.talks.values()],
        "mentions": [{"mentions": [person]} for person in (*people, estate.agent.id)],
        "member_id": [{"members": [member]} for member in members] if is_list else members,
    }
    unknown = operation.body_ids - set(known) - set(FREE_IDS)
    assert not unknown, f"{operation}: how does one of these look: {unknown}? Tell tests/tenancy/requests.py."
    return {name: known[name] for name in operation.body_ids - set(FREE_IDS)}


def query_values(operation: Operation, estate: Estate) -> list[dict[str, str]]:
    """Queries that name the estate's things. A parameter that nobody has told about fails."""
    known = {
        "conversation": [talk.id for talk in estate.talks.values()],
        "parent": [talk.message for talk in estate.talks.values()],
        "message": [talk.message for talk in estate.talks.values()],
        "agent": [estate.agent.id],
        "file": [estate.file],
        "around": [estate.file, estate.event],
        "mention": [estate.agent.id, str(estate.org.owner.id)],
        "session": [estate.session],
        "author": [str(estate.agent.id), str(estate.org.owner.id)],
        "document": [estate.document],
        "source": [estate.source],
        "project": [estate.project["id"]],
        "assignee": [estate.agent.id, str(estate.org.owner.id)],
        "id": [estate.approval],
    }
    unknown = set(operation.query_ids) - set(known)
    assert not unknown, f"{operation}: how does one of these look: {unknown}? Tell tests/tenancy/requests.py."
    return [{name: value} for name in operation.query_ids for value in known[name]]


def required_query(operation: Operation, mark: str) -> dict[str, str]:
    """The query without which the operation answers nothing."""
    parameters = operation.spec.get("parameters", [])
    is_search = operation.path == "/search"  # its words may be left out beside a filter alone
    needed = (one for one in parameters if one["in"] == "query" and (one.get("required") or is_search))
    return {one["name"]: mark for one in needed if not is_search or one["name"] == "q"}


def foreign_requests(operation: Operation, own: Estate, other: Estate) -> Iterator[Request]:
    """Each way of naming the other tenant's things: in the whole path, in its last part, in the query, in the body."""
    body = body_of(operation)
    query = required_query(operation, other.org.slug)
    owns, others = path_values(operation, own), path_values(operation, other)
    if set(operation.path_parameters) - NOBODYS:
        for values in others:
            yield _request(operation, values, body, query)
        if set(operation.path_parameters[1:]) - NOBODYS:
            first = operation.path_parameters[0]
            for values in others[:2]:
                yield _request(operation, {**values, first: owns[0][first]}, body, query)
    for asked in query_values(operation, other):
        yield _request(operation, owns[0], body, {**query, **asked})
    for fields in body_values(operation, other).values():
        for field in fields:
            yield _request(operation, owns[0], {**(body or {}), **field}, query)


def body_of(operation: Operation) -> dict[str, Any] | None:
    """The body to send, where there is one. One that nobody has told about fails, unless the operation takes no ids."""
    if operation.body is None:
        return None
    if str(operation) in BODIES:
        return BODIES[str(operation)]
    takes_ids = operation.path_parameters or operation.body_ids
    assert not takes_ids, f"{operation}: what does it take? Tell tests/tenancy/requests.py."
    return {}


def _request(
    operation: Operation, values: dict[str, str], body: dict[str, Any] | None, query: dict[str, str]
) -> Request:
    path = operation.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return Request(str(operation), operation.method, path, body, query)
