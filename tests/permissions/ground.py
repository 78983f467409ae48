"""An organization in which a role tries every operation, with something there for each."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from tests.files.making import image, post, sent
from tests.identity.hall import PASSWORD, Org
from tests.permissions import colleagues, github, wiki, work
from tests.support.description import Operation
from tests.support.server import AgentClient, Server
from tests.support.waiting import until
from tests.tenancy.imports import keep_import
from tests.tenancy.requests import BODIES
from tests.tenancy.turns import offered_tool

METRIC = {"name": "tried", "label": "Tried"}
EVENT = {"type": "question_asked", "content": {"text": "Who may?"}}


@dataclass
class Ground:
    """An organization in which one role tries everything. `names` fills the paths, `bodies` the bodies."""

    role: str
    api: httpx.AsyncClient
    names: dict[str, str]
    bodies: dict[str, dict[str, Any]]
    slug: str
    fresh: httpx.AsyncClient
    work: dict[str, str]

    async def attempt(self, operation: Operation) -> httpx.Response:
        name = operation.spec["operationId"]
        path = operation.path
        for key, value in (self.names | (self.work if path.startswith(work.PATHS) else {})).items():
            path = path.replace(f"{{{key}}}", value)
        query = {"q": "hello"} if name in {"search_messages", "search_knowledge"} else {}
        query |= {"name": "tried.json"} if name in {"upload_file", "add_file"} else {}
        query |= {"confirm": self.slug} if name == "delete_organization" else {}
        query |= {"confirm": work.SLUG} if name == "delete_project" else {}
        api = self.fresh if name == "log_out" else self.api
        body = None if operation.body is None else self.bodies.get(name, BODIES.get(str(operation), {}))
        content = {"upload_file": b"{}", "bring_archive": b"{}", "add_file": b"{}", "change_logo": image()}.get(name)
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
    given = await owner.post(f"/agents/{agent.id}/knowledge/files", params={"name": "tried.md"}, content=b"# Tried")
    general = await server.general(org)
    guide = await server.hire(org, model_config={"provider": "crewhall", "model": "guide"})
    timed = {"agent_id": guide.id, "conversation_id": general, "name": "tried", "prompt": "hello", "cron": "0 9 * * *"}
    scheduled = (await owner.post("/schedules", json=timed)).raise_for_status().json()
    hooked = (await owner.post("/hooks", json={"conversation_id": general, "name": "tried"})).raise_for_status().json()
    said = {"conversation_id": general, "content": "hello", "due_at": (utc_now() + timedelta(days=1)).isoformat()}
    elsewhere = {"name": "tried", "url": "http://127.0.0.1:1/mcp"}
    tool_server = (await owner.post("/tool-servers", json=elsewhere)).raise_for_status().json()
    (await owner.post(f"/agents/{agent.id}/runtime", json={"base_url": "https://localhost/"})).raise_for_status()
    async with server.db.transaction(org.owner.actor) as tx:  # no Kafka is there
        await tx.run(
            "insert into agent_topics (id, org_id, agent_id, inbox_id, state, fed_seq)"
            " select gen_random_uuid(), org_id, owner_agent_id, id, 'ready', 0 from conversations"
            " where owner_agent_id = %(agent)s and kind = 'agent'",
            {"agent": agent.id},
        )
    picture = await sent(org.owner, channel, image(), "tried.png")
    await post(org.owner, channel, picture)
    names = {
        **(mirrored := await github.mirror(owner)),
        "org_id": str(org.id),
        "file_id": picture["id"],
        "document_id": await _document_of(owner, picture["id"]),
        "source_id": given.raise_for_status().json()["id"],
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
        **(entry := await wiki.entry(owner)),
        "session_id": (await agent.api.post("/sessions", json={})).raise_for_status().json()["session"]["id"],
        "event_id": (await owner.post("/timeline", json=EVENT)).raise_for_status().json()["id"],
        "metric_id": (await owner.post("/metrics", json=METRIC)).raise_for_status().json()["id"],
        "metric_name": METRIC["name"],
        **member,
        "emoji": "👍",
    }
    bodies: dict[str, dict[str, Any]] = {
        "change_me": {"name": "Another"},
        "offer_ownership": {"person_id": str(other.id)},
        "create_organization": {"name": "Theirs"},
        "change_own_password": {"current_password": PASSWORD, "new_password": "another horse battery"},
        "make_personal_token": {"name": "for a program"},
        "invite": {"role": "member"},
        "connect_github": {"token": "ghp_of_nobody", "name": f"of-{role}"},
        "add_github_repository": {"full_name": "octo/other", "connection_id": mirrored["connection_id"]},
        "ask_github_change": {"number": 1, "comment": "Hello"},
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
        **wiki.bodies(entry),
        **work.bodies(working := await work.project(owner)),
        "post_event": EVENT,
        "create_metric": {"name": f"of_{role}", "label": "Another"},
        "post_reading": {"value": 1},
        "ask_for_turn": {"agent_id": agent.id, "message_id": posted.json()["id"]},
    }
    bodies["move_entry"] = {"project_id": working["project_id"]}
    bodies["link_github_repository"] = {"project_id": working["project_id"]}
    await github.link(server, org, mirrored["repository_id"], working["project_id"], working["task_id"])
    if role == "agent":
        api = (await server.hire(org)).api
        return Ground(role, api, names, bodies, org.slug, api, working)
    who = await acting[role]()
    return Ground(role, who.api, names, bodies, org.slug, (await server.sign_in(who, org.id)).api, working)


async def _document_of(owner: httpx.AsyncClient, file_id: str) -> str:
    """The id of what a file says."""
    return str((await owner.get(f"/files/{file_id}")).raise_for_status().json()["document"]["id"])


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
        found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return found

    return str((await until(look))[0]["id"])
