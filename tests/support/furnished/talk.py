"""What was said in the company: a channel in which people and agents settle something, and a group."""

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from tests.files.making import post, sent
from tests.identity.hall import Member, Org
from tests.support.server import AgentClient, Server
from tests.support.waiting import until

FIGURES = """Cupping of this morning, averages of three:

| lot | score | note |
|---|---|---|
| Sidama, washed | 87.5 | bergamot, clean |
| Huila | 86 | panela, round |
| Cerrado | 83 | nuts, flat |

> We keep what we would drink ourselves."""
PROGRAM = 'The label printer takes this:\n\n```python\nlabel(lot="Sidama", roasted=today(), grams=250)\n```'


def cupping_table() -> bytes:
    """A picture of eight cups on a table, seen from above."""
    made = Image.new("RGB", (900, 520), (214, 196, 168))
    drawn = ImageDraw.Draw(made)
    for at in range(8):
        across, down = 135 + 210 * (at % 4), 150 + 220 * (at // 4)
        for reach, colour in ((92, (190, 171, 142)), (84, (247, 243, 234)), (64, (92, 58 + 3 * at, 38))):
            drawn.ellipse((across - reach, down - reach, across + reach, down + reach), fill=colour)
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


@dataclass
class Talk:
    """Where it was said, and the messages that pages are about."""

    general: str
    launch: str
    direct: str
    question: str
    edited: str


async def talk(
    server: Server, org: Org, admin: Member, member: Member, scout: AgentClient, ledger: AgentClient
) -> Talk:
    """Let them talk."""
    mara = org.owner
    await server.channel(mara, name="roasting", description="Lots, profiles, what the drum does")
    general = await server.general(org)
    launch = await _group(org, admin, member, scout)
    await _say(admin, general, PROGRAM)
    opened = await _say(member, general, FIGURES, title="Which lot for the spring blend?", kind="question")
    picture = await sent(member, general, cupping_table(), "cupping-table.png")
    await post(
        member, general, picture, await sent(member, general, b"lot,score\nSidama,87.5\n", "cupping.csv"),
        content="The table, and the figures as a file.",
    )  # fmt: skip
    edited = await _say(mara, general, "Sidama then. What does it cost us now, @scout?")
    change = {"content": "Sidama, then. What does a kilo of it cost us now, @scout?"}
    (await mara.api.patch(f"/conversations/{general}/messages/{edited}", json=change)).raise_for_status()
    await _turn_ended(org, "succeeded")
    await _say(ledger, general, "I hold 120 kg back for it until Friday.", kind="update")
    for who, words in ((admin, "And we say so on the bag?"), (mara, "On the bag and in the letter, @tomas.")):
        await _say(who, general, words, parent_id=opened)
    for who, emoji in ((mara, "👍"), (admin, "👍"), (member, "🎉")):
        (await who.api.put(f"/conversations/{general}/messages/{opened}/reactions/{emoji}")).raise_for_status()
    (await mara.api.put(f"/conversations/{general}/messages/{opened}/pin")).raise_for_status()
    kept = {"note": "for the letter to the cafés"}
    (await mara.api.put(f"/conversations/{general}/messages/{opened}/saved", json=kept)).raise_for_status()
    (await mara.api.put(f"/conversations/{general}/star")).raise_for_status()
    await _say(admin, general, "@mara the printer is back on Thursday.")
    direct = {"kind": "direct", "members": [{"member_type": "agent", "member_id": scout.id}]}
    private = str((await mara.api.post("/conversations", json=direct)).raise_for_status().json()["id"])
    return Talk(general, launch, private, opened, edited)


async def _group(org: Org, admin: Member, member: Member, scout: AgentClient) -> str:
    """A private group, in which the agent waits for a person's yes."""
    among = [("user", str(admin.id)), ("user", str(member.id)), ("agent", scout.id)]
    listed = [{"member_type": kind, "member_id": one} for kind, one in among]
    body = {"kind": "group", "title": "Spring launch", "members": listed}
    group = str((await org.owner.api.post("/conversations", json=body)).raise_for_status().json()["id"])
    (await org.owner.api.put("/tool-policy", json={"tools": {"post_message": "ask"}})).raise_for_status()
    await _say(member, group, "The first bags go out on 2 March.")
    await _say(org.owner, group, "Tell the cafés in #wholesale, @scout.")
    await _turn_ended(org, "waiting")
    return group


async def _say(who: Member | AgentClient, where: str, content: str, **fields: Any) -> str:
    body = {"content": content, **fields}
    return str((await who.api.post(f"/conversations/{where}/messages", json=body)).raise_for_status().json()["id"])


async def _turn_ended(org: Org, status: str) -> None:
    """Wait for a turn that is over, or that waits for a person."""

    async def look() -> object:
        answer = await org.owner.api.get("/runs", params={"status": status})
        return answer.raise_for_status().json()["items"]

    await until(look)
