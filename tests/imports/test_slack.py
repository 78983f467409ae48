"""A Slack export is looked through, taken in once, and tells what was not taken."""

import asyncio
from typing import Any

import httpx
import pytest

from crewhall.conversations import Taken, take_past
from crewhall.imports import ImportParts, taking, worker
from crewhall.imports.actions import CHANNEL
from crewhall.imports.fetching import SlackFiles
from tests.identity.hall import Org
from tests.imports.exports import ADA, BOB, EVE, FIRST, PIXEL, channel, packed, said, workspace
from tests.support.server import Server
from tests.support.waiting import until

OVER = {"ready", "done", "failed", "canceled"}


async def brought(api: httpx.AsyncClient, content: bytes) -> dict[str, Any]:
    """Bring an archive; what was found, once it was looked through."""
    made = (await api.post("/imports", params={"name": "acme.zip"}, content=content)).raise_for_status().json()
    return await ended(api, made["id"])


async def ended(api: httpx.AsyncClient, import_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = (await api.get(f"/imports/{import_id}")).raise_for_status().json()
        return found if found["status"] in OVER else None

    return await until(look)


async def imported(api: httpx.AsyncClient, content: bytes) -> dict[str, Any]:
    found = await brought(api, content)
    assert found["status"] == "ready", found
    (await api.post(f"/imports/{found['id']}/start")).raise_for_status()
    return await ended(api, found["id"])


async def conversation(api: httpx.AsyncClient, name: str) -> dict[str, Any]:
    found = (await api.get("/conversations", params={"kind": "channel", "limit": 100})).raise_for_status().json()
    return next(one for one in found["items"] if one["name"] == name)


async def messages(api: httpx.AsyncClient, conversation_id: str) -> list[dict[str, Any]]:
    answer = (await api.get(f"/conversations/{conversation_id}/messages")).raise_for_status()
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def export(org: Org) -> bytes:
    entries = workspace(
        org.owner.email,
        general=[
            said(1, ADA, "Hello <@U0BOB>, *this* is &lt;it&gt;", reactions=[
                {"name": "+1", "users": [BOB, EVE]}, {"name": "our_own", "users": [BOB]}]),
            said(2, BOB, "joined", subtype="channel_join"),
            said(3, BOB, "An answer for <@U0ADA>", thread_ts=f"{FIRST + 1:.6f}"),
            said(4, EVE, "See this", files=[
                {"id": "F1", "name": "pixel.png"}, {"id": "F2", "name": "gone.pdf"},
                {"id": "F3", "name": "notes.txt", "url_private": "https://files.slack.com/f3?t=xoxe"},
                {"id": "F4", "name": "lost.txt", "url_private": "https://files.slack.com/f4?t=xoxe"},
                {"id": "F5", "name": "evil.txt", "url_private": "https://169.254.169.254/latest"}]),
            {"type": "message", "subtype": "bot_message", "ts": f"{FIRST + 5}.0", "text": "Built", "username": "Build"},
        ],
        plans=[said(9, BOB, "A private plan was never here")],
    )  # fmt: skip
    entries["channels.json"][0]["pins"] = [{"id": f"{FIRST + 1:.6f}", "type": "C", "created": FIRST + 8, "user": BOB}]
    entries["__uploads/F1/pixel.png"] = PIXEL
    entries["groups.json"] = [channel("G1", "secret", members=[ADA])]
    entries["secret/2020-09-13.json"] = [said(7, ADA, "Between us")]
    entries["dms.json"] = [{"id": "D1"}]
    return packed(entries)


@pytest.mark.rule("X1")
async def test_an_export_is_looked_through_and_taken_in_once(server: Server, org: Org, monkeypatch: pytest.MonkeyPatch):
    async def slack(_files: SlackFiles, address: str) -> bytes | None:
        return {"https://files.slack.com/f3?t=xoxe": b"our notes"}.get(address)

    monkeypatch.setattr(SlackFiles, "fetch", slack)
    api, content = org.owner.api, export(org)
    found = await brought(api, content)
    assert found["counts"] == {
        "people": 4, "matched": 1, "placeholders": 3, "channels": 3, "messages": 5, "replies": 1, "reactions": 2,
        "pins": 1, "files": 3, "fresh": 9,
    }  # fmt: skip
    assert {one["reason"]: one["count"] for one in found["left_out"]} == {
        "notice": 1, "custom_emoji": 1, "file_absent": 2, "direct": 1,
    }  # fmt: skip
    assert found["taken"] == 0
    general = await conversation(api, "general")
    assert await messages(api, general["id"]) == []  # a dry run writes nothing

    (await api.post(f"/imports/{found['id']}/start")).raise_for_status()
    done = await ended(api, found["id"])
    assert (done["status"], done["taken"], done["taken_messages"], done["taken_files"]) == ("done", 9, 6, 2), done
    fates = (await api.get(f"/imports/{found['id']}/channels")).raise_for_status().json()["items"]
    assert [(one["name"], one["fate"], one["taken"]) for one in fates] == [
        ("general", "fill", 7), ("plans", "open", 1), ("secret", "open", 1)]  # fmt: skip

    told = await until(lambda: messages(api, general["id"]))  # where somebody looked before, a notice tells of them
    first, answer, filed, built = sorted(told, key=lambda one: one["seq"])
    assert [one["created_at"][:19] for one in (first, answer, filed, built)] == [
        f"2020-09-13T12:26:4{second}" for second in (1, 3, 4, 5)]  # fmt: skip
    assert first["author"]["id"] == str(org.owner.id)
    assert first["content"] == "Hello @Bob, **this** is <it>"
    assert {emoji: len(who) for emoji, who in first["reactions"].items()} == {"👍": 2}
    assert first["pinned_at"][:19] == "2020-09-13T12:26:48"
    assert (first["reply_count"], answer["parent_id"]) == (1, first["id"])
    assert answer["mentions"] == [str(org.owner.id)]
    assert answer["author"]["name"] == "Bob"
    assert all(name in filed["content"] for name in ("gone.pdf", "lost.txt", "evil.txt"))
    assert [file["name"] for file in filed["metadata"]["files"]] == ["pixel.png", "notes.txt"]
    assert {"reason": "file_absent", "count": 3} in [
        {name: one[name] for name in ("reason", "count")} for one in done["left_out"]
    ]
    file_id = filed["metadata"]["files"][0]["id"]
    assert (await api.get(f"/files/{file_id}/content")).content == PIXEL
    assert built["author"]["name"] == "Build"

    listed = await conversation(api, "general")
    assert listed["unread"] == 0
    assert (await api.get("/notifications")).json()["items"] == []
    hits = (await api.get("/search", params={"q": "answer"})).raise_for_status().json()["items"]
    assert [hit["id"] for hit in hits] == [answer["id"]]

    for q, wanted in (("from:bob", [answer]), ("from:BOB answer", [answer]), ("from:Build", [built])):
        hits = (await api.get("/search", params={"q": q})).raise_for_status().json()["items"]
        assert {one["id"] for one in wanted} <= {hit["id"] for hit in hits}, q
    outsider = (await server.make_org()).owner.api
    assert (await outsider.get("/search", params={"q": "from:bob"})).status_code == 422, "there is none in theirs"

    before = await messages(api, general["id"])
    again = await imported(api, content)
    assert (again["status"], again["counts"]["fresh"], again["taken"]) == ("done", 0, 0)
    assert await messages(api, general["id"]) == before
    names = [one["name"] for one in (await api.get("/conversations", params={"limit": 100})).json()["items"]]
    assert sorted(names) == sorted({*names})

    posted = await api.post(f"/conversations/{general['id']}/messages", json={"content": "We go on here"})
    assert posted.status_code == 201, posted.text


async def test_a_channel_that_has_messages_is_left_alone(server: Server, org: Org):
    api = org.owner.api
    general = await conversation(api, "general")
    await api.post(f"/conversations/{general['id']}/messages", json={"content": "We are here already"})
    done = await imported(api, packed(workspace(org.owner.email, general=[said(1, ADA, "Older")])))
    assert done["status"] == "done"
    assert len(await messages(api, general["id"])) == 1
    taken = await conversation(api, "general-slack")
    assert [one["content"] for one in await messages(api, taken["id"])] == ["Older"]

    await api.post(f"/conversations/{taken['id']}/messages", json={"content": "It went on here"})
    later = packed(workspace(org.owner.email, general=[said(1, ADA, "Older"), said(2, BOB, "Said meanwhile")]))
    found = await brought(api, later)
    assert {one["reason"]: one["count"] for one in found["left_out"]} == {"late": 1}
    assert found["counts"]["fresh"] == 0


@pytest.mark.rule("B2")
async def test_nobody_else_imports_or_sees_it(server: Server, org: Org, other_org: Org):
    content = packed(workspace(org.owner.email, general=[said(1, ADA, "Ours")]))
    found = await brought(org.owner.api, content)
    admin, stranger = await org.add("admin"), other_org.owner
    for api, status in ((admin.api, 403), (stranger.api, 404)):
        for path in (f"/imports/{found['id']}", f"/imports/{found['id']}/channels"):
            assert (await api.get(path)).status_code == status
        for verb in ("start", "cancel"):
            assert (await api.post(f"/imports/{found['id']}/{verb}")).status_code == status
    assert (await admin.api.post("/imports", content=content)).status_code == 403
    assert (await ended(org.owner.api, found["id"]))["status"] == "ready"


async def test_an_import_is_called_off_and_another_waits_for_its_end(server: Server, org: Org):
    content = packed(workspace(org.owner.email, general=[said(1, ADA, "Ours")]))
    api = org.owner.api
    found = await brought(api, content)
    off = (await api.post(f"/imports/{found['id']}/cancel")).raise_for_status().json()
    assert off["status"] == "canceled"
    refused = await api.post(f"/imports/{found['id']}/start")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_whoever_joins_by_an_invitation_gets_what_they_wrote(server: Server, org: Org):
    api = org.owner.api
    entries = workspace(org.owner.email, general=[said(1, BOB, "I wrote this")])
    entries["users.json"][1]["profile"]["email"] = f"bob-{org.slug}@elsewhere.example"
    assert (await imported(api, packed(entries)))["status"] == "done"
    general = await conversation(api, "general")
    author = (await messages(api, general["id"]))[0]["author"]
    invited = (await api.post("/invitations", json={"email": f"bob-{org.slug}@elsewhere.example"})).json()
    acceptance = {"token": invited["token"], "name": "Bob", "password": "correct horse battery"}
    joined = (await server.client().post("/invitations/accept", json=acceptance)).raise_for_status().json()
    bob = server.client(joined["login"]["access_token"])
    me = (await bob.get("/me")).raise_for_status().json()
    assert me["actor"]["id"] == author["id"]
    message = (await messages(bob, general["id"]))[0]
    edited = await bob.patch(f"/conversations/{general['id']}/messages/{message['id']}", json={"content": "I did"})
    assert edited.status_code == 200, edited.text


@pytest.mark.rule("B1")
@pytest.mark.parametrize("is_mailed", [True, False], ids=["invited there", "said so at an open link"])
async def test_whom_mail_reached_is_recognised_and_who_merely_says_so_is_not(server: Server, org: Org, is_mailed: bool):
    api, email = org.owner.api, f"bob-{org.slug}@elsewhere.example"
    invited = (await api.post("/invitations", json={"email": email} if is_mailed else {"max_uses": 5})).json()
    acceptance = {"token": invited["token"], "name": "B", "password": "correct horse battery", "email": email}
    joined = (await server.client().post("/invitations/accept", json=acceptance)).raise_for_status().json()
    me = (await server.client(joined["login"]["access_token"]).get("/me")).json()["actor"]["id"]
    entries = workspace(org.owner.email, general=[said(1, BOB, "I wrote this")])
    entries["users.json"][1]["profile"]["email"] = email
    assert (await imported(api, packed(entries)))["status"] == "done"
    general = await conversation(api, "general")
    assert ((await messages(api, general["id"]))[0]["author"]["id"] == me) == is_mailed


@pytest.mark.rule("X1")
async def test_an_import_goes_on_where_a_process_died(server: Server, org: Org, monkeypatch: pytest.MonkeyPatch):
    api = org.owner.api
    content = packed(workspace(org.owner.email, general=[said(n, BOB, f"Number {n}") for n in range(450)]))
    found = await brought(api, content)
    calls = 0

    async def dying(*given: Any) -> Taken:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError("the process died")
        return await take_past(*given)

    monkeypatch.setattr(taking, "take_past", dying)
    (await api.post(f"/imports/{found['id']}/start")).raise_for_status()

    async def has_died() -> bool:
        return calls == 2

    await until(has_died)
    half = (await api.get(f"/imports/{found['id']}")).json()
    assert (half["status"], half["taken"]) == ("running", 200)
    general = await conversation(api, "general")
    closed = await api.post(f"/conversations/{general['id']}/messages", json={"content": "Too early"})
    assert closed.json()["code"] == "conversation_closed"
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update imports set look_at = now() where id = %(id)s", {"id": found["id"]})
        await tx.notify(CHANNEL, "")
    done = await ended(api, found["id"])
    assert (done["status"], done["taken_messages"]) == ("done", 450)
    shown = (await api.get(f"/conversations/{general['id']}/messages", params={"limit": 100})).json()["items"]
    assert [one["content"] for one in shown][-1] == "Number 449"
    assert sorted(one["seq"] for one in shown) == list(range(351, 451))


async def test_restarts_end_no_import(server: Server, org: Org, monkeypatch: pytest.MonkeyPatch):
    api, going = org.owner.api, asyncio.Event()
    content = packed(workspace(org.owner.email, general=[said(1, BOB, "One")]))
    found = await brought(api, content)
    begun, numbers = asyncio.Event(), []

    async def slow(*given: Any) -> Taken:
        async with server.db.transaction(org.owner.actor) as tx:
            numbers.append(await tx.value("select attempt from imports where id = %(id)s", {"id": found["id"]}))
        begun.set()
        await going.wait()
        return await take_past(*given)

    monkeypatch.setattr(taking, "take_past", slow)
    monkeypatch.setattr(worker, "MOST_ATTEMPTS", 3)
    imports = server.services.part(ImportParts)
    (await api.post(f"/imports/{found['id']}/start")).raise_for_status()
    for _ in range(4):
        await begun.wait()
        begun.clear()
        await imports.close()
        imports.start()
    going.set()
    assert (await ended(api, found["id"]))["status"] == "done"
    assert numbers == sorted(set(numbers)), "who stood still has the number of nobody who came after"
    assert numbers[0] > worker.ROUND, "nor that of who looked it through"


async def test_one_that_is_called_off_halfway_leaves_its_channel_open(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    api = org.owner.api
    content = packed(workspace(org.owner.email, general=[said(n, BOB, f"Number {n}") for n in range(3)]))
    found = await brought(api, content)

    async def called_off(*given: Any) -> Taken:
        (await api.post(f"/imports/{found['id']}/cancel")).raise_for_status()
        return await take_past(*given)

    monkeypatch.setattr(taking, "take_past", called_off)
    (await api.post(f"/imports/{found['id']}/start")).raise_for_status()
    general = await conversation(api, "general")

    async def is_open() -> bool:
        body = {"content": "We go on"}
        state = (await api.get(f"/imports/{found['id']}")).json()
        return (
            state["finished_at"] is not None
            and (await api.post(f"/conversations/{general['id']}/messages", json=body)).status_code == 201
        )

    await until(is_open)
    assert [one["content"] for one in await messages(api, general["id"])] == ["We go on"]


async def test_an_archive_that_is_none_fails_with_the_reason(server: Server, org: Org):
    failed = await brought(org.owner.api, b"no zip at all")
    assert (failed["status"], failed["failure"]) == ("failed", "This is no zip file, or it is not whole.")
    empty = await org.owner.api.post("/imports", content=b"")
    assert (empty.status_code, empty.json()["code"]) == (422, "invalid")
