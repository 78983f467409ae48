"""One tenant with something of every kind, and how to tell whether any of it was shown or changed."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.runtime.offers import Offer
from tests.files.making import image, post, sent
from tests.identity.hall import Member, Org
from tests.support.server import AgentClient, Server
from tests.support.waiting import until
from tests.tenancy.imports import keep_import

TENANT_TABLES = """
select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1
"""


@dataclass
class Talk:
    """A conversation with a message in it."""

    id: str
    message: str


@dataclass
class Estate:
    """A tenant's people by role, its agent, and its things. `marks` are texts that are nobody else's to see."""

    org: Org
    admin: Member
    member: Member
    agent: AgentClient
    credential: str
    grant: str
    invitation: str
    login: str
    token: str
    app: str
    run: str
    approval: str
    price: str
    budget: str
    task: str
    schedule: str
    hook: str
    archive: str
    later: str
    tool_server: str
    tool: str
    file: str
    upload: str
    notification: str
    device: str
    talks: dict[str, Talk]
    marks: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)

    def clients(self) -> dict[str, httpx.AsyncClient]:
        """A client for each role."""
        return {
            "owner": self.org.owner.api,
            "admin": self.admin.api,
            "member": self.member.api,
            "agent": self.agent.api,
        }

    @property
    def people(self) -> list[Member]:
        """Everybody."""
        return [self.org.owner, self.admin, self.member]


async def make_estate(server: Server, name: str) -> Estate:
    """Make a tenant whose every text carries `name`."""
    org = await server.make_org(name)
    admin, member = await org.add("admin"), await org.add("member")
    agent = await server.hire(org, f"{name}-agent", description=f"{name} agent")
    owner = org.owner.api
    someone = {"member_type": "user", "member_id": str(admin.id)}
    talks = {
        "public": await _talk(owner, name, kind="channel", name=f"{name}-public", description=f"{name} channel"),
        "private": await _talk(owner, name, kind="channel", name=f"{name}-private", type="private", members=[someone]),
        "group": await _talk(owner, name, kind="group", title=f"{name} group", members=[someone]),
        "direct": await _talk(owner, name, kind="direct", members=[someone]),
    }
    public = talks["public"]
    await _ask(owner, "POST", f"/conversations/{public.id}/messages", content=f"{name} asks @{agent.code}")
    await _ask(owner, "PUT", f"/conversations/{public.id}/messages/{public.message}/pin")
    await _ask(owner, "PUT", f"/conversations/{public.id}/messages/{public.message}/reactions/👍")
    await _ask(owner, "PATCH", f"/conversations/{public.id}/messages/{public.message}", content=f"{name} edited")
    await _ask(owner, "PUT", f"/conversations/{public.id}/messages/{public.message}/saved", note=f"{name} noted")
    await _ask(owner, "PUT", f"/conversations/{public.id}/star")
    await _ask(owner, "POST", f"/conversations/{public.id}/visit")
    talks["inbox"] = Talk(agent.inbox_id, await _delivered(agent))
    invited = await _ask(owner, "POST", "/invitations", email=f"{name}-invited@example.org")
    price = {"provider": name, "model": "*", "input_price": "1", "output_price": "2"}
    elsewhere = {"name": "tracker", "url": f"http://127.0.0.1:1/{name}"}
    tool_server = (await _ask(owner, "POST", "/tool-servers", **elsewhere))["id"]
    estate = Estate(
        org=org,
        admin=admin,
        member=member,
        agent=agent,
        credential=(await _ask(owner, "GET", f"/agents/{agent.id}/credentials"))["items"][0]["id"],
        grant=(await _ask(owner, "POST", f"/agents/{agent.id}/grants", config={"note": name}))["grant"]["id"],
        invitation=invited["invitation"]["id"],
        login=(await _ask(owner, "GET", "/me/logins"))["items"][0]["id"],
        token=(await _ask(owner, "POST", "/me/tokens", name=f"{name} token"))["id"],
        app=str(new_id()),
        run=await _ended_run(owner),
        approval=str(new_id()),
        price=(await _ask(owner, "POST", "/prices", **price))["id"],
        budget=(await _ask(owner, "POST", "/budgets", conversation_id=public.id, run_limit=1_000_000))["id"],
        task=(await _ask(owner, "POST", f"/agents/{agent.id}/quick-tasks", title=f"{name} task", prompt=name))["id"],
        schedule=str(new_id()),
        hook=(await _ask(owner, "POST", "/hooks", name=f"{name} hook", conversation_id=public.id))["id"],
        archive=await keep_import(server, org, public.id, name),
        later=await _keep_words(owner, public.id, name),
        tool_server=tool_server,
        tool=await offered_tool(server, org, tool_server),
        file=await _keep_file(org.owner, public.id, name),
        upload=(await _begin_upload(org.owner, public.id, name))["id"],
        notification=str(new_id()),
        device=str(new_id()),
        talks=talks,
    )
    await _keep_schedule(server, org, estate)
    await _keep_app(server, org, estate)
    await _keep_steps(server, org, estate.run)
    await _keep_approval(server, org, estate)
    await _keep_notification(server, org, estate)
    await _serve(server, org, estate)
    await _keep_people(server, org, estate)
    await _ask(owner, "PUT", "/tool-policy", hosts=["example.org"])
    await _ask(owner, "PUT", "/idle-policy", idle_after_hours=48)
    await _ask(owner, "PUT", f"/agents/{agent.id}/state", state={"name": name}, version=0)
    estate.marks = {name, str(org.id), agent.id, estate.credential, estate.invitation, estate.login, estate.token}
    estate.marks |= {estate.run, estate.approval, estate.price, estate.budget, estate.grant}
    estate.marks |= {estate.file, estate.upload, estate.task, estate.schedule, estate.hook, estate.later}
    estate.marks |= {estate.notification, estate.device, estate.tool_server, estate.tool, estate.app, estate.archive}
    estate.marks |= {str(person.id) for person in estate.people} | {person.email for person in estate.people}
    estate.marks |= estate.away
    estate.marks |= {text for talk in talks.values() for text in (talk.id, talk.message)}
    return estate


async def _ask(api: httpx.AsyncClient, method: str, path: str, /, **body: Any) -> Any:
    answer = await api.request(method, path, json=body or ({} if method == "POST" else None))
    assert answer.is_success, (method, path, answer.text)
    return answer.json() if answer.content else None


async def _talk(api: httpx.AsyncClient, mark: str, **fields: Any) -> Talk:
    made = await _ask(api, "POST", "/conversations", **fields)
    posted = await _ask(
        api, "POST", f"/conversations/{made['id']}/messages", content=f"{mark} {uuid4().hex}", client_id="first"
    )
    return Talk(made["id"], posted["id"])


async def _keep_file(owner: Member, where: str, mark: str) -> str:
    """The id of an image that is attached to a message."""
    file = await sent(owner, where, image(size=(20 + len(mark), 20)), f"{mark}.png")
    await post(owner, where, file, content=f"{mark} image")
    return str(file["id"])


async def _begin_upload(owner: Member, where: str, mark: str) -> dict[str, Any]:
    """An upload of which half is there."""
    begun: dict[str, Any] = await _ask(owner.api, "POST", f"/conversations/{where}/uploads", name=mark, size=10)
    headers = {"content-type": "application/offset+octet-stream", "upload-offset": "0"}
    (await owner.api.patch(f"/uploads/{begun['id']}", content=b"01234", headers=headers)).raise_for_status()
    return begun


async def _delivered(agent: AgentClient) -> str:
    """Wait for the agent's delivery; returns the id of its record."""
    async with agent.api.stream("GET", f"/conversations/{agent.inbox_id}/stream", params={"after": 0}) as answer:
        async for line in answer.aiter_lines():
            if '"type":"record"' in line:
                return line.partition('"record":{"id":"')[2][:36]
    raise AssertionError("the stream ended without the delivery")


