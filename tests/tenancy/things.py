"""Things of a tenant, each made and named in one way."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from crewhall.kernel.clock import utc_now
from tests.conversations.ways import caught_up
from tests.files.making import image, post, sent
from tests.identity.hall import Member, Org
from tests.support.server import Server
from tests.tenancy.asking import ask


@dataclass
class Talk:
    """A conversation with a message in it."""

    id: str
    message: str


async def keep_meaning(server: Server, org: Org, conversation: str, message: str) -> None:
    """What a message means, as the worker leaves it, and that it is to be embedded anew."""
    await caught_up(server.db, "search")
    values = {"org": org.id, "place": conversation, "message": message, "meaning": str([1] + [0] * 1535)}
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            "insert into message_indexes (org_id, model, filled_at) values (%(org)s, 'estate', now())",
            values,
        )
        await tx.run(
            """
            insert into message_embeddings_384 (message_id, model, org_id, conversation_id, edit_count, embedding)
            values (%(message)s, 'estate', %(org)s, %(place)s, 0, subvector(%(meaning)s::halfvec, 1, 384)::halfvec(384))
            """,
            values,
        )
        await tx.run(
            """
            insert into message_embeddings_1536 (message_id, model, org_id, conversation_id, edit_count, embedding)
            values (%(message)s, 'estate', %(org)s, %(place)s, 0, %(meaning)s)
            """,
            values,
        )
        await tx.run(
            "insert into unembedded_messages (message_id, org_id) values (%(message)s, %(org)s) on conflict do nothing",
            values,
        )


async def keep_event(api: httpx.AsyncClient, agent_id: str, name: str) -> str:
    """Tell everybody of something."""
    content = {"text": f"{name} has a problem"}
    event = {"type": "problem_report", "content": content, "mentions": [agent_id], "metadata": {"of": name}}
    return str((await ask(api, "POST", "/timeline", **event))["id"])


async def keep_metric(api: httpx.AsyncClient, agent_id: str, name: str) -> dict[str, str]:
    """Measure the agent by something, with figures, and a reading that is yet to be counted."""
    metric = await ask(api, "POST", "/metrics", name=re.sub("[^a-z0-9]", "_", name.lower()), label=f"{name} metric")
    await ask(api, "POST", f"/agents/{agent_id}/kpis")
    await ask(api, "POST", f"/agents/{agent_id}/metrics/{metric['name']}", value=7)
    return {"id": metric["id"], "name": metric["name"]}


async def keep_source(api: httpx.AsyncClient, agent_id: str, name: str) -> str:
    """Give the agent a file to look things up in."""
    path = f"/agents/{agent_id}/knowledge/files"
    made = await api.post(path, params={"name": f"{name}.md"}, content=f"# {name} source".encode())
    return str(made.raise_for_status().json()["id"])


async def open_talk(api: httpx.AsyncClient, mark: str, **fields: Any) -> Talk:
    made = await ask(api, "POST", "/conversations", **fields)
    posted = await ask(
        api, "POST", f"/conversations/{made['id']}/messages", content=f"{mark} {uuid4().hex}", client_id="first"
    )
    return Talk(made["id"], posted["id"])


async def keep_file(owner: Member, where: str, mark: str) -> str:
    """The id of an image that is attached to a message."""
    file = await sent(owner, where, image(size=(20 + len(mark), 20)), f"{mark}.png")
    await post(owner, where, file, content=f"{mark} image")
    return str(file["id"])


async def begin_upload(owner: Member, where: str, mark: str) -> dict[str, Any]:
    """An upload of which half is there."""
    begun: dict[str, Any] = await ask(owner.api, "POST", f"/conversations/{where}/uploads", name=mark, size=10)
    headers = {"content-type": "application/offset+octet-stream", "upload-offset": "0"}
    (await owner.api.patch(f"/uploads/{begun['id']}", content=b"01234", headers=headers)).raise_for_status()
    return begun


async def keep_words(owner: httpx.AsyncClient, conversation: str, name: str) -> str:
    """A draft, and a message to be posted tomorrow, whose id this is."""
    await ask(owner, "PUT", f"/conversations/{conversation}/draft", content=name)
    due_at = (utc_now() + timedelta(days=1)).isoformat()
    made = await ask(owner, "POST", "/later", conversation_id=conversation, content=name, due_at=due_at)
    return str(made["id"])


async def keep_work(owner: httpx.AsyncClient, project: dict[str, Any], name: str) -> dict[str, Any]:
    """A task that waits for another, with a comment."""
    fields = {"project_id": project["id"], "description": f"{name} says what"}
    first = await ask(owner, "POST", "/tasks", title=f"{name} task", **fields)
    made: dict[str, Any] = await ask(owner, "POST", "/tasks", title=f"{name} second", waits_for=[first["id"]], **fields)
    await ask(owner, "POST", f"/tasks/{made['id']}/comments", content=f"{name} asks")
    return made


async def keep_entry(owner: httpx.AsyncClient, name: str) -> dict[str, str]:
    """The approved version of a wiki entry that was read; another waits."""
    written = await ask(owner, "POST", "/wiki", title=f"{name} entry", content=f"{name} knows [[{name} more]].")
    made: dict[str, str] = await ask(owner, "POST", f"/wiki/versions/{written['id']}/approve")
    await ask(owner, "GET", f"/wiki/{made['entry_id']}")
    await ask(owner, "POST", f"/wiki/{made['entry_id']}/versions", version_id=made["id"], content=f"{name} knows more.")
    return made
