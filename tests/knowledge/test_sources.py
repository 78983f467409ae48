"""Sources of agents: gone through again and again, read by whoever may see the agent, gone with what they held."""

import re
from uuid import UUID

import httpx
import pytest

from crewhall.faces.sdk import Client
from crewhall.kernel.actor import system_actor
from crewhall.knowledge.sources.run import claim
from tests.documents.ground import ended, read_now
from tests.identity.hall import Org
from tests.knowledge.library import search
from tests.knowledge.pages_server import Site
from tests.knowledge.source_ground import Synced, counted
from tests.mcp.visiting import done as by_mcp
from tests.mcp.visiting import visit
from tests.support.server import Server, token_of

PUMPS = (
    "<html><head><title>Pumps</title></head><body><h1>Pumps</h1><p>The red lever stops the pump.</p>{}</body></html>"
)


@pytest.mark.rule("B3")
async def test_a_file_is_read_by_whoever_sees_the_agent_and_goes_with_its_source(
    server: Server, org: Org, other_org: Org
):
    agent = (await org.owner.api.post("/agents", json={"name": "Scout", "visibility": "private"})).json()
    friend, base = await org.add(), f"/agents/{agent['id']}/knowledge"
    path = f"{base}/files?name=manual.md"
    for nobody in (friend, other_org.owner):
        assert (await nobody.api.post(path, content=b"# Pumps")).status_code == 404
    added = await org.owner.api.post(path, content=b"# Pumps\n\nThe red lever stops the pump.")
    assert added.status_code == 201, added.text
    source = added.json()
    assert (source["type"], source["state"], source["item_count"]) == ("file", "synced", 1)
    item = (await org.owner.api.get(f"{base}/{source['id']}/items")).json()["items"][0]
    await read_now(server, org, item["document_id"])
    document = await ended(org, item["document_id"])
    assert document["status"] == "ready"
    assert (await friend.api.get(f"/documents/{item['document_id']}")).status_code == 404
    assert (await other_org.owner.api.get(f"/documents/{item['document_id']}")).status_code == 404
    await org.owner.api.patch(f"/agents/{agent['id']}", json={"visibility": "public"})
    assert (await friend.api.get(f"/documents/{item['document_id']}")).status_code == 200
    assert (await friend.api.get(base)).status_code == 403
    off = await org.owner.api.patch(f"{base}/{source['id']}", json={"enabled": False})
    assert off.json()["state"] == "off"
    assert (await friend.api.get(f"/documents/{item['document_id']}")).status_code == 404
    (await org.owner.api.delete(f"{base}/{source['id']}")).raise_for_status()
    async with server.db.transaction(system_actor(org.id)) as tx:
        left = await tx.one(
            dict,
            "select (select count(*) from documents) as documents, (select count(*) from blobs) as blobs",
        )
    assert left == {"documents": 0, "blobs": 0}


@pytest.fixture
async def agent(org: Org) -> str:
    """An agent of the organization."""
    return str((await org.owner.api.post("/agents", json={"name": "Scout"})).raise_for_status().json()["id"])


@pytest.mark.rule("B3")
async def test_pages_are_followed_within_their_host_and_only_what_changed_is_taken_again(
    server: Server, org: Org, agent: str
):
    def link(path: str, more: str = "") -> str:
        return f'<a href="{path}" {more}>{path}</a>'

    leads = "".join([
        link("a"), link("/docs/b#x"), link("/blog"), link("https://other.test/docs/"), link("c", 'rel="nofollow"'),
        link("/docs/secret/d"), link("/docs/twin"), link("https://home.test/"), link("broken"),
    ])  # fmt: skip
    twin = PUMPS.format("again").replace("<head>", '<head><link rel="canonical" href="/docs/a">')
    site = Site({
        "/robots.txt": "User-agent: *\nDisallow: /docs/secret",
        "/docs/": PUMPS.format(leads), "/docs/a": PUMPS.format("a"),
        "/docs/b": PUMPS.format(link("deep")), "/docs/deep": PUMPS.format("deep"), "/docs/c": "c", "/blog": "blog",
        "/docs/secret/d": "d", "/docs/twin": twin,
    })  # fmt: skip
    site.answers["/docs/broken"] = httpx.Response(500)
    source = Synced(server, org, agent, site)
    found = await source.add("url", "https://site.test/docs/", depth=1, delay_s=0)
    assert (found["state"], found["failure"], counted(found)) == ("synced", None, (3, 0, 0, 0, 1))
    items = await source.items()
    assert {one.removeprefix("https://site.test/docs/") for one in items} == {"", "a", "b", "broken"}
    assert items["https://site.test/docs/broken"]["failure"] == "site.test answered 500."
    assert not {"/blog", "/docs/c", "/docs/secret/d", "/docs/deep"} & set(site.asked)
    before = items["https://site.test/docs/b"]["document_id"]
    site.asked.clear()
    del site.answers["/docs/broken"]
    site.pages |= {"/docs/b": PUMPS.format("other")}
    found = await source.again()
    assert counted(found) == (0, 1, 2, 1, 0), "one changed, two did not, and what failed is not there"
    items = await source.items()
    assert len(items) == 3
    assert items["https://site.test/docs/b"]["document_id"] != before
    assert (await org.owner.api.get(f"/documents/{before}")).status_code == 404, "nothing is this any more"
    log = (await org.owner.api.get(f"{source.base}/{source.id}/syncs")).json()["items"]
    assert [(one["outcome"], one["fresh"], one["changed"]) for one in log] == [("done", 0, 1), ("done", 3, 0)]


