"""Files that hang on drafts: whose they are, how long they are kept; drafts of files alone."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from crewhall.kernel.actor import system_actor
from tests.conversations.ways import group
from tests.files.making import post, sent
from tests.files.standing import content, sweep
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server


@pytest.mark.rule("B8", "E4")
async def test_drafts_of_files_alone_are_listed_and_let_go_of_with_the_conversation(server: Server, org: Org):
    member, general = await org.add(), await server.general(org)
    circle = await group(org.owner, member)
    browser, _ = await server.browse(member)
    kept = []
    for place, name in ((general, "alone.txt"), (circle, "secret.txt"), (circle, "beside.txt")):
        file = await sent(member, place, name.encode(), name)
        (await member.api.put(f"/conversations/{place}/draft/files/{file['id']}")).raise_for_status()
        kept.append(file["id"])
    (await member.api.put(f"/conversations/{circle}/draft", json={"content": "half", "version": 0})).raise_for_status()

    async def listed(who: Any, **query: str) -> list[tuple[str, list[str]]]:
        items = (await who.api.get("/drafts", params=query)).raise_for_status().json()["items"]
        return [(one["content"], [file["name"] for file in one["files"]]) for one in items]

    both = [("half", ["secret.txt", "beside.txt"]), ("", ["alone.txt"])]
    assert await listed(member) == both
    assert await listed(member, conversation=general) == both[1:]
    assert await listed(org.owner) == []
    first = (await member.api.get("/drafts", params={"limit": "1"})).json()
    assert await listed(member, after=first["next"]) == both[1:]
    page = (await browser.get(f"{server.address}/drafts")).text
    assert all(name in page for name in ("alone.txt", "secret.txt", "beside.txt"))
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{member.id}")).raise_for_status()
    assert await listed(member) == [("half", []), ("", ["alone.txt"])]  # the words stay theirs
    origin = {"origin": server.address}
    other, _ = await server.browse(org.owner)
    where, drop = {"conversation_id": general}, f"{server.address}/drafts/drop"
    await other.post(drop, data=where, headers=origin)
    assert (await listed(member))[1:] == both[1:]  # nobody throws away another one's
    assert (await browser.post(drop, data=where, headers=origin)).status_code == 303
    assert await listed(member) == [("half", [])]


@pytest.mark.rule("B8")
async def test_an_upload_hangs_on_its_uploaders_draft_alone(server: Server, org: Org):
    general, member, agent = await server.general(org), await org.add(), await server.hire(org)
    elsewhere, api = await server.channel(org.owner), org.owner.api
    root = await post(org.owner, general, await sent(org.owner, general, b"root"))
    file, beside = [await sent(org.owner, general, data) for data in (b"mine", b"beside")]
    there = f"/conversations/{general}/draft"
    for who, status in ((member, 404), (agent, 403)):
        assert (await who.api.put(f"{there}/files/{file['id']}")).status_code == status
    assert (await api.put(f"/conversations/{elsewhere}/draft/files/{file['id']}")).status_code == 404
    assert (await api.put(f"{there}/files/{file['id']}", params={"parent": file["id"]})).status_code == 422
    secret = await server.channel(org.owner, type="private")
    said = (await api.post(f"/conversations/{secret}/messages", json={"content": "said"})).raise_for_status().json()
    for parent in (said["id"], file["id"]):  # nobody learns what is said where they may not read
        path = f"/conversations/{secret}/draft/files/{file['id']}"
        assert (await member.api.put(path, params={"parent": parent})).status_code == 404
    for _ in range(2):
        assert (await api.put(f"{there}/files/{file['id']}")).status_code == 204
    assert (await api.put(f"{there}/files/{beside['id']}", params={"parent": root["id"]})).status_code == 204

    async def hanging(who: Any, parent: str | None = None) -> list[str]:
        draft = (await who.api.get(there, params={"parent": parent} if parent else {})).raise_for_status().json()
        return [one["id"] for one in draft["files"]]

    assert (await hanging(org.owner), await hanging(org.owner, root["id"])) == ([file["id"]], [beside["id"]])
    assert await hanging(member) == []
    saved = (await api.put(there, json={"content": "words"})).raise_for_status().json()
    assert [one["name"] for one in saved["files"]] == [file["name"]]
    assert (await api.delete(there, params={"version": saved["version"]})).status_code == 204  # its words were sent
    assert await hanging(org.owner) == [file["id"]]
    await post(org.owner, general, file)
    assert await hanging(org.owner) == []
    assert (await api.put(f"{there}/files/{file['id']}")).status_code == 204  # sent meanwhile
    assert await hanging(org.owner) == []
    assert (await api.delete(there, params={"parent": root["id"]})).status_code == 204
    await sweep(server)
    assert (await content(org.owner, beside)).status_code == 404
    assert (await content(member, file)).status_code == 200


@pytest.mark.rule("B8")
async def test_what_hangs_on_a_draft_is_kept_for_thirty_days(
    server: Server, org: Org, cluster: SharedCluster, worker_id: str
):
    general = await server.general(org)
    file = await sent(org.owner, general, b"begun")
    (await org.owner.api.put(f"/conversations/{general}/draft/files/{file['id']}")).raise_for_status()
    await post(org.owner, general, content="said", client_id="one")
    again = {"content": "other words", "client_id": "one", "files": [file["id"]]}  # refused once its files were held
    assert (await org.owner.api.post(f"/conversations/{general}/messages", json=again)).status_code == 409
    for days, status in ((29, 200), (31, 404)):
        with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute("update files set held_at = held_at - %s * interval '1 day' where org_id = %s",
                               (days if days == 29 else 2, org.id))  # fmt: skip
        await sweep(server)
        assert (await content(org.owner, file)).status_code == status


@pytest.mark.rule("B8")
async def test_a_message_that_is_refused_takes_nothing_from_what_hangs_on_a_draft(server: Server, org: Org):
    general, api = await server.general(org), org.owner.api
    file = await sent(org.owner, general, b"begun")
    (await api.put(f"/conversations/{general}/draft/files/{file['id']}")).raise_for_status()
    await post(org.owner, general, content="first", client_id="one")
    body = {"content": "second", "client_id": "one", "files": [file["id"]]}
    assert (await api.post(f"/conversations/{general}/messages", json=body)).status_code == 409
    async with server.db.transaction(system_actor(org.id)) as tx:
        left = await tx.value("select held_at - now() from files where id = %(id)s", {"id": file["id"]})
    assert left > timedelta(days=28)
