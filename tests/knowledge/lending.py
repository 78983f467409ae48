"""A passage that one organization lends along with an agent, and that the agent cites in another."""

from uuid import UUID

from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.ids import new_id
from crewhall.knowledge import LENT, note_citations
from tests.identity.hall import Org
from tests.knowledge.library import CHUNK
from tests.support.server import Server

READY = "update documents set status = 'ready', ready_at = now(), look_at = null, chunks = 1 where id = %(id)s"


async def cite_lent(server: Server, lender: Org, borrower: Org, name: str, title: str, text: str) -> str:
    """Lend an agent of that name with its knowledge, and let it tell the borrower's owner of a passage; its id."""
    home = lender.owner.api
    agent = (await home.post("/agents", json={"name": name})).raise_for_status().json()["id"]
    path = f"/agents/{agent}/knowledge"
    source = (await home.post(f"{path}/files", params={"name": f"{title}.md"}, content=text.encode())).json()["id"]
    item = (await home.get(f"{path}/{source}/items")).raise_for_status().json()["items"][0]
    chunk = new_id()
    values = {"chunk": chunk, "org": lender.id, "id": item["document_id"], "position": 900, "page": 4, "title": title,
              "heading": [title], "content": text}  # fmt: skip
    async with server.db.transaction(system_actor(lender.id)) as tx:
        await tx.run(READY, values)
        await tx.run(CHUNK, values)
    offered = (await home.post(f"/agents/{agent}/grants", json={"knowledge": True})).raise_for_status().json()
    there = borrower.owner.api
    stand_in = (await there.post("/grants/accept", json={"code": offered["code"]})).raise_for_status().json()["id"]
    body = {"kind": "direct", "members": [{"member_type": "agent", "member_id": stand_in}]}
    place = (await there.post("/conversations", json=body)).raise_for_status().json()["id"]
    # nobody is notified, and so nothing is written after this has returned
    (await there.put(f"/conversations/{place}/notifications", json={"level": "nothing"})).raise_for_status()
    key = (await there.post(f"/agents/{stand_in}/credentials", json={})).raise_for_status().json()["key"]
    run, said = new_id(), {"content": f"{title} says so.", "kind": "answer"}
    works = server.client(key)
    posted = await works.post(f"/conversations/{place}/messages", json=said | {"client_id": f"run:{run}"})
    posted.raise_for_status()
    actor = Actor(ActorType.AGENT, UUID(stand_in), borrower.id)
    async with server.db.transaction(actor) as tx:
        await note_citations(tx, actor, run, UUID(place), [f"{LENT}{chunk}"])
    (await there.get(f"/knowledge/lent/{chunk}")).raise_for_status()
    return str(chunk)
