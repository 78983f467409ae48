"""Devices: what a push service is sent, what the browser reads of it, and who is told when."""

import os
from datetime import UTC, datetime
from uuid import UUID

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.outbound import Outbound
from crewhall.notifications import Told
from crewhall.notifications.pushing import Pusher
from crewhall.notifications.web_push import (
    MOST_PAYLOAD,
    decoded,
    derive,
    encoded,
    public_bytes,
    seal,
    signing_key,
)
from tests.conversations.ways import group, post
from tests.notifications.ways import handle_of, settled
from tests.support.waiting import until

SERVICE = "push.example.net"


class Browser:
    """A browser's end of web push: its subscription, and what it can read of what was sent."""

    def __init__(self, private: bytes | None = None, secret: bytes | None = None) -> None:
        number = int.from_bytes(private or os.urandom(31))
        self.key = ec.derive_private_key(number, ec.SECP256R1())
        self.secret = secret or os.urandom(16)
        self.endpoint = f"https://{SERVICE}/{encoded(os.urandom(9))}"

    def subscription(self):
        """As `PushSubscription.toJSON()` gives it, less what the API does not take."""
        return {
            "endpoint": self.endpoint,
            "keys": {"p256dh": encoded(public_bytes(self.key)), "auth": encoded(self.secret)},
        }

    def open(self, sealed: bytes) -> bytes:
        """Decrypt one record, as RFC 8188 and RFC 8291 have it."""
        salt, length = sealed[:16], sealed[20]
        sender = sealed[21 : 21 + length]
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        key, nonce = derive(self.key.exchange(ec.ECDH(), peer), self.secret, salt, public_bytes(self.key), sender)
        plain = AESGCM(key).decrypt(nonce, sealed[21 + length :], None)
        assert plain.endswith(b"\x02")
        return plain[:-1]


