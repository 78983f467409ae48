"""What MCP clients can do: the same as over HTTP, refused with the same codes and sentences."""

import jsonschema
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from crewhall.faces.mcp import prompts
from crewhall.faces.mcp.clients import CLIENTS
from crewhall.faces.mcp.server import TOOLS
from tests.architecture.source import DOCS
from tests.mcp.visiting import LEGACY, MODERN, done, refused, visit
from tests.support.server import token_of

READ_ONLY = {
    "who_am_i", "list_people", "list_conversations", "read_messages", "read_thread", "search_messages", "list_agents",
    "list_wiki_entries", "read_wiki_entry", "search_knowledge", "list_projects", "list_tasks", "read_task",
    "read_timeline", "read_kpis", "read_leaderboard", "task_at_github",
}  # fmt: skip
CHANGING = {
    "post_message",
    "reply_to_message",
    "react_to_message",
    "mark_read",
    "wait_for_mentions",
    "propose_wiki_entry",
    "start_session",
    "log_session",
    "stop_session",
    "next_task",
    "create_task",
    "start_task",
    "complete_task",
    "block_task",
    "comment_on_task",
    "make_issue",
    "link_pull_request",
    "report_problem",
    "ask_everybody",
    "give_advice",
    "post_reading",
}


@pytest.mark.parametrize("mode", [LEGACY, "auto"])
async def test_every_tool_says_what_it_takes_gives_and_changes(server, agent, mode):
    async with visit(server.address, agent.key, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert client.server_info is not None
        assert client.server_info.name == "crewhall"
        assert "client_id" in (client.instructions or "")
    assert set(tools) == READ_ONLY | CHANGING
    for name, tool in tools.items():
        assert tool.title
        assert tool.description
        for schema in (tool.input_schema, tool.output_schema):
            assert schema is not None
            assert schema["type"] == "object"
            jsonschema.Draft202012Validator.check_schema(schema)
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (name in READ_ONLY)
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.open_world_hint is False
    idempotent = {name for name, tool in tools.items() if tool.annotations and tool.annotations.idempotent_hint}
    assert idempotent == READ_ONLY | {
        "react_to_message", "mark_read", "wait_for_mentions", "start_task", "complete_task", "block_task",
        "post_reading", "link_pull_request",
    }  # fmt: skip


def test_the_handbook_names_every_tool_and_client():
    page = (DOCS / "mcp.md").read_text(encoding="utf-8")
    assert {name for name in TOOLS if f"`{name}`" not in page} == set()
    assert {form.title for form in CLIENTS.values() if form.title not in page} == set()


@pytest.mark.rule("X4", "X1")
@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_an_agent_takes_part_in_a_conversation(server, org, agent, general, mode):
    owner = org.owner.api
    asked = (await owner.post(f"/conversations/{general}/messages", json={"content": "Which herons?"})).json()
    async with visit(server.address, agent.key, mode) as client:
        me = await done(client, "who_am_i")
        assert (me["actor"]["id"], me["organization"]["slug"], me["inbox_id"]) == (agent.id, org.slug, agent.inbox_id)
        listed = await done(client, "list_conversations", kind="channel", text="gener")
        assert [(one["id"], one["name"]) for one in listed["conversations"]] == [(general, "general")]
        read = await done(client, "read_messages", conversation_id=general)
        assert [(one["id"], one["content"]) for one in read["messages"]] == [(asked["id"], "Which herons?")]

        post = {"conversation_id": general, "content": "Grey **herons**.", "client_id": "once"}
        first, again = await done(client, "post_message", **post), await done(client, "post_message", **post)
        assert first == again
        reply = await done(
            client, "reply_to_message", conversation_id=general, message_id=asked["id"], content="Grey ones."
        )
        deeper = await done(
            client, "reply_to_message", conversation_id=general, message_id=reply["id"], content="And white ones."
        )
        assert reply["parent_id"] == deeper["parent_id"] == asked["id"]
        reacted = await done(client, "react_to_message", conversation_id=general, message_id=asked["id"], emoji="🐦")
        assert reacted["reactions"] == {"🐦": 1}

        thread = await done(client, "read_thread", conversation_id=general, message_id=deeper["id"])
        assert thread["message"]["reply_count"] == 2
        assert [one["content"] for one in thread["replies"]] == ["Grey ones.", "And white ones."]
        taken = await done(
            client, "react_to_message", conversation_id=general, message_id=asked["id"], emoji="🐦", remove=True
        )
        assert "reactions" not in taken
        people, agents = await done(client, "list_people"), await done(client, "list_agents", text=agent.code)
        assert [one["id"] for one in people["people"]] == [str(org.owner.id)]
        assert [one["code"] for one in agents["agents"]] == [agent.code]
    said = (await owner.get(f"/conversations/{general}/messages")).json()["items"]
    assert [one["content"] for one in said].count("Grey **herons**.") == 1
    assert next(one for one in said if one["id"] == first["id"])["author"]["id"] == agent.id


async def test_pages_go_on_where_they_ended(server, org, agent, general):
    for number in range(5):
        await org.owner.api.post(f"/conversations/{general}/messages", json={"content": f"word {number}"})
    async with visit(server.address, agent.key) as client:
        newest = await done(client, "read_messages", conversation_id=general, limit=2)
        older = await done(client, "read_messages", conversation_id=general, limit=2, before=newest["next"])
        assert [one["content"] for one in older["messages"] + newest["messages"]] == [f"word {n}" for n in range(1, 5)]
        later = await done(client, "read_messages", conversation_id=general, limit=3, after=2)
        assert [one["seq"] for one in later["messages"]] == [3, 4, 5]
        first = await done(client, "list_conversations", limit=2)
        second = await done(client, "list_conversations", limit=2, after=first["next"])
        shown = [one["id"] for one in first["conversations"] + second["conversations"]]
        assert len(set(shown)) == 4


async def test_what_was_said_is_found(server, org, agent, general):
    await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "the heron stands still"})
    async with visit(server.address, agent.key) as client:

        async def found():
            return (await done(client, "search_messages", query="heron", conversation_id=general))["hits"]

        hits = []
        while not hits:  # found soon after it is said
            hits = await found()
    assert [(hit["message"]["content"], hit["conversation"]) for hit in hits] == [("the heron stands still", "general")]


