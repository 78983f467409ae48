"""Webhooks at the edge: signed, kept once, answered at once, done later; what is wrong holds up nobody."""

from urllib.parse import urlencode
from uuid import UUID, uuid4

import msgspec
import pytest

from crewhall.kernel.db import Tx
from crewhall.work.github.signing import sign
from tests.github.examples import Example, examples
from tests.github.ground import Wired, parts_of, wire
from tests.identity.hall import Org
from tests.support.server import Server


def payload(event: str, name: str = "octo/hall") -> bytes:
    found = next(one.payload for one in examples() if one.event == event and "repository" in one.payload)
    return msgspec.json.encode(found | {"repository": found["repository"] | {"full_name": name, "id": 7}})


@pytest.fixture
async def wired(server: Server, org: Org) -> Wired:
    return await wire(server, org)


@pytest.mark.rule("D8")
@pytest.mark.rule("X1")
async def test_a_delivery_is_kept_once_and_mirrored(wired: Wired):
    repository, delivery = await wired.add(), str(uuid4())
    first = await wired.deliver("issues", payload("issues"), delivery=delivery)
    assert (first.status_code, first.json()) == (202, {"delivery": delivery, "is_repeated": False})
    again = await wired.deliver("issues", payload("issues"), delivery=delivery)
    assert (again.status_code, again.json()["is_repeated"]) == (202, True)
    assert await wired.became() == {delivery: ("waiting", None)}
    await wired.do_all()
    assert await wired.became() == {delivery: ("done", None)}
    found = (await wired.org.owner.api.get(f"/github/repositories/{repository}/items")).json()["items"]
    assert len(found) == 1
    shown = (await wired.org.owner.api.get(f"/github/repositories/{repository}")).json()
    assert shown["github_id"] == 7


@pytest.mark.rule("D8")
async def test_whoever_cannot_sign_learns_nothing(wired: Wired, server: Server, other_org: Org):
    other = await wire(server, other_org)
    body = payload("issues")
    answers = [
        await wired.deliver("issues", body, secret="another secret of somebody"),
        await wired.deliver("issues", body, secret=other.secret),
        await wired.deliver("issues", body, **{"x-hub-signature-256": ""}),
        await wired.deliver("issues", body, **{"x-hub-signature-256": "sha256=" + "é".encode().hex() * 16}),
        await wired.deliver("issues", body, **{"x-hub-signature-256": "sha1=" + "0" * 40}),
        await Wired(server, wired.org, str(uuid4()), wired.secret).deliver("issues", body),
        await wired.deliver("x" * 500, body, secret="another secret of somebody"),
    ]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(401, "github_hook_refused")}
    assert len({one.json()["detail"] for one in answers}) == 1
    tampered = await wired.deliver("issues", body + b" ", **{"x-hub-signature-256": sign(wired.secret, body)})
    assert tampered.status_code == 401
    assert await wired.became() == {}
    assert await other.became() == {}


async def test_a_delivery_says_what_it_is_and_has_a_size(wired: Wired, monkeypatch: pytest.MonkeyPatch):
    body = payload("issues")
    assert (await wired.deliver("Not An Event", body)).json()["code"] == "malformed"
    assert (await wired.deliver("issues", body, **{"x-github-delivery": "x" * 200})).json()["code"] == "malformed"
    monkeypatch.setattr(parts_of(wired.server).door, "most_bytes", 1000)
    assert (await wired.deliver("issues", b" " * 1001)).json()["code"] == "too_large"
    assert await wired.became() == {}


async def test_a_secret_that_is_changed_is_good_at_once_and_the_old_one_no_more(wired: Wired):
    body = payload("issues")
    assert (await wired.deliver("issues", body)).status_code == 202
    patch = {"webhook_secret": "a new one of sixteen or more"}
    (await wired.org.owner.api.patch(f"/github/connections/{wired.id}", json=patch)).raise_for_status()
    assert (await wired.deliver("issues", body)).status_code == 401
    assert (await wired.deliver("issues", body, secret=patch["webhook_secret"])).status_code == 202
    (await wired.org.owner.api.delete(f"/github/connections/{wired.id}")).raise_for_status()
    assert (await wired.deliver("issues", body, secret=patch["webhook_secret"])).status_code == 401