@pytest.mark.rule("B10")
async def test_what_was_read_of_the_web_leads_to_where_it_was_read_and_nothing_else_leads_outside(
    server: Server, org: Org, other_org: Org, agent: str
):
    site = Site({"/docs/?page=1": PUMPS.format("")})
    source = Synced(server, org, agent, site)
    await source.add("url", "https://site.test/docs/?page=1", delay_s=0)
    (item,) = (await source.items()).values()
    document = item["document_id"]
    await read_now(server, org, document)
    original = "https://site.test/docs/?page=1"
    shown = (await org.owner.api.get(f"/documents/{document}")).json()
    assert [one["original_url"] for one in shown["origins"]] == [original]
    (found,) = await search(org.owner, "red lever", kinds="source")
    assert found["original_url"] == original
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        assert (await client.documents.get(document)).origins[0].original_url == original
        assert (await client.knowledge.search("red lever", kinds=["source"])).found[0].original_url == original
    async with visit(server.address, token_of(org.owner.api)) as mcp:
        (passage,) = (await by_mcp(mcp, "search_knowledge", query="red lever", kinds=["source"]))["passages"]
    assert passage["original_url"] == original
    home = server.services.base_url
    assert passage["link"] == f"{home}/in/{org.id}{found['url']}", "who is outside gets a whole address"
    browser, _ = await server.browse(org.owner)
    there = {"href": original, "rel": "noopener noreferrer nofollow external", "target": "_blank"}
    led = await browser.get(f"{server.address}{passage['link'].removeprefix(home)}")
    assert led.headers["location"] == found["url"].partition("#")[0]
    for path in (led.headers["location"], "/search/best?q=red+lever&kinds=source"):
        page = (await browser.get(f"{server.address}{path}")).text
        (link,) = re.findall(r'<a class="original"[^>]*>site\.test<', page)
        assert all(f'{name}="{value}"' in link for name, value in there.items()), link
    assert (await other_org.owner.api.get(f"/documents/{document}")).status_code == 404
    # an API may call its things as it likes: that is no page of the web, and neither is what names a person
    for kind, key in (("api", "https://site.test/x"), ("url", "javascript:alert(1)"), ("url", "https://a@site.test/")):
        async with server.db.transaction(system_actor(org.id)) as tx:
            await tx.run("update agent_knowledge_sources set type = %(kind)s", {"kind": kind})
            await tx.run("update source_items set key = %(key)s", {"key": key})
        shown = (await org.owner.api.get(f"/documents/{document}")).json()
        assert [one["original_url"] for one in shown["origins"]] == [None], (kind, key)
        assert (await search(org.owner, "red lever", kinds="source"))[0]["original_url"] is None


class Moved(Site):
    """A site that has moved: http://site.test leads to https://www.site.test, each with a robots.txt of its own."""

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        if request.headers["host"] == "www.site.test":
            return super()._answer(request)
        where = f"https://www.site.test{path}"
        return httpx.Response(404) if path == "/robots.txt" else httpx.Response(301, headers={"location": where})


@pytest.mark.rule("B3")
async def test_a_crawl_goes_on_where_its_first_address_leads_if_that_may_be_read(server: Server, org: Org, agent: str):
    pages = {"/docs/": PUMPS.format('<a href="a">a</a><a href="/blog">b</a>'), "/docs/a": PUMPS.format("a")}
    source = Synced(server, org, agent, Moved(pages | {"/blog": PUMPS.format("blog")}))
    for counts in ((2, 0, 0, 0, 0), (0, 0, 2, 0, 0)):
        found = await (source.again() if source.id else source.add("url", "http://site.test/docs/", depth=1, delay_s=0))
        assert (found["state"], counted(found)) == ("synced", counts)
        assert set(await source.items()) == {"http://site.test/docs/", "https://www.site.test/docs/a"}
    closed = Moved(pages | {"/robots.txt": "User-agent: *\nDisallow: /docs/"})
    found = await Synced(server, org, agent, closed).add("url", "http://site.test/docs/index", delay_s=0)
    assert (found["state"], found["item_count"]) == ("failed", 0)
    assert "It leads to www.site.test" in found["failure"]


