"""Whom what is said concerns, and what becomes of it when it is changed, read, or left."""

import pytest

from tests.conversations.ways import group, post
from tests.notifications.ways import handle_of, kinds, settled, told, unread
from tests.support.server import frames_until, token_of


def path_of(message):
    return f"/conversations/{message['conversation_id']}/messages/{message['id']}"


async def react(member, message, emoji="👍", method="PUT"):
    (await member.api.request(method, f"{path_of(message)}/reactions/{emoji}")).raise_for_status()


@pytest.mark.rule("E4")
async def test_mentions_and_replies_notify_people_and_agents_with_a_read_state(server, org):
    """A person's own list of mentions and replies, with its read state; an agent's, too. Nobody else's."""
    ada, bob = await org.add(), await org.add()
    agent = await server.hire(org)
    general = await server.general(org)
    first = await post(ada, general, f"hello @{await handle_of(bob)} and @{agent.code}")
    await post(bob, general, "yes?", parent_id=first["id"])
    await post(agent, general, "here", parent_id=first["id"])
    await post(org.owner, general, "what concerns nobody")
    mention = (await told(server, bob))[-1]
    assert (mention["kind"], mention["is_read"], mention["actor"]["id"]) == ("mention", False, str(ada.id))
    assert mention["message"]["id"] == first["id"]
    assert mention["summary"] == "Ada Lovelace mentioned you in #general"
    assert mention["path"] == f"/c/{general}?at={first['seq']}"
    assert await kinds(server, ada) == [("reply", False), ("reply", False)]
    assert await kinds(server, bob) == [("reply", False), ("mention", False)]  # it wrote in the thread, too
    assert await kinds(server, agent) == [("mention", False)]
    assert await kinds(server, org.owner) == []
    read = (await bob.api.put(f"/notifications/{mention['id']}/read")).raise_for_status().json()
    assert read["is_read"]
    assert await kinds(server, bob, unread=True) == [("reply", False)]
    assert (await bob.api.delete(f"/notifications/{mention['id']}/read")).json()["is_read"] is False
    assert await unread(server, bob) == 2
    assert (await bob.api.post("/notifications/read", json={"conversation_id": general})).json() == {"marked": 2}
    assert await unread(server, bob) == 0
    for stranger in (ada, agent, org.owner):
        for method, path in (("GET", ""), ("PUT", "/read"), ("DELETE", "/read")):
            refused = await stranger.api.request(method, f"/notifications/{mention['id']}{path}")
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


@pytest.mark.rule("B1")
async def test_nobody_of_another_organization_is_told_or_asks(server, org, other_org):
    """A handle is unique in the installation, and yet concerns nobody outside of the organization."""
    outsider = other_org.owner
    await post(org.owner, await server.general(org), f"hello @{await handle_of(outsider)}")
    ada = await org.add()
    await post(org.owner, await server.general(org), f"hello @{await handle_of(ada)}")
    assert await kinds(server, outsider) == []
    own = (await told(server, ada))[0]
    assert (await outsider.api.get(f"/notifications/{own['id']}")).status_code == 404
    assert (await outsider.api.put(f"/notifications/{own['id']}/read")).status_code == 404


async def test_a_direct_conversation_is_one_notification_with_what_is_unread(server, org):
    ada = await org.add()
    talk = (
        await ada.api.post(
            "/conversations",
            json={"kind": "direct", "members": [{"member_type": "user", "member_id": str(org.owner.id)}]},
        )
    ).json()["id"]
    first = await post(ada, talk, "one")
    second = await post(ada, talk, f"two @{await handle_of(org.owner)}")
    (direct,) = await told(server, org.owner)
    assert (direct["kind"], direct["messages"], direct["message"]["excerpt"][:3]) == ("direct", 2, "two")
    (await ada.api.delete(path_of(second))).raise_for_status()
    (direct,) = await told(server, org.owner)
    assert (direct["messages"], direct["message"]["id"]) == (1, first["id"])
    (await ada.api.delete(path_of(first))).raise_for_status()
    assert await told(server, org.owner) == []
    third = await post(ada, talk, "three")
    await settled(server)
    (await org.owner.api.post(f"/conversations/{talk}/read", json={"seq": third["seq"]})).raise_for_status()
    assert await kinds(server, org.owner) == [("direct", True)]
    await post(ada, talk, "four")
    (direct,) = await told(server, org.owner)
    assert (direct["is_read"], direct["messages"]) == (False, 1)
    assert await kinds(server, ada) == []


