"""One tenant with something of every kind, and by which texts to tell that any of it was shown."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from crewhall.kernel.ids import new_id
from tests.identity.hall import Member, Org
from tests.knowledge.lending import cite_lent
from tests.knowledge.library import keep
from tests.permissions.github import mirror
from tests.support.server import AgentClient, Server
from tests.support.waiting import until
from tests.tenancy.asking import ask
from tests.tenancy.imports import keep_import
from tests.tenancy.things import (
    Talk,
    begin_upload,
    keep_entry,
    keep_event,
    keep_file,
    keep_meaning,
    keep_metric,
    keep_source,
    keep_words,
    keep_work,
    open_talk,
)
from tests.tenancy.turns import delivered, ended_run, keep_approval, keep_schedule, keep_steps, offered_tool, serve


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
    github: dict[str, str]
    tool: str
    file: str
    document: str
    source: str
    chunk: str
    upload: str
    notification: str
    device: str
    entry: dict[str, str]
    project: dict[str, Any]
    work: dict[str, Any]
    event: str
    metric: dict[str, str]
    session: str
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
        "public": await open_talk(owner, name, kind="channel", name=f"{name}-public", description=f"{name} channel"),
        "private": await open_talk(
            owner, name, kind="channel", name=f"{name}-private", type="private", members=[someone]
        ),
        "group": await open_talk(owner, name, kind="group", title=f"{name} group", members=[someone]),
        "direct": await open_talk(owner, name, kind="direct", members=[someone]),
    }
    public = talks["public"]
    await ask(owner, "POST", f"/conversations/{public.id}/messages", content=f"{name} asks @{agent.code}")
    await ask(owner, "PUT", f"/conversations/{public.id}/messages/{public.message}/pin")
    await ask(owner, "PUT", f"/conversations/{public.id}/messages/{public.message}/reactions/👍")
    await ask(owner, "PATCH", f"/conversations/{public.id}/messages/{public.message}", content=f"{name} edited")
    await ask(owner, "PUT", f"/conversations/{public.id}/messages/{public.message}/saved", note=f"{name} noted")
    await ask(owner, "PUT", f"/conversations/{public.id}/star")
    await ask(owner, "POST", f"/conversations/{public.id}/visit")
    talks["inbox"] = Talk(agent.inbox_id, await delivered(agent))
    invited = await ask(owner, "POST", "/invitations", email=f"{name}-invited@example.org")
    price = {"provider": name, "model": "*", "input_price": "1", "output_price": "2"}
    elsewhere = {"name": "tracker", "url": f"http://127.0.0.1:1/{name}"}
    tool_server = (await ask(owner, "POST", "/tool-servers", **elsewhere))["id"]
    estate = Estate(
        org=org,
        admin=admin,
        member=member,
        agent=agent,
        credential=(await ask(owner, "GET", f"/agents/{agent.id}/credentials"))["items"][0]["id"],
        grant=(await ask(owner, "POST", f"/agents/{agent.id}/grants", config={"note": name}))["grant"]["id"],
        invitation=invited["invitation"]["id"],
        login=(await ask(owner, "GET", "/me/logins"))["items"][0]["id"],
        token=(await ask(owner, "POST", "/me/tokens", name=f"{name} token"))["id"],
        app=str(new_id()),
        run=await ended_run(owner),
        approval=str(new_id()),
        price=(await ask(owner, "POST", "/prices", **price))["id"],
        budget=(await ask(owner, "POST", "/budgets", conversation_id=public.id, run_limit=1_000_000))["id"],
        task=(await ask(owner, "POST", f"/agents/{agent.id}/quick-tasks", title=f"{name} task", prompt=name))["id"],
        schedule=str(new_id()),
        github=await mirror(owner, f"octo/{name}"),
        hook=(await ask(owner, "POST", "/hooks", name=f"{name} hook", conversation_id=public.id))["id"],
        archive=await keep_import(server, org, public.id, name),
        later=await keep_words(owner, public.id, name),
        tool_server=tool_server,
        tool=await offered_tool(server, org, tool_server),
        file=await keep_file(org.owner, public.id, name),
        document=str((await keep(server, org, public.id, f"{name} manual", f"{name} says how"))[0]),
        source=await keep_source(owner, agent.id, name),
        chunk=await cite_lent(server, await server.make_org("Lender"), org, f"{name} lent", "Pumps", "They stop."),
        upload=(await begin_upload(org.owner, public.id, name))["id"],
        notification=str(new_id()),
        device=str(new_id()),
        entry=await keep_entry(owner, name),
        project=(project := await ask(owner, "POST", "/projects", name=f"{name} project")),
        work=await keep_work(owner, project, name),
        event=await keep_event(owner, agent.id, name),
        metric=await keep_metric(owner, agent.id, name),
        session=(await ask(agent.api, "POST", "/sessions", goal=f"{name} goal"))["session"]["id"],
        talks=talks,
    )
    await keep_schedule(server, org, estate.run, estate.schedule)
    await keep_meaning(server, org, public.id, public.message)
    await _keep_app(server, org, estate)
    await keep_steps(server, org, estate.run)
    await keep_approval(server, org, estate.run, estate.approval)
    await _keep_notification(server, org, estate)
    await serve(server, org, agent, estate.run)
    await _keep_people(server, org, estate)
    await ask(owner, "PUT", "/tool-policy", hosts=["example.org"])
    await ask(owner, "PUT", "/idle-policy", idle_after_hours=48)
    await ask(owner, "PUT", f"/agents/{agent.id}/state", state={"name": name}, version=0)
    estate.marks = {name, str(org.id), agent.id, estate.credential, estate.invitation, estate.login, estate.token}
    estate.marks |= {estate.run, estate.approval, estate.price, estate.budget, estate.grant}
    estate.marks |= {estate.file, estate.upload, estate.task, estate.schedule, estate.hook, estate.later}
    estate.marks |= {estate.notification, estate.device, estate.tool_server, estate.tool, estate.app, estate.archive}
    estate.marks |= set(estate.github.values())
    estate.marks |= {estate.source, estate.entry["id"], estate.entry["entry_id"], estate.entry["slug"]}
    estate.marks |= {str(person.id) for person in estate.people} | {person.email for person in estate.people}
    estate.marks |= {estate.event, estate.metric["id"], estate.session}
    estate.marks |= estate.away
    estate.marks |= {text for talk in talks.values() for text in (talk.id, talk.message)}
    return estate


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


async def _keep_notification(server: Server, org: Org, estate: Estate) -> None:
    """All that concerns anybody so far, and what the owner chose, was sent, and lets tell."""

    async def is_derived() -> bool:
        async with server.db.transaction(None) as tx:
            return await tx.value("select consumer_lag('notifications')") is None

    await until(is_derived)
    await ask(org.owner.api, "PATCH", "/notifications/settings", digest="daily")
    await ask(org.owner.api, "PUT", f"/conversations/{estate.talks['group'].id}/notifications", level="all")
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


async def _keep_people(server: Server, org: Org, estate: Estate) -> None:
    """Somebody who is deactivated, with an agent that rests; and the organization is offered to its admin."""
    away = await org.add("member")
    await server.hire(org, f"{org.slug}-resting", owner_user_id=str(away.id))
    await ask(org.owner.api, "PUT", f"/people/{away.id}/deactivation")
    await ask(org.owner.api, "PUT", f"/organizations/{org.id}/ownership-offer", person_id=str(estate.admin.id))
    estate.away = {str(away.id), away.email}
