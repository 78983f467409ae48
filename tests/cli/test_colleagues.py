"""Agents as colleagues, in a terminal: trust, capabilities, versions, forks, lending."""

from pathlib import Path

from tests.cli.conftest import Cli, QuickCli
from tests.identity.hall import Org
from tests.support.server import Server, token_of


async def test_an_agent_is_trusted_forked_and_compared(owner: Cli) -> None:
    await owner.ok("agent", "create", "Scout", "--capability", "maps", "--instructions", "Look.")
    changed = await owner.ok("agent", "update", "scout", "--trust", "12.5", "--instructions", "Look twice.")
    assert (changed["trust_score"], changed["version"]) == (12.5, "1.1.0")
    assert (await owner.run("agent", "update", "scout", "--trust", "101")).code != 0
    thinks = await owner.ok("agent", "update", "scout", "--model", "crewhall:scribe")
    assert thinks["model_config"] == {"provider": "crewhall", "model": "scribe"}
    unsaid = await owner.run("agent", "update", "scout", "--model", "scribe")
    assert (unsaid.code, "provider:model" in unsaid.err) == (2, True)
    assert (await owner.ok("agent", "update", "scout", "--model", ""))["model_config"] == {}
    versions = await owner.run("agent", "versions", "@scout")
    assert "1.1.0" in versions.out
    assert "instructions" in versions.out
    assert "the first that is known" in versions.out
    assert [one["capability"] for one in await owner.ok("agent", "capabilities")] == ["maps"]
    fork = await owner.ok("agent", "fork", "scout", "Ranger")
    assert fork["code"] == "ranger"
    await owner.ok("agent", "update", "ranger", "--capability", "text", "--visibility", "hidden")
    shown = (await owner.run("agent", "diff", "ranger")).out
    assert "maps" in shown
    assert "text" in shown
    assert "hidden" in shown, "a hidden agent is found by its code by who may see it"
    assert "no fork" in (await owner.run("agent", "diff", "scout")).out
    assert [one["code"] for one in await owner.ok("agent", "list", "--visibility", "hidden")] == ["ranger"]
    assert [one["code"] for one in await owner.ok("agent", "list", "--presence", "online")] == []
    assert "scout" in [one["code"] for one in await owner.ok("agent", "list", "--presence", "offline")]


async def test_an_agent_is_lent_and_given_back(owner: Cli, server: Server, tmp_path: Path, org: Org) -> None:
    other = await server.make_org("Beacon")
    there = QuickCli(tmp_path / "there", server.address, CREWHALL_TOKEN=token_of(other.owner.api))
    await owner.ok("agent", "create", "Scout", "--visibility", "private")
    code = (await owner.ok("agent", "lend", "scout", "--visibility", "public"))["code"]
    assert (await there.run("agent", "borrow", "cwg_wrong")).code == 1
    assert "works here" in (await there.run("agent", "borrow", code, "--name", "Our scout")).out
    (grant,) = await there.ok("agent", "grants")
    assert (grant["direction"], grant["agent_code"], grant["visibility"]) == ("borrowed", "our-scout", "public")
    assert "lent" in (await owner.run("agent", "grants")).out
    changed = await there.ok("agent", "change-grant", grant["id"], "--model", "crewhall:guide")
    assert changed["config"] == {"provider": "crewhall", "model": "guide"}
    assert "ended" in (await owner.run("agent", "end-grant", grant["id"], "--yes")).out
    assert (await there.run("agent", "show", "our-scout")).code == 1
