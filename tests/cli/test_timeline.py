"""The timeline at the command line."""

from tests.cli.conftest import Cli


async def test_the_command_line_posts_and_lists(owner: Cli):
    one = await owner.ok("timeline", "post", "problem", "The", "mill", "is", "stuck.", "--label", "machine=mill")
    assert (one["type"], one["text"]) == ("problem_report", "The mill is stuck.")
    assert [found["id"] for found in await owner.ok("timeline", "list", "--label", "machine=mill")] == [one["id"]]
    assert await owner.ok("timeline", "list", "--type", "question_asked") == []
    assert "The mill is stuck." in (await owner.run("timeline", "list")).out
    assert "machine" in (await owner.run("timeline", "show", one["id"])).out
    for wrong in (("timeline", "post", "gossip", "x"), ("timeline", "list", "--label", "mill")):
        assert (await owner.run(*wrong)).code == 2
