"""`crewhall mcp serve`: the same over standard input and output, as whoever is signed in on the command line."""

import json
import tomllib

import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from crewhall.faces.mcp.server import TOOLS
from tests.cli.conftest import PROGRAM, Cli, QuickCli
from tests.identity.hall import PASSWORD
from tests.mcp.visiting import LEGACY, done, refused
from tests.support.server import token_of


def program(cli: Cli, *words: str) -> StdioServerParameters:
    return StdioServerParameters(command=str(PROGRAM), args=[*words, "mcp", "serve"], env=cli.env)


@pytest.fixture
def of_agent(tmp_path, server, agent):
    """The command line, with an agent's key."""
    return QuickCli(tmp_path, server.address, CREWHALL_TOKEN=agent.key)


@pytest.mark.rule("X4", "E2", "D10")
async def test_an_agent_takes_part_through_the_program_until_its_key_is_revoked(org, agent, general, of_agent, server):
    secret = await server.channel(org.owner, type="private")
    async with Client(program(of_agent)) as client:
        assert client.server_info is not None
        assert client.server_info.name == "crewhall"
        assert len((await client.list_tools()).tools) == len(TOOLS)
        posted = await done(client, "post_message", conversation_id=general, content="from the shell", client_id="s")
        assert (await done(client, "read_messages", conversation_id=general))["messages"][-1] == posted
        assert (await refused(client, "read_messages", conversation_id=secret))["code"] == "not_found"
        listed = {one.name: one.uri for one in (await client.list_resources()).resources}
        (content,) = (await client.read_resource(listed["general"])).contents
        assert "from the shell" in str(content)
        assert len((await client.list_resource_templates()).resource_templates) == 1
        task = {"title": "Sum up", "prompt": "What was said?"}
        (await org.owner.api.post(f"/agents/{agent.id}/quick-tasks", json=task)).raise_for_status()
        assert [one.name for one in (await client.list_prompts()).prompts] == [f"{agent.code}/sum-up"]
        assert "What was said?" in str((await client.get_prompt(f"{agent.code}/sum-up")).messages)
        await org.owner.api.post(f"/conversations/{general}/messages", json={"content": f"@{agent.code} hello"})
        assert len((await done(client, "wait_for_mentions", seconds=30))["mentions"]) == 1
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("unheard_of", {})
        (key,) = (await org.owner.api.get(f"/agents/{agent.id}/credentials")).json()["items"]
        (await org.owner.api.delete(f"/agents/{agent.id}/credentials/{key['id']}")).raise_for_status()
        with pytest.raises(MCPError) as caught:
            await client.call_tool("who_am_i", {})
    assert "key" in caught.value.message.lower()
    assert caught.value.data == {"code": "unauthenticated"}


async def test_a_person_signed_in_on_the_command_line_stays_so(org, server, tmp_path):
    cli = QuickCli(tmp_path, server.address)
    signed = await cli.run("login", "--email", org.owner.email, "--password-stdin", stdin=PASSWORD + "\n")
    assert signed.code == 0, signed.err
    kept = tmp_path / "config" / "crewhall" / "logins.json"
    async with Client(program(cli, "--org", org.slug)) as client:
        assert (await done(client, "who_am_i"))["user"]["email"] == org.owner.email
        logins = json.loads(kept.read_text())
        logins["servers"][server.address]["access"] = "cwt_expired"
        kept.write_text(json.dumps(logins))
        assert (await done(client, "who_am_i"))["organization"]["slug"] == org.slug
    assert json.loads(kept.read_text())["servers"][server.address]["access"] != "cwt_expired"


async def test_who_is_not_signed_in_is_told_before_anything_else(tmp_path, server):
    nobody = QuickCli(tmp_path, server.address)
    result = await nobody.run("mcp", "serve")
    assert (result.code, result.out) == (4, "")
    assert "crewhall login" in result.err
    away = QuickCli(tmp_path, "http://127.0.0.1:1", CREWHALL_TOKEN="cwk_x")
    result = await away.run("mcp", "serve")
    assert (result.code, result.out) == (3, "")


async def test_clients_are_set_up_with_what_is_printed(of_agent, server, agent, org):
    for client in ("claude-code", "cursor", "vscode"):
        shown = json.loads((await of_agent.run("--org", org.slug, "mcp", "config", client)).out)
        entry = (shown.get("mcpServers") or shown["servers"])["crewhall"]
        assert entry["url"] == f"{server.address}/mcp"
        assert entry["headers"]["X-Crewhall-Org"] == org.slug
        assert entry["headers"]["Authorization"].startswith("Bearer ${")
    codex = tomllib.loads((await of_agent.run("mcp", "config", "codex")).out)["mcp_servers"]["crewhall"]
    assert codex == {"url": f"{server.address}/mcp", "bearer_token_env_var": "CREWHALL_TOKEN"}
    for words in (["claude-desktop"], ["cursor", "--stdio"], ["vscode", "--stdio"], ["claude-code", "--stdio"]):
        shown = json.loads((await of_agent.run("mcp", "config", *words)).out)
        entry = (shown.get("mcpServers") or shown["servers"])["crewhall"]
        assert entry["args"] == ["--server", server.address, "mcp", "serve"]
    everything = await of_agent.ok("mcp", "config")
    assert [setup["client"] for setup in everything] == ["claude-code", "claude-desktop", "cursor", "vscode", "codex"]
    assert agent.key not in str(everything)
    assert (await of_agent.run("mcp", "config", "emacs")).code == 2


async def test_clients_that_ask_in_the_browser_get_no_key(of_agent, server, org):
    everything = await of_agent.ok("mcp", "config", "--browser")
    assert all(f"{server.address}/mcp" in setup["text"] for setup in everything)
    assert "CREWHALL_TOKEN" not in str(everything)
    assert "Authorization" not in str(everything)
    shown = json.loads((await of_agent.run("mcp", "config", "cursor", "--browser")).out)
    assert shown["mcpServers"]["crewhall"] == {"url": f"{server.address}/mcp"}
    assert "inputs" not in json.loads((await of_agent.run("mcp", "config", "vscode", "--browser")).out)
    codex = tomllib.loads((await of_agent.run("mcp", "config", "codex", "--browser")).out)["mcp_servers"]["crewhall"]
    assert codex == {"url": f"{server.address}/mcp"}
    assert (await of_agent.run("mcp", "config", "--browser", "--stdio")).code == 2


async def test_a_printed_program_starts_for_clients_of_before(of_agent, server, org, agent):
    shown = json.loads((await of_agent.run("mcp", "config", "claude-desktop")).out)["mcpServers"]["crewhall"]
    env = of_agent.env | {"CREWHALL_TOKEN": token_of(org.owner.api)}
    printed = StdioServerParameters(command=shown["command"], args=shown["args"], env=env)
    async with Client(printed, mode=LEGACY) as client:
        assert (await done(client, "who_am_i"))["role"] == "owner"
