"""Sources that are no web pages: folders, APIs, databases, each read within its bounds."""

import json
from pathlib import Path

import httpx
import pytest

from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import CrewhallError
from tests.identity.hall import Org
from tests.knowledge.pages_server import Site
from tests.knowledge.source_ground import Synced, counted
from tests.support.database import SharedCluster
from tests.support.server import Server


@pytest.fixture
async def agent(org: Org) -> str:
    """An agent of the organization."""
    return str((await org.owner.api.post("/agents", json={"name": "Scout"})).raise_for_status().json()["id"])


@pytest.mark.rule("B3")
async def test_a_folder_is_read_within_its_root_alone(server: Server, org: Org, agent: str, tmp_path: Path):
    root, secret = tmp_path / "shared", tmp_path / "secret.md"
    (root / "policies").mkdir(parents=True)
    secret.write_text("# Secret")
    (root / "policies" / "leave.md").write_text("# Leave\n\nThirty days.")
    (root / "policies" / "pay.txt").write_text("On the last day.")
    (root / "policies" / "skip.bin").write_bytes(b"\0")
    (root / "link.md").symlink_to(secret)
    (root / "out").symlink_to(tmp_path)
    source = Synced(server, org, agent, source_folders=f"shared={root}\nother-org/theirs={tmp_path}")
    found = await source.add("folder", "shared", patterns=["*.md", "*.txt"])
    assert counted(found) == (2, 0, 0, 0, 0)
    (root / "policies" / "pay.txt").write_text("On the first day.")
    (root / "policies" / "leave.md").unlink()
    assert counted(await source.again()) == (0, 1, 0, 1, 0)
    assert set(await source.items()) == {"policies/pay.txt"}
    for path in ("shared/../..", "/etc", "theirs", "other-org/theirs", "nothing"):
        with pytest.raises(CrewhallError):
            await Synced(server, org, agent, source_folders=f"shared={root}\nother-org/theirs={tmp_path}").add(
                "folder", path
            )
    found = await source.add("folder", "shared/out")
    assert (found["state"], found["item_count"]) == ("failed", 0)


@pytest.mark.rule("B3")
async def test_an_api_is_read_page_by_page_with_headers_that_stay_with_their_host(server: Server, org: Org, agent: str):
    things = [{"id": n, "title": f"Thing {n}", "body": {"text": f"Body {n}"}} for n in range(3)]
    site = Site(
        {
            "/things": json.dumps({"data": {"items": things[:2]}, "next": "c1"}),
            "/things?after=c1": json.dumps({"data": {"items": things[2:]}, "next": None}),
        },
        {"/things": "application/json", "/things?after=c1": "application/json"},
    )
    secret = "crm=site.test Authorization: Bearer hush"
    source = Synced(server, org, agent, site, source_headers=secret)
    config = {"items": "data.items", "title": "title", "text": ["body.text"], "next": "next", "cursor": "after"}
    found = await source.add("api", "https://site.test/things", headers="crm", **config)
    assert (counted(found), found["failure"]) == ((3, 0, 0, 0, 0), None)
    assert {one.headers["authorization"] for one in site.seen} == {"Bearer hush"}
    assert "hush" not in json.dumps(found)
    assert counted(await source.again()) == (0, 0, 3, 0, 0)
    elsewhere = await Synced(server, org, agent, site, source_headers=secret).add(
        "api", "https://else.test/things", headers="crm", **config
    )
    assert (elsewhere["state"], "alone" in elsewhere["failure"]) == ("failed", True)
    site.answers["/things"] = httpx.Response(302, headers={"location": "https://else.test/things"})
    assert (await source.again())["state"] == "failed"
    assert "else.test" not in {one.headers["host"] for one in site.seen}


@pytest.mark.rule("B3")
async def test_a_database_is_only_read(server: Server, org: Org, agent: str, cluster: SharedCluster, worker_id: str):
    source = Synced(server, org, agent, source_databases=f"crm={cluster.superuser(f'server_{worker_id}')}")
    query = "select n as id, 'Thing ' || n as title, 'Body' as body from generate_series(1, 3) n"
    assert counted(await source.add("database", "crm/things", query=query, key="id", title="title")) == (3, 0, 0, 0, 0)
    assert counted(await source.again()) == (0, 0, 3, 0, 0)
    whole = await source.add("database", "crm/all", query=query, whole=True)
    assert (whole["item_count"], whole["failure"]) == (1, None)
    for place, writes in enumerate(
        (
            "create table taken (id integer)",
            "select 1 as id; commit; create table taken (id integer)",
            "with gone as (delete from organizations returning id) select * from gone",
            "with touched as (update organizations set name = name returning id) select id from touched",
        )
    ):
        refused = await source.add("database", f"crm/writes-{place}", query=writes, key="id")
        assert (refused["state"], "refused" in refused["failure"]) == ("failed", True), refused
    async with server.db.transaction(system_actor(org.id)) as tx:
        assert await tx.value("select to_regclass('taken')") is None
