"""What became of a message: sent, once it is on disk; delivered or failed where a record of it says so."""

import psycopg
import pytest

from crewhall.kernel.ids import new_id

RECORD = """
insert into message_records (conversation_id, seq, org_id, id, type, author_type, author_id, author_name, role, kind,
                             status, content, position)
values (%(channel)s, %(seq)s, %(org)s, %(id)s, 'message', 'user', %(author)s, 'Ada', 'user', 'message', %(status)s,
        'x', 0)
"""


async def record(server, org, channel, seq, status):
    """Write a message with a status past the log, as the application's role."""
    written = {"channel": channel, "seq": seq, "org": org.id, "id": new_id(), "author": org.owner.id, "status": status}
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(RECORD, written)
    return written["id"]


@pytest.mark.rule("B7")
async def test_what_is_acknowledged_is_sent_and_nobody_says_otherwise(server, org):
    agent, channel = await server.hire(org), await server.general(org)
    path = f"/conversations/{channel}/messages"
    for someone in (org.owner, agent):
        posted = (await someone.api.post(path, json={"content": "x"})).raise_for_status().json()
        assert posted["status"] == "sent"
        for status in ("sent", "delivered", "failed"):
            refused = await someone.api.post(path, json={"content": "x", "status": status})
            assert refused.status_code == 422, refused.text
            refused = await someone.api.patch(f"{path}/{posted['id']}", json={"content": "y", "status": status})
            assert refused.status_code == 422, refused.text
        assert (await someone.api.get(f"{path}/{posted['id']}")).json()["status"] == "sent"


@pytest.mark.rule("B7")
@pytest.mark.parametrize("status", ["sent", "delivered", "failed"])
async def test_each_status_is_shown_as_it_was_recorded(server, org, status):
    channel = await server.channel(org.owner)
    written = await record(server, org, channel, 1, status)
    path = f"/conversations/{channel}/messages"
    assert (await org.owner.api.get(f"{path}/{written}")).json()["status"] == status
    (shown,) = (await org.owner.api.get(path)).json()["items"]
    assert shown["status"] == status


@pytest.mark.rule("B7")
async def test_no_other_status_is_recorded(server, org):
    channel = await server.channel(org.owner)
    for status in ("lost", "read", "SENT", ""):
        with pytest.raises(psycopg.errors.CheckViolation, match="message_records_status"):
            await record(server, org, channel, 1, status)
