"""However records fall into batches, the same is told: what was derived as it came is derived again in one go."""

import random
from typing import Any

import psycopg
import pytest

from tests.conversations.ways import direct, group, post
from tests.notifications.ways import handle_of, settled

ROWS = """
select recipient_id::text, kind, message_id::text, coalesce(detail, ''), messages, read_at is null
from notifications where org_id = %(org)s and kind <> 'invitation' order by 1, 2, 3, 4
"""


@pytest.mark.parametrize("seed", [9])
async def test_batches_do_not_matter(server, org, cluster, worker_id, seed):
    dice = random.Random(seed)
    people = [org.owner, await org.add(), await org.add()]
    names = [await handle_of(member) for member in people]
    circle, talk = await group(*people), await direct(people[0], people[1])
    (await people[2].api.put(f"/conversations/{circle}/notifications", json={"level": "all"})).raise_for_status()
    await settled(server)
    with psycopg.connect(cluster.superuser(f"server_{worker_id}"), autocommit=True) as connection:
        before = connection.execute(
            "select position, conversation_id, seq from consumer_checkpoints where consumer = 'notifications'"
        ).fetchone()
        await _live(dice, people, names, circle, talk)
        await settled(server)
        as_it_came = connection.execute(ROWS, {"org": org.id}).fetchall()
        with connection.transaction():
            connection.execute("select from consumer_checkpoints where consumer = 'notifications' for update")
            connection.execute("delete from notifications where org_id = %s and kind <> 'invitation'", (org.id,))
            connection.execute(
                "update consumer_checkpoints set position = %s, conversation_id = %s, seq = %s"
                " where consumer = 'notifications'",
                before,
            )
            connection.execute("select derive_notifications(2000)")
            in_one_go = connection.execute(ROWS, {"org": org.id}).fetchall()
    assert in_one_go == as_it_came
    assert as_it_came


async def _live(dice: random.Random, people: list[Any], names: list[str], circle: str, talk: str) -> None:
    """Talk, answer, edit, delete, react and take back."""
    said: list[tuple[Any, dict[str, Any]]] = []
    for number in range(30):
        act = dice.choice(["say", "say", "answer", "edit", "delete", "react", "unreact"])
        here = dice.choice([circle, circle, talk])
        who = dice.choice(people[:2] if here == talk else people)
        mention = f"@{dice.choice(names)}" if dice.random() < 0.5 else ""
        roots = [one for _, one in said if one["conversation_id"] == here and not one["parent_id"]]
        if act == "answer" and roots:
            answered = await who.api.post(
                f"/conversations/{here}/messages",
                json={"content": f"{number} {mention}", "parent_id": dice.choice(roots)["id"]},
            )
            if answered.is_success:  # else its thread was deleted
                said.append((who, answered.json()))
        elif act in {"say", "answer"} or not said:
            said.append((who, await post(who, here, f"{number} {mention}")))
        else:
            author, one = dice.choice(said)
            path = f"/conversations/{one['conversation_id']}/messages/{one['id']}"
            emoji = f"{path}/reactions/👍"
            reader = author if one["conversation_id"] == talk else who
            member, method, where, body = {
                "edit": (author, "PATCH", path, {"content": f"edited {number} {mention}"}),
                "delete": (author, "DELETE", path, None),
                "react": (reader, "PUT", emoji, None),
                "unreact": (reader, "DELETE", emoji, None),
            }[act]
            await member.api.request(method, where, json=body)