async def test_a_person_comes_in_with_an_access_token(server, org, general):
    async with visit(server.address, token_of(org.owner.api)) as client:
        me = await done(client, "who_am_i")
        assert (me["user"]["email"], me["role"]) == (org.owner.email, "owner")
        assert (await refused(client, "wait_for_mentions"))["code"] == "forbidden"
        posted = await done(client, "post_message", conversation_id=general, content="hello")
        assert posted["author"]["type"] == "user"
        marked = await done(client, "mark_read", conversation_id=general, seq=posted["seq"])
    assert marked["last_read_seq"] <= posted["seq"]


@pytest.mark.rule("X4", "C3")
async def test_what_is_refused_over_http_is_refused_here_in_the_same_words(server, org, agent, general):
    secret = await server.channel(org.owner, type="private")
    api = agent.api
    message = (await org.owner.api.post(f"/conversations/{secret}/messages", json={"content": "psst"})).json()["id"]
    own = (await api.post(f"/conversations/{general}/messages", json={"content": "mine"})).json()["id"]
    there, place = f"/conversations/{secret}/messages", {"conversation_id": secret}
    pairs = [
        (await api.get(there), ("read_messages", place)),
        (await api.post(there, json={"content": "x"}), ("post_message", place | {"content": "x"})),
        (await api.get(f"{there}/{message}"), ("read_thread", place | {"message_id": message})),
        (await api.put(f"{there}/{message}/reactions/👍"),
         ("react_to_message", place | {"message_id": message, "emoji": "👍"})),
        (await api.put(f"/conversations/{general}/messages/{own}/reactions/no"),
         ("react_to_message", {"conversation_id": general, "message_id": own, "emoji": "no"})),
        (await api.post(f"/conversations/{secret}/read", json={"seq": 1}), ("mark_read", place | {"seq": 1})),
        (await api.get(f"/search?q=psst&conversation={secret}"), ("search_messages", place | {"query": "psst"})),
        (await api.get("/conversations?after=damaged"), ("list_conversations", {"after": "damaged"})),
    ]  # fmt: skip
    async with visit(server.address, agent.key) as client:
        for answer, (tool, arguments) in pairs:
            over_http, here = answer.json(), await refused(client, tool, **arguments)
            assert (here["code"], here["detail"], here["status"]) == (
                over_http["code"], over_http["detail"], answer.status_code,
            )  # fmt: skip
        await org.owner.api.post(
            f"/conversations/{secret}/members", json={"member_type": "agent", "member_id": agent.id}
        )
        assert [one["content"] for one in (await done(client, "read_messages", **place))["messages"]] == ["psst"]