async def test_a_sitemap_names_the_pages(server: Server, org: Org, agent: str):
    index = "<sitemapindex><sitemap><loc>https://site.test/more.xml</loc></sitemap></sitemapindex>"
    more = "<urlset><url><loc>https://site.test/a?x=1&amp;y=2</loc></url><url><loc>https://site.test/b</loc></url></urlset>"
    kinds = {"/sitemap.xml": "application/xml", "/more.xml": "text/xml"}
    pages = {"/sitemap.xml": index, "/more.xml": more, "/a?x=1&y=2": PUMPS.format("a"), "/b": PUMPS.format("b")}
    source = Synced(server, org, agent, Site(pages, kinds))
    assert counted(await source.add("url", "https://site.test/sitemap.xml", depth=1, delay_s=0)) == (2, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("path", "answer", "state", "failure"),
    [
        ("https://site.test/", httpx.Response(302, headers={"location": "https://home.test/"}), "waiting", None),
        ("https://site.test/", httpx.Response(404), "failed", "site.test answered 404."),
        (
            "https://site.test/",
            httpx.Response(429, headers={"retry-after": "1800"}),
            "waiting",
            "site.test asks to be left alone for a while.",
        ),
        ("https://home.test/", None, "failed", "home.test is within a private network: it is not reached from here."),
    ],
)
async def test_what_cannot_be_read_is_said_and_keeps_what_was_there(
    server: Server, org: Org, agent: str, path: str, answer: httpx.Response | None, state: str, failure: str | None
):
    site = Site({"/": PUMPS.format("")})
    source = Synced(server, org, agent, site)
    if answer is not None:
        assert counted(await source.add("url", path, delay_s=0)) == (1, 0, 0, 0, 0)
        site.answers["/"] = answer
        found = await source.again()
        assert found["item_count"] == 1
    else:
        found = await source.add("url", path, delay_s=0)
    if answer is not None and answer.status_code == 302:
        assert found["state"] == "failed"
        assert "private network" in found["failure"]
    else:
        assert (found["state"], found["failure"]) == (state, failure)


async def test_robots_txt_may_refuse_everything(server: Server, org: Org, agent: str):
    site = Site({"/robots.txt": "User-agent: *\nDisallow: /", "/": PUMPS.format("")})
    found = await Synced(server, org, agent, site).add("url", "https://site.test/", delay_s=0)
    assert (found["state"], found["item_count"], site.asked) == ("failed", 0, ["/robots.txt"])
    assert "robots.txt" in found["failure"]


async def test_who_is_killed_leaves_it_to_another_that_takes_nothing_twice(server: Server, org: Org, agent: str):
    site = Site({"/docs/": PUMPS.format('<a href="a">a</a>'), "/docs/a": PUMPS.format("a")})
    source = Synced(server, org, agent, site)
    await source.add("url", "https://site.test/docs/", delay_s=0)
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run("update agent_knowledge_sources set look_at = now() where id = %(id)s", {"id": source.id})
        dead = await claim(tx, UUID(source.id))
    assert dead is not None
    assert (await source.shown())["state"] == "syncing"
    taken = await source.again()
    assert (taken["state"], counted(taken)) == ("synced", (0, 0, 1, 0, 0))
    await source.worker.take(dead)
    log = (await org.owner.api.get(f"{source.base}/{source.id}/syncs")).json()["items"]
    assert len(log) == 2, "the dead one wrote nothing any more"


async def test_a_sync_is_called_off_and_what_is_wrong_is_said(server: Server, org: Org, agent: str):
    base = f"/agents/{agent}/knowledge"
    wrong = [
        {"type": "url", "path": "http://127.0.0.1/"},
        {"type": "url", "path": "ftp://site.test/"},
        {"type": "url", "path": "https://site.test/", "config": {"depth": 99}},
        {"type": "url", "path": "https://site.test/", "config": {"what": 1}},
        {"type": "url", "path": "https://site.test/", "cron": "never"},
        {"type": "url", "path": "https://site.test/", "cron": "0 6 * * *", "timezone": "Mars/Olympus"},
        {"type": "folder", "path": "nothing"},
        {"type": "database", "path": "nothing", "config": {"query": "select 1"}},
        {"type": "file", "path": "manual.md"},
        {"type": "telepathy", "path": "x"},
    ]
    for data in wrong:
        answer = await org.owner.api.post(base, json=data)
        assert answer.status_code in {400, 422}, (data, answer.text)
    good = {"type": "url", "path": "https://site.test/", "cron": "0 6 * * *", "enabled": False}
    made = (await org.owner.api.post(base, json=good)).json()
    assert (made["state"], made["timezone"], made["name"]) == ("off", "UTC", "https://site.test")
    assert (await org.owner.api.post(base, json=good)).status_code == 409
    path = f"{base}/{made['id']}"
    assert (await org.owner.api.post(f"{path}/sync")).status_code == 409
    assert (await org.owner.api.delete(f"{path}/sync")).status_code == 409
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(
            "update agent_knowledge_sources set enabled = true, sync_id = id where id = %(id)s", {"id": made["id"]}
        )
    off = await org.owner.api.delete(f"{path}/sync")
    assert (off.json()["state"], off.json()["next_sync_at"] is not None) == ("new", True)
    log = (await org.owner.api.get(f"{path}/syncs")).json()["items"]
    assert [one["outcome"] for one in log] == ["canceled"]