async def _ended_run(owner: httpx.AsyncClient) -> str:
    """Wait until the run that delivered has ended, so that nothing changes any more; returns its id."""

    async def look() -> list[Any]:
        found: list[Any] = (await _ask(owner, "GET", "/runs?status=succeeded"))["items"]
        return found

    (run,) = await until(look)
    return str(run["id"])


async def _keep_steps(server: Server, org: Org, run: str) -> None:
    """A step of the run, and a trigger that waits until tomorrow."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into run_steps (run_id, ordinal, org_id, attempt, kind, body)
            select id, 900, org_id, attempt, 'failure', '{}' from runs where id = %(run)s
            """,
            {"run": run},
        )
        await tx.run(
            """
            insert into turn_triggers (id, org_id, conversation_id, agent_id, cause, author_type, author_id,
                                       message_seq, prompt, due_at)
            select id, org_id, conversation_id, agent_id, 'run_now', author_type, author_id, message_seq, 'later',
                   now() + interval '1 day'
            from runs where id = %(run)s
            """,
            {"run": run},
        )
        await tx.run(
            """
            insert into conversation_summaries (id, org_id, conversation_id, agent_id, from_seq, up_to_seq, messages,
                                                is_whole, summary, tokens, model, run_id)
            select %(id)s, org_id, conversation_id, agent_id, 1, 1, 1, true, %(org)s::text || ' said', 12, 'm', id
            from runs where id = %(run)s
            """,
            {"run": run, "id": new_id(), "org": org.slug},
        )