async def test_a_reaction_tells_the_author_until_it_is_taken_back(server, org):
    ada, bob = await org.add(), await org.add()
    message = await post(ada, await server.general(org), "ship it")
    await react(bob, message)
    await react(ada, message)
    (one,) = await told(server, ada)
    assert (one["kind"], one["detail"], one["summary"]) == (
        "reaction",
        "👍",
        "Ada Lovelace reacted with 👍 in #general",
    )
    await react(bob, message, method="DELETE")
    assert await kinds(server, ada) == []
    await react(bob, message)
    assert await kinds(server, ada) == [("reaction", False)]
    (await ada.api.delete(path_of(message))).raise_for_status()
    assert await kinds(server, ada) == []


async def test_an_edit_takes_back_whom_it_no_longer_mentions_and_tells_whom_it_newly_does(server, org):
    ada, bob, eve = await org.add(), await org.add(), await org.add()
    names = {member.id: await handle_of(member) for member in (bob, eve)}
    message = await post(ada, await server.general(org), f"@{names[bob.id]} look")
    assert await kinds(server, bob) == [("mention", False)]
    (await ada.api.patch(path_of(message), json={"content": f"@{names[eve.id]} look"})).raise_for_status()
    assert await kinds(server, bob) == []
    (one,) = await told(server, eve)
    assert (one["kind"], one["message"]["excerpt"]) == ("mention", f"@{names[eve.id]} look")
    (await ada.api.patch(path_of(message), json={"content": f"@{names[eve.id]} see"})).raise_for_status()
    (one,) = await told(server, eve)
    assert one["message"]["excerpt"] == f"@{names[eve.id]} see"


@pytest.mark.rule("E4")
async def test_access_is_asked_when_a_notification_is_read_not_when_it_was_made(server, org):
    ada, bob = await org.add(), await org.add()
    circle = await group(org.owner, ada, bob)
    await post(ada, circle, f"secret for @{await handle_of(bob)}")
    assert await kinds(server, bob) == [("mention", False), ("invitation", False)]
    own = (await told(server, bob))[0]
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{bob.id}")).raise_for_status()
    assert await told(server, bob) == []
    assert await unread(server, bob) == 0
    assert (await bob.api.get(f"/notifications/{own['id']}")).status_code == 404
    assert (await bob.api.get("/notifications", params={"conversation": circle})).status_code == 404
    assert (await bob.api.post("/notifications/read", json={"conversation_id": circle})).status_code == 404
    member = {"member_type": "user", "member_id": str(bob.id)}
    (await org.owner.api.post(f"/conversations/{circle}/members", json=member)).raise_for_status()
    assert [kind for kind, _ in await kinds(server, bob)].count("mention") == 1
    await post(org.owner, circle, f"not for @{await handle_of(await org.add())}")
    await settled(server)


async def test_who_is_added_by_somebody_else_is_told(server, org):
    ada = await org.add()
    channel = await server.channel(org.owner, name="planning")
    (await ada.api.post(f"/conversations/{channel}/join")).raise_for_status()
    assert await kinds(server, ada) == []
    agent = await server.hire(org)
    member = {"member_type": "agent", "member_id": agent.id}
    (await org.owner.api.post(f"/conversations/{channel}/members", json=member)).raise_for_status()
    (one,) = await told(server, agent)
    assert (one["kind"], one["summary"]) == ("invitation", "Ada Lovelace added you to #planning")
    assert await kinds(server, org.owner) == []


async def test_how_much_one_is_told_of_is_ones_own_choice_for_each_conversation(server, org):
    ada, bob = await org.add(), await org.add()
    circle = await group(org.owner, ada, bob)
    path = f"/conversations/{circle}/notifications"
    assert (await bob.api.get(path)).json() == {"level": "mentions", "chosen": None}
    (await bob.api.post("/notifications/read", json={})).raise_for_status()
    (await bob.api.put(path, json={"level": "nothing"})).raise_for_status()
    await post(ada, circle, f"@{await handle_of(bob)}")
    assert await unread(server, bob) == 0
    assert (await bob.api.put(path, json={"level": "all"})).json() == {"level": "all", "chosen": "all"}
    await post(ada, circle, "one")
    await post(ada, circle, "two")
    (one,) = await told(server, bob, unread=True)
    assert (one["kind"], one["messages"], one["summary"]) == ("message", 2, "2 new messages in Circle")
    assert await unread(server, ada) == 1  # that it was added
    shown = (await bob.api.get(f"/conversations/{circle}")).json()
    assert shown["notification_level"] == "all"
    (await bob.api.put(path, json={"level": None})).raise_for_status()
    general = await server.general(org)
    stranger = await server.channel(org.owner)
    refused = await bob.api.put(f"/conversations/{stranger}/notifications", json={"level": "all"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await bob.api.put(f"/conversations/{general}/notifications", json={"level": "loud"})).status_code == 422


async def test_a_person_hears_at_once_on_every_connection(server, org):
    ada = await org.add()
    async with server.live(token_of(ada.api)) as socket:
        await socket.send('{"type":"ping"}')
        await frames_until(socket, "pong")
        await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")
        await frames_until(socket, "notification")