class Service(httpx.AsyncBaseTransport):
    """A push service. It answers by `statuses` in turn, then that it took the message."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.statuses.pop(0) if self.statuses else 201)


class Names:
    """Names of the push service, and of one within."""

    async def resolve(self, host: str, port: int) -> list[str]:
        return ["10.0.0.7"] if host.startswith("inside") else ["93.184.216.34"]


@pytest.fixture
def service(server, monkeypatch):
    made = Service()
    pusher = server.services.part(Pusher)
    monkeypatch.setattr(pusher, "outbound", Outbound(resolver=Names(), transport=made))
    return made


async def pushed(service, count=1):
    async def is_there():
        return len(service.requests) >= count

    await until(is_there)
    return service.requests[-1]


async def add(member, browser):
    return (await member.api.post("/notifications/devices", json=browser.subscription())).raise_for_status().json()


def test_a_message_is_sealed_as_the_standard_has_it():
    """Appendix A of RFC 8291, byte for byte."""
    browser = Browser(decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), decoded("BTBZMqHH6r4Tts7J_aSIgg"))
    sender = ec.derive_private_key(
        int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    plain = b"When I grow up, I want to be a watermelon"
    sealed = seal(
        plain, public_bytes(browser.key), browser.secret, sender=sender, salt=decoded("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert encoded(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6P"
        "Bru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.open(sealed) == plain


@given(st.binary(max_size=MOST_PAYLOAD))
def test_what_is_sealed_only_its_browser_opens(payload):
    browser = Browser(b"\x01" * 31, b"\x02" * 16)
    sealed = seal(payload, public_bytes(browser.key), browser.secret)
    assert len(sealed) <= 4096
    assert browser.open(sealed) == payload


def test_the_signing_key_is_the_installations_own():
    one, again, other = (public_bytes(signing_key(root)) for root in (b"a", b"a", b"b"))
    assert one == again != other


async def test_a_device_is_told_at_once_and_only_what_stands_in_the_notification(server, org, service):
    ada, browser = await org.add(), Browser()
    shown = await add(ada, browser)
    assert (shown["host"], shown["is_current"]) == (SERVICE, True)
    message = await post(org.owner, await server.general(org), f"ship **it** @{await handle_of(ada)}")
    request = await pushed(service)
    told = msgspec.json.decode(browser.open(request.content))
    assert (told["title"], told["body"][:7]) == ("Ada Lovelace mentioned you in #general", "ship it")
    assert set(told) == {"title", "body", "path", "tag"}
    assert told["path"].startswith(f"/in/{org.id}/inbox/")
    opened = (await ada.api.get(f"/notifications/{told['path'].rpartition('/')[2]}")).json()
    assert opened["message"]["id"] == message["id"]
    assert str(message["id"]).encode() not in request.content
    scheme, _, said = request.headers["authorization"].partition(" t=")
    token, _, key = said.partition(", k=")
    assert (scheme, key) == ("vapid", (await ada.api.get("/notifications/push-key")).json()["key"])
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    claims = jwt.decode(token, public, algorithms=["ES256"], audience=f"https://{SERVICE}")
    assert datetime.fromtimestamp(claims["exp"], UTC) > datetime.now(UTC)
    assert request.headers["content-encoding"] == "aes128gcm"

    async def is_noted():
        return (await ada.api.get("/notifications/devices")).json()["items"][0]["told_at"]

    await until(is_noted)


async def test_nothing_is_sent_in_quiet_hours_nor_of_what_may_no_longer_be_read(server, org, service):
    ada, browser = await org.add(), Browser()
    await add(ada, browser)
    name, general = await handle_of(ada), await server.general(org)
    await ada.api.patch("/notifications/settings", json={"quiet_from": "00:00", "quiet_until": "23:59"})
    await post(org.owner, general, f"in the night @{name}")
    await settled(server)
    pusher = server.services.part(Pusher)
    (one,) = (await ada.api.get("/notifications")).json()["items"]
    told = Told(org.id, ada.id, UUID(one["id"]), on_device=True)
    if datetime.now(UTC).strftime("%H:%M") != "23:59":
        assert await pusher.push(told) == 0
    await ada.api.patch("/notifications/settings", json={"quiet_from": None, "quiet_until": None})
    assert await pusher.push(told) == 1
    (await ada.api.put(f"/notifications/{one['id']}/read")).raise_for_status()
    assert await pusher.push(told) == 0
    circle = await group(org.owner, ada)
    await pushed(service, 2)  # of the invitation
    (invited,) = (await ada.api.get("/notifications", params={"unread": True})).json()["items"]
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{ada.id}")).raise_for_status()
    assert await pusher.push(Told(org.id, ada.id, UUID(invited["id"]), on_device=True)) == 0


async def test_a_device_goes_with_its_subscription_its_login_and_its_person(server, org, service):
    ada = await org.add()
    gone, kept = Browser(), Browser()
    await add(ada, gone)
    await add(ada, kept)
    service.statuses = [410, 503]
    name, general = await handle_of(ada), await server.general(org)
    await post(org.owner, general, f"one @{name}")
    await pushed(service, 2)

    async def is_one():
        return len((await ada.api.get("/notifications/devices")).json()["items"]) == 1

    await until(is_one)
    bob = await org.add()
    await add(bob, kept)  # who signs in at that browser next
    assert (await ada.api.get("/notifications/devices")).json()["items"] == []
    (device,) = (await bob.api.get("/notifications/devices")).json()["items"]
    assert (await ada.api.delete(f"/notifications/devices/{device['id']}")).status_code == 404
    (await bob.api.post("/auth/logout")).raise_for_status()
    async with server.db.transaction(bob.actor) as tx:
        found = await tx.values("select d.id from own_devices() d")
    assert found == []


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("http://push.example.net/x", "invalid"),
        ("https://127.0.0.1/x", "outbound_refused"),
        ("https://[::1]/x", "outbound_refused"),
        ("https://push.example.net:8443/x", "outbound_refused"),
        ("https://me:secret@push.example.net/x", "outbound_refused"),
    ],
)
async def test_addresses_within_are_refused(server, org, service, endpoint, code):
    body = Browser().subscription() | {"endpoint": endpoint}
    refused = await org.owner.api.post("/notifications/devices", json=body)
    assert refused.json()["code"] == code
    assert (await org.owner.api.get("/notifications/devices")).json()["items"] == []


async def test_a_name_that_leads_within_is_not_asked(server, org, service):
    ada, browser = await org.add(), Browser()
    browser.endpoint = "https://inside.example.net/x"
    await add(ada, browser)
    await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")
    await settled(server)
    (one,) = (await ada.api.get("/notifications")).json()["items"]
    told = Told(org.id, ada.id, UUID(one["id"]), on_device=True)
    assert await server.services.part(Pusher).push(told) == 0
    assert service.requests == []


async def test_keys_that_are_none_and_agents_are_refused(server, org, service):
    body = Browser().subscription()
    for keys in ({"p256dh": encoded(b"\x04" + b"\x01" * 64)}, {"auth": encoded(b"short")}, {"p256dh": "%%%"}):
        refused = await org.owner.api.post("/notifications/devices", json=body | {"keys": body["keys"] | keys})
        assert (refused.status_code, refused.json()["field"]) == (422, "keys")
    agent = await server.hire(org)
    assert (await agent.api.post("/notifications/devices", json=body)).status_code == 403
    assert (await agent.api.get("/notifications/devices")).status_code == 403


async def test_what_somebody_was_told_and_chose_goes_when_they_leave(server, org, service):
    ada, browser = await org.add(), Browser()
    await add(ada, browser)
    (await ada.api.patch("/notifications/settings", json={"digest": "daily"})).raise_for_status()
    await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")
    await pushed(service)
    (await org.owner.api.delete(f"/people/{ada.id}")).raise_for_status()
    async with server.db.transaction(ada.actor) as tx:
        left = await tx.value(
            """
            select (select count(*) from notifications where recipient_id = %(id)s)
                 + (select count(*) from notification_devices where user_id = %(id)s)
                 + (select count(*) from notification_settings where user_id = %(id)s)
            """,
            {"id": ada.id},
        )
    assert left == 0