async def offered_tool(server: Server, org: Org, server_id: str) -> str:
    """The name of a tool that the tool server has offered."""
    name, offer = f"mcp-tracker-{new_id().hex[-12:]}", Offer(tool="list_issues", description=f"Of {org.slug}.")
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into server_tools (org_id, server_id, tool, name, offered, digest, accepted, accepted_digest)
            values (%(org)s, %(server)s, 'list_issues', %(name)s, %(offer)s, 'd', %(offer)s, 'd')
            """,
            {"org": org.id, "server": server_id, "name": name, "offer": Jsonb(msgspec.to_builtins(offer))},
        )
    return name


async def _keep_app(server: Server, org: Org, estate: Estate) -> None:
    """An app that the owner let in."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            with app as (insert into apps (id, source, name, redirect_uris)
                         values (%(name)s, 'registered', %(name)s, array['http://127.0.0.1/'])),
            login as (insert into logins (id, user_id, org_id, kind, name, expires_at)
                      values (%(id)s, %(user)s, %(org)s, 'app', %(name)s, now() + interval '1 day'))
            insert into app_logins (login_id, user_id, app_id, scopes, resource, redirect_uri, challenge)
            values (%(id)s, %(user)s, %(name)s, array['read'], 'http://127.0.0.1/mcp', 'http://127.0.0.1/', 'c')
            """,
            {"id": estate.app, "user": org.owner.id, "org": org.id, "name": f"{org.slug} app"},
        )


async def _keep_approval(server: Server, org: Org, estate: Estate) -> None:
    """Something that the run asks for, and nobody has decided."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into approvals (id, org_id, run_id, conversation_id, agent_id, key, tool, risk, effect, why,
                                   arguments, expires_at)
            select %(id)s, org_id, id, conversation_id, agent_id, '1', 'fetch', 'outside', 'Sends.', 'So.',
                   jsonb_build_object('url', %(org)s::text), now() + interval '1 day'
            from runs where id = %(run)s
            """,
            {"id": estate.approval, "run": estate.run, "org": org.slug},
        )


async def _keep_notification(server: Server, org: Org, estate: Estate) -> None:
    """All that concerns anybody so far, and what the owner chose, was sent, and lets tell."""

    async def is_derived() -> bool:
        async with server.db.transaction(None) as tx:
            return await tx.value("select consumer_lag('notifications')") is None

    await until(is_derived)
    await _ask(org.owner.api, "PATCH", "/notifications/settings", digest="daily")
    await _ask(org.owner.api, "PUT", f"/conversations/{estate.talks['group'].id}/notifications", level="all")
    values = {
        "id": estate.notification,
        "device": estate.device,
        "org": org.id,
        "owner": org.owner.id,
        "talk": estate.talks["public"].id,
        "login": estate.login,
        "mark": org.slug,
    }
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            with digest as (
                insert into notification_digests (id, org_id, user_id, messages) values (%(id)s, %(org)s, %(owner)s, 1)
            ), device as (
                insert into notification_devices (id, org_id, user_id, login_id, endpoint, public_key, secret)
                values (%(device)s, %(org)s, %(owner)s, %(login)s, 'https://push.example.net/' || %(mark)s,
                        decode(repeat('04', 65), 'hex'), decode(repeat('01', 16), 'hex'))
            )
            insert into notifications (id, org_id, recipient_type, recipient_id, kind, actor_type, actor_id,
                                       actor_name, conversation_id, detail)
            values (%(id)s, %(org)s, 'user', %(owner)s, 'invitation', 'user', %(owner)s, %(mark)s, %(talk)s, %(mark)s)
            """,
            values,
        )


