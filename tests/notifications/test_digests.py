"""Digests: when they are due, what they hold, that they come once, and that one click ends them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from crewhall.kernel.actor import Role
from crewhall.kernel.errors import UNAVAILABLE
from crewhall.notifications.digest_mail import MOST_SHOWN
from crewhall.notifications.digests import DigestClock, Due
from crewhall.notifications.lifecycle import NotificationParts
from tests.conversations.ways import group, post
from tests.notifications.ways import handle_of, settled
from tests.support.waiting import until


async def reader(server, org, **settings):
    """A member who has chosen digests and was last seen long ago."""
    ada = await org.add()
    (await ada.api.patch("/notifications/settings", json={"digest": "away", **settings})).raise_for_status()
    async with server.db.transaction(ada.actor) as tx:
        await tx.run("update logins set last_seen_at = now() - interval '2 days'")
    return ada


async def fall_due(server, org, member) -> Due:
    """Let the member's digest be due now, without the clock's having heard of it."""
    await settled(server)
    async with server.db.transaction(member.actor) as tx:
        await tx.run(
            "update notification_settings set due_at = now() - interval '1 second' where user_id = %(id)s",
            {"id": member.id},
        )
    return Due(org.id, member.id, Role.MEMBER, member.email, "Ada", "Europe/Berlin", 0)


def clock(server) -> DigestClock:
    parts: NotificationParts = server.services.part(NotificationParts)
    return parts.digests


def mails_to(server, member):
    return [sent.mail for sent in server.services.mailer.sent if sent.mail.to == member.email]


async def settings_of(server, org, member):
    async with server.db.transaction(member.actor) as tx:
        return await tx.value("select due_at from notification_settings where user_id = %(id)s", {"id": member.id})


async def test_a_digest_tells_once_what_is_unread_and_may_be_read(server, org):
    ada = await reader(server, org)
    name = await handle_of(ada)
    circle = await group(org.owner, ada)
    await post(org.owner, circle, f"<b>secret</b> for @{name}")
    await post(org.owner, await server.general(org), f"**bold** words for @{name}")
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{ada.id}")).raise_for_status()
    due = await fall_due(server, org, ada)
    assert await clock(server).send(due)
    (mail,) = mails_to(server, ada)
    assert mail.subject == "Ada Lovelace mentioned you in #general (Acme)"
    assert "bold words for" in mail.body
    assert mail.html is not None
    assert "bold words for" in mail.html
    assert "secret" not in mail.body + mail.html + mail.subject
    assert mail.org_id is None, "an owner is not shown what somebody else was told"
    await fall_due(server, org, ada)
    assert not await clock(server).send(due), "nothing new is unread"
    assert await settings_of(server, org, ada) is None
    assert len(mails_to(server, ada)) == 1
    await post(org.owner, await server.general(org), f"again @{name}")
    assert await clock(server).send(await fall_due(server, org, ada))
    assert len(mails_to(server, ada)) == 2


async def test_what_was_read_is_not_mailed(server, org):
    ada = await reader(server, org)
    await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")
    await settled(server)
    (await ada.api.post("/notifications/read", json={})).raise_for_status()
    assert not await clock(server).send(await fall_due(server, org, ada))
    assert mails_to(server, ada) == []


async def test_a_digest_whose_process_died_while_sending_is_never_sent_again(server, org):
    ada = await reader(server, org)
    await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")
    due = await fall_due(server, org, ada)
    assert await clock(server).claim(due) is not None  # and here it dies
    assert await clock(server).claim(due) is None
    assert not await clock(server).send(await fall_due(server, org, ada))
    assert mails_to(server, ada) == []


async def test_a_digest_that_the_mail_server_refuses_is_sent_later(server, org, monkeypatch):
    ada = await reader(server, org)
    await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")

    async def refuse(_mail):
        raise UNAVAILABLE("The mail server did not take the mail.")

    with monkeypatch.context() as patched:
        patched.setattr(server.services.mailer, "send", refuse)
        assert not await clock(server).send(await fall_due(server, org, ada))
    later = await settings_of(server, org, ada) - datetime.now(UTC)
    assert timedelta(minutes=4) < later <= timedelta(minutes=5)
    assert await clock(server).send(await fall_due(server, org, ada))
    assert len(mails_to(server, ada)) == 1


async def test_quiet_hours_and_presence_put_a_digest_off(server, org):
    ada = await reader(server, org, quiet_from="00:00", quiet_until="23:59")
    await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")
    if datetime.now(UTC).strftime("%H:%M") != "23:59":
        assert not await clock(server).send(await fall_due(server, org, ada))
        assert (await settings_of(server, org, ada)).strftime("%H:%M") == "23:59"
    await ada.api.patch("/notifications/settings", json={"quiet_from": None, "quiet_until": None})
    async with server.db.transaction(ada.actor) as tx:
        await tx.run("update logins set last_seen_at = now() where user_id = %(id)s", {"id": ada.id})
    assert not await clock(server).send(await fall_due(server, org, ada))
    assert await settings_of(server, org, ada) - datetime.now(UTC) > timedelta(minutes=55)
    assert mails_to(server, ada) == []


async def test_one_click_ends_digests_without_signing_in(server, org):
    ada = await reader(server, org)
    await post(org.owner, await server.general(org), f"@{await handle_of(ada)}")
    assert await clock(server).send(await fall_due(server, org, ada))
    (mail,) = mails_to(server, ada)
    link = re.fullmatch(r"<(.+)>", mail.headers["List-Unsubscribe"])
    assert link is not None
    assert link[1] in mail.body
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    guest = server.client()
    asked = await guest.get(link[1])
    assert (asked.status_code, "Send me no more" in asked.text) == (200, True)
    assert (await ada.api.get("/notifications/settings")).json()["digest"] == "away", "looking changes nothing"
    assert (await guest.post(link[1][:-6] + "AAAAAA", data={"List-Unsubscribe": "One-Click"})).status_code == 404
    done = await guest.post(link[1], data={"List-Unsubscribe": "One-Click"})
    assert (done.status_code, "No more mail" in done.text) == (200, True)
    settings = (await ada.api.get("/notifications/settings")).json()
    assert settings["digest"] == "off"
    assert await settings_of(server, org, ada) is None


async def test_the_clock_sends_a_daily_digest_by_itself(server, org):
    ada = await org.add()
    now = datetime.now(UTC)
    daily = (now + timedelta(hours=2)).strftime("%H:%M")
    set_to = await ada.api.patch("/notifications/settings", json={"digest": "daily", "daily_at": daily})
    assert set_to.json()["daily_at"] == daily
    assert timedelta(hours=1) < await settings_of(server, org, ada) - now <= timedelta(hours=2)
    general, name = await server.general(org), await handle_of(ada)
    for number in range(MOST_SHOWN + 2):
        await post(org.owner, general, f"{number} @{name}")
    await fall_due(server, org, ada)
    await clock(server).send_due()

    async def is_there():
        return mails_to(server, ada)

    (mail,) = await until(is_there)
    assert "There is more" in mail.body
    assert await settings_of(server, org, ada) > now


async def test_settings_are_a_persons_own(server, org):
    agent = await server.hire(org)
    for method, body in (("GET", None), ("PATCH", {"digest": "daily"})):
        refused = await agent.api.request(method, "/notifications/settings", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    one_end = await org.owner.api.patch("/notifications/settings", json={"quiet_from": "22:00"})
    assert (one_end.status_code, one_end.json()["field"]) == (422, "quiet_until")
    assert (await org.owner.api.patch("/notifications/settings", json={"daily_at": "25:00"})).status_code == 422


@pytest.mark.rule("B1")
async def test_choices_of_one_organization_are_not_those_of_another(server, org, other_org):
    (await org.owner.api.patch("/notifications/settings", json={"digest": "daily"})).raise_for_status()
    both = await other_org.add("member", org.owner)
    assert (await both.api.get("/notifications/settings")).json()["digest"] == "off"
