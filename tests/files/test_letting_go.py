"""Files that nobody has any more go, bytes and all; what hangs on a message stays."""

import psycopg
import pytest
from psycopg import sql

from tests.files.making import post, sent
from tests.files.standing import content, kept, sweep
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server


@pytest.mark.rule("B8")
async def test_a_deleted_message_lets_go_of_its_files_and_the_bytes_go(server: Server, org: Org):
    """The same bytes are kept once, for as long as a file is them."""
    general = await server.general(org)
    first, second = [await sent(org.owner, general, b"the same", name) for name in ("a.txt", "b.txt")]
    one, two = await post(org.owner, general, first), await post(org.owner, general, second)
    await sweep(server)
    assert kept(server, org) == 1
    (await org.owner.api.delete(f"/conversations/{general}/messages/{one['id']}")).raise_for_status()
    assert (await content(org.owner, first)).status_code == 404
    await sweep(server)
    assert (await content(org.owner, second)).content == b"the same"
    assert [file["id"] for file in (await org.owner.api.get(f"/conversations/{general}/files")).json()["items"]] == [
        second["id"]
    ]
    (await org.owner.api.delete(f"/conversations/{general}/messages/{two['id']}")).raise_for_status()
    await sweep(server)
    assert kept(server, org) == 0


@pytest.mark.rule("B8")
async def test_what_nobody_posted_goes_after_a_day_and_what_was_stays(
    server: Server, org: Org, cluster: SharedCluster, worker_id: str
):
    """An upload that broke off, too, with what came of it."""
    general, api = await server.general(org), org.owner.api
    posted, orphan = [await sent(org.owner, general, data) for data in (b"posted", b"orphan")]
    begun = (await api.post(f"/conversations/{general}/uploads", json={"name": "a.bin", "size": 10})).json()
    headers = {"content-type": "application/offset+octet-stream", "upload-offset": "0"}
    (await api.patch(f"/uploads/{begun['id']}", content=b"half", headers=headers)).raise_for_status()
    await post(org.owner, general, posted)
    await sweep(server)
    assert (await content(org.owner, orphan)).status_code == 200
    assert kept(server, org) == 3
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        connection.execute("set session_replication_role = replica")  # the day passes, and no trigger sees it
        for table, column in (("files", "held_at"), ("uploads", "updated_at")):
            statement = sql.SQL("update {} set {} = now() - interval '25 hours' where org_id = %s")
            connection.execute(statement.format(sql.Identifier(table), sql.Identifier(column)), (org.id,))
    await sweep(server)
    assert (await content(org.owner, orphan)).status_code == 404
    assert (await api.get(f"/uploads/{begun['id']}")).status_code == 404
    assert (await content(org.owner, posted)).status_code == 200
    assert kept(server, org) == 1


@pytest.mark.rule("B8")
async def test_files_of_a_deleted_conversation_go(server: Server, org: Org):
    channel = await server.channel(org.owner, name="short-lived")
    file = await sent(org.owner, channel, b"soon gone")
    await post(org.owner, channel, file)
    await org.owner.api.request("DELETE", f"/conversations/{channel}", json={"confirm": "short-lived"})
    assert (await content(org.owner, file)).status_code == 404
    await sweep(server)
    assert kept(server, org) == 0