async def _keep_words(owner: httpx.AsyncClient, conversation: str, name: str) -> str:
    """A draft, and a message to be posted tomorrow, whose id this is."""
    await _ask(owner, "PUT", f"/conversations/{conversation}/draft", content=name)
    due_at = (utc_now() + timedelta(days=1)).isoformat()
    made = await _ask(owner, "POST", "/later", conversation_id=conversation, content=name, due_at=due_at)
    return str(made["id"])


async def _keep_schedule(server: Server, org: Org, estate: Estate) -> None:
    """A schedule that is due tomorrow."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into schedules (id, org_id, agent_id, conversation_id, maker_id, name, prompt, cron, timezone,
                                   next_due_at)
            select %(id)s, org_id, agent_id, conversation_id, %(maker)s, %(org)s, %(org)s, '0 9 * * *', 'UTC',
                   now() + interval '1 day'
            from runs where id = %(run)s
            """,
            {"id": estate.schedule, "run": estate.run, "org": org.slug, "maker": org.owner.id},
        )


async def _keep_people(server: Server, org: Org, estate: Estate) -> None:
    """Somebody who is deactivated, with an agent that rests; and the organization is offered to its admin."""
    away = await org.add("member")
    await server.hire(org, f"{org.slug}-resting", owner_user_id=str(away.id))
    await _ask(org.owner.api, "PUT", f"/people/{away.id}/deactivation")
    await _ask(org.owner.api, "PUT", f"/organizations/{org.id}/ownership-offer", person_id=str(estate.admin.id))
    estate.away = {str(away.id), away.email}


async def _serve(server: Server, org: Org, estate: Estate) -> None:
    """The agent is served where nothing is, has been asked there, and has answered."""
    address = {"base_url": f"https://localhost/{org.slug}"}
    runtime = await _ask(org.owner.api, "POST", f"/agents/{estate.agent.id}/runtime", **address)
    values = {"call": new_id(), "runtime": runtime["id"], "run": estate.run, "mark": org.slug}
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into runtime_calls (id, org_id, runtime_id, run_id, webhook_id, is_ok, duration_ms, error)
            select %(call)s, org_id, %(runtime)s, id, 'run_1', false, 1, %(mark)s from runs where id = %(run)s
            """,
            values,
        )
        await tx.run(
            "insert into runtime_answers (run_id, org_id, content) select id, org_id, %(mark)s from runs"
            " where id = %(run)s",
            values,
        )


def rows_of(superuser_url: str, org_id: str) -> dict[str, list[str]]:
    """Every row that the tenant owns, by table, and its people's own rows: equal before and after, nothing changed."""
    with psycopg.connect(superuser_url) as connection:
        tables = [row[0] for row in connection.execute(TENANT_TABLES)]
        assert len(tables) >= 10, tables
        found = {
            table: [
                row[0]
                for row in connection.execute(
                    sql.SQL("select t::text from {} t where org_id = %s order by 1").format(sql.Identifier(table)),
                    (org_id,),
                )
            ]
            for table in tables
        }
        for table, column in (("organizations", "id"), ("users", "id"), ("logins", "user_id")):
            statement = sql.SQL(
                "select t::text from {} t where {} = any (select user_id from memberships where org_id = %s union"
                " select %s::uuid) order by 1"
            ).format(sql.Identifier(table), sql.Identifier(column))
            found[f"{table} themselves"] = [row[0] for row in connection.execute(statement, (org_id, org_id))]
    return found