@pytest.mark.rule("X4", "B1")
async def test_another_tenant_is_out_of_reach(server, org, other_org, general):
    message = (await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "plum"})).json()["id"]
    stranger = await server.hire(other_org)
    place = {"conversation_id": general}
    async with visit(server.address, stranger.key) as client:
        for tool, more in (
            ("read_messages", {}),
            ("read_thread", {"message_id": message}),
            ("post_message", {"content": "x"}),
            ("reply_to_message", {"message_id": message, "content": "x"}),
            ("react_to_message", {"message_id": message, "emoji": "👍"}),
            ("mark_read", {"seq": 1}),
            ("search_messages", {"query": "plum"}),
        ):
            assert (await refused(client, tool, **place, **more))["code"] == "not_found", tool
        assert (await done(client, "search_messages", query="plum"))["hits"] == []
        assert general not in str(await done(client, "list_conversations", limit=100))
        assert str(org.owner.id) not in str(await done(client, "list_people"))
        with pytest.raises(MCPError, match="no such conversation"):
            await client.read_resource(f"crewhall://conversations/{general}")


@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_conversations_are_resources(server, org, agent, general, mode):
    await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "to be read"})
    async with visit(server.address, agent.key, mode) as client:
        listed = {one.name: one.uri for one in (await client.list_resources()).resources}
        assert listed["general"] == f"crewhall://conversations/{general}"
        (content,) = (await client.read_resource(listed["general"])).contents
        assert "to be read" in str(content)
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "crewhall://conversations/{conversation_id}"
        for wrong in ("crewhall://conversations/none", "file:///etc/passwd"):
            with pytest.raises(MCPError, match="addressed as"):
                await client.read_resource(wrong)


async def ask_often(org, agent, *titles, **fields):
    """Give an agent quick tasks that ask what they are called."""
    for title in titles:
        task = {"title": title, "prompt": f"{title}, **please**.", **fields}
        (await org.owner.api.post(f"/agents/{agent.id}/quick-tasks", json=task)).raise_for_status()


@pytest.mark.rule("B4", "X4")
@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_quick_tasks_are_prompts_for_who_may_give_them(server, org, other_org, agent, mode):
    mine, hidden, resting = [await server.hire(org) for _ in range(3)]
    stranger = await server.hire(other_org)
    await ask_often(org, mine, "Sum up: the Wéek!", "sum up the wéek", "☂")
    await ask_often(org, mine, "Not now", enabled=False)
    for other in (hidden, resting):
        await ask_often(org, other, "Look")
    await org.owner.api.patch(f"/agents/{hidden.id}", json={"visibility": "hidden"})
    await org.owner.api.patch(f"/agents/{resting.id}", json={"status": "maintenance"})
    async with visit(server.address, agent.key, mode) as client:
        shown = {one.name: one for one in (await client.list_prompts()).prompts}
        names = [f"{mine.code}/{words}" for words in ("sum-up-the-wéek", "sum-up-the-wéek.2", "task")]
        assert list(shown) == names
        assert (shown[names[1]].title, shown[names[1]].arguments) == ("sum up the wéek", None)
        assert f"@{mine.code}" in (shown[names[0]].description or "")
        (said,) = (await client.get_prompt(names[1])).messages
        assert isinstance(said.content, TextContent)
        assert (said.role, said.content.text) == ("user", "sum up the wéek, **please**.")
        for wrong in (f"{mine.code}/not-now", f"{resting.code}/look", "nobody/look", "\0"):
            with pytest.raises(MCPError, match="no quick task") as caught:
                await client.get_prompt(wrong)
            assert caught.value.data["code"] == "not_found"
    async with visit(server.address, stranger.key, mode) as client:
        assert (await client.list_prompts()).prompts == []
        with pytest.raises(MCPError, match="no quick task"):
            await client.get_prompt(names[0])


async def test_prompts_come_in_pages(server, org, agent, monkeypatch):
    monkeypatch.setattr(prompts, "PAGE", 2)
    await ask_often(org, agent, "One", "Two", "Three")
    async with visit(server.address, agent.key) as client:
        first = await client.list_prompts()
        second = await client.list_prompts(cursor=first.next_cursor)
        assert [one.title for one in first.prompts + second.prompts] == ["One", "Two", "Three"]
        assert second.next_cursor is None
        with pytest.raises(MCPError, match="cursor is damaged"):
            await client.list_prompts(cursor="damaged")