async def test_a_secret_that_changes_while_it_is_read_is_not_remembered(wired: Wired, monkeypatch: pytest.MonkeyPatch):
    door, body = parts_of(wired.server).door, payload("issues")
    opened = door._keeping.open_webhook

    async def change_meanwhile(tx: Tx, connection_id: UUID, sealed: bytes) -> str:
        old = await opened(tx, connection_id, sealed)
        patch = {"webhook_secret": "a new one of sixteen or more"}
        (await wired.org.owner.api.patch(f"/github/connections/{wired.id}", json=patch)).raise_for_status()
        return old

    monkeypatch.setattr(door._keeping, "open_webhook", change_meanwhile)
    await wired.deliver("issues", body)
    monkeypatch.undo()
    assert (await wired.deliver("issues", body)).status_code == 401
    assert (await wired.deliver("issues", body, secret="a new one of sixteen or more")).status_code == 202


async def test_what_cannot_be_read_fails_with_the_reason_and_what_is_unknown_is_ignored(wired: Wired):
    await wired.add()
    sent = {
        "deep": ("issues", b"[" * 100_000),
        "no json": ("issues", b"\xff\xfe"),
        "a list": ("issues", b"[]"),
        "no issue": ("issues", payload("push")),
        "no id": ("issues", payload("issues").replace(b'"id":7', b'"id":"7"')),
        "no time": ("label", payload("issues")),
        "unknown": ("a_new_event", b'{"repository":{"id":7,"full_name":"octo/hall"}}'),
        "elsewhere": ("issues", payload("issues", "octo/unknown").replace(b'"id":7', b'"id":8')),
        "ping": ("ping", b'{"zen":"Keep it logically awesome."}'),
        "good": ("issues", payload("issues").replace(b"Spelling", b"Spel\\u0000ling")),
    }
    for name, (event, body) in sent.items():
        assert (await wired.deliver(event, body, delivery=name.replace(" ", "-"))).status_code == 202
    await wired.do_all()
    became = await wired.became()
    states = {name: became[name.replace(" ", "-")][0] for name in sent}
    failed = dict.fromkeys(("deep", "no json", "a list", "no issue", "no id", "no time"), "failed")
    assert states == failed | dict.fromkeys(("unknown", "elsewhere", "ping"), "ignored") | {"good": "done"}
    assert all(reason for state, reason in became.values() if state != "done")
    listed = (await wired.org.owner.api.get("/github/deliveries", params={"status": "failed", "limit": 4})).json()
    assert len(listed["items"]) == 4
    rest = await wired.org.owner.api.get("/github/deliveries", params={"status": "failed", "after": listed["next"]})
    assert len(rest.json()["items"]) == 2


async def test_a_delivery_is_done_again_when_asked_and_forms_are_read_too(wired: Wired):
    body = urlencode({"payload": payload("issues").decode()}).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await wired.deliver("issues", body, delivery="form", **form)).status_code == 202
    await wired.do_all()
    assert (await wired.became())["form"] == ("ignored", "octo/hall is not mirrored here.")
    repository = await wired.add()
    (one,) = (await wired.org.owner.api.get("/github/deliveries")).json()["items"]
    assert (await wired.org.owner.api.post(f"/github/deliveries/{one['id']}/redeliver")).status_code == 202
    await wired.do_all()
    assert (await wired.became())["form"] == ("done", None)
    items = (await wired.org.owner.api.get(f"/github/repositories/{repository}/items")).json()["items"]
    assert len(items) == 1


async def test_all_that_github_publishes_is_taken_and_none_of_it_fails(wired: Wired):
    await wired.add()

    def moved(one: Example) -> bytes:
        repository = one.payload.get("repository")
        return msgspec.json.encode(
            one.payload | ({"repository": repository | {"full_name": "octo/hall", "id": 7}} if repository else {})
        )

    for number, one in enumerate(examples()):
        if number % 3 == 0 or one.event == "repository":
            assert (await wired.deliver(one.event, moved(one))).status_code == 202
    await wired.do_all()
    failed = (await wired.org.owner.api.get("/github/deliveries", params={"status": "failed"})).json()["items"]
    assert failed == []


async def test_another_organization_may_have_the_same_repository_and_delivery(
    wired: Wired, server: Server, other_org: Org
):
    other = await wire(server, other_org)
    await wired.add()
    theirs = await other.add()
    assert (await wired.deliver("issues", payload("issues"), delivery="one")).json()["is_repeated"] is False
    assert (await other.deliver("issues", payload("issues"), delivery="one")).json()["is_repeated"] is False
    await wired.do_all()
    assert (await other_org.owner.api.get(f"/github/repositories/{theirs}/items")).json()["items"] == []
    assert (await wired.org.owner.api.get(f"/github/repositories/{theirs}/items")).status_code == 404
