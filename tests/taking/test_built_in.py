"""The agents that need no model: the guide and the scribe."""

import re
import threading
import time

import pytest

from crewhall.conversations.members import add_member
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.runtime.context import Context
from crewhall.runtime.guide import uncalled
from crewhall.runtime.handbook import MOST_ASKED, anchor_of, find_sections, pages, sections, unwrapped
from crewhall.runtime.models import WRITERS
from crewhall.runtime.scribe import LINK

GUIDE = {"provider": "crewhall", "model": "guide"}
SCRIBE = {"provider": "crewhall", "model": "scribe"}


@pytest.mark.rule("D14")
async def test_the_guide_answers_from_the_handbook_with_links(hall, org):
    executor = hall.make_executor(base_url="https://hall.example")
    asked = await hall.ask(org, "@{} how do I make a backup and restore it?", model_config=GUIDE)
    run = await asked.take(executor)
    await executor.close()
    assert (run.status, run.reason, run.model) == ("succeeded", "answered", "crewhall:guide")
    (answer,) = await asked.answers()
    assert answer.startswith("**Backup and restore")
    assert "https://hall.example/help/backup#restore" in answer
    links = re.findall(r"\]\(https://hall\.example/help/([a-z-]+)(?:#([a-z0-9-]+))?\)", answer)
    assert links[0][0] == "backup"
    for page, anchor in links:
        assert page in pages()
        assert not anchor or anchor in {section.anchor for section in sections() if section.page == page}


async def test_the_guide_says_what_it_knows_where_it_understands_nothing(hall, org):
    asked = await hall.ask(org, "@{} qwertz?", model_config=GUIDE)
    await asked.take()
    (answer,) = await asked.answers()
    assert answer.startswith("I answer questions about how Crewhall works")
    assert "/help/agents" in answer


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("how can I invite a colleague?", "organization"),
        ("how do I give my agent a key", "agents"),
        ("restore a backup", "backup"),
        ("how do I back up?", "backup"),
        ("which settings are there for the port to listen on?", "settings"),
        ("what is a delivery?", "agents"),
        ("use my own postgres", "install"),
    ],
)
def test_what_is_asked_is_found(question, page):
    assert page in [section.page for section in find_sections(question)]


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("how do I invite somebody?", "basics"),
        ("how do I change my password?", "basics"),
        ("where is dark mode?", "basics"),
        ("how do I connect Cursor?", "mcp"),
        ("how do I connect an agent?", "agents"),
        ("set up GitHub", "github"),
    ],
)
def test_how_it_is_done_goes_before_what_lists_everything(question, page):
    assert find_sections(question)[0].page == page


@pytest.mark.parametrize("question", ["help", "@guide help", "what can @guide do?", "Hello hall, can somebody help?"])
def test_who_asks_nothing_particular_is_told_what_the_guide_knows(question):
    assert find_sections(question) == []


def test_of_a_long_question_the_beginning_is_looked_at():
    assert find_sections("restore a backup? " + "qwertz " * MOST_ASKED) == find_sections("restore a backup?")
    assert find_sections("qwertz " * MOST_ASKED + "restore a backup?") == []


def test_the_handbook_is_whole():
    assert {"agents", "cli", "install", "settings"} <= set(pages())
    assert len({(section.page, section.anchor, section.heading) for section in sections()}) > 40
    for page in pages().values():
        for target in re.findall(r"\]\((/help/[^)#]+)", page.text):
            assert target.removeprefix("/help/") in pages()
    assert anchor_of("`crewhall up` — serve!") == "crewhall-up-serve"


def test_paragraphs_stand_on_one_line_and_code_as_it_is():
    text = "a\nb\n\n- one\n  more\n- two\n\n```\nx\ny\n```\n\n| a |\n|---|\n| b |\nend"
    assert unwrapped(text.splitlines()) == ("a b\n\n- one more\n- two\n\n```\nx\ny\n```\n\n| a |\n|---|\n| b |\nend")


def test_nobody_is_called_by_what_the_guide_quotes():
    assert uncalled("ask @scout, `@scout`\n```\n@scout\n```") == "ask `@scout`, `@scout`\n```\n@scout\n```"


async def test_the_scribe_digests_a_conversation(hall, org):
    agent = await hall.hire(org, model_config=SCRIBE)
    circle = await hall.group(org, agent)
    ben = (await org.add()).actor
    async with hall.db.transaction(org.owner.actor) as tx:
        await add_member(tx, org.owner.actor, circle, NewMember(MemberType.USER, ben.id))
    await hall.say(org.owner.actor, circle, "Shall we ship on Friday?")
    await hall.say(ben, circle, "Yes. We agreed on Friday then. See https://example.org/plan.")
    await hall.say(org.owner.actor, circle, "Who writes the notes? @nobody")
    await hall.say(org.owner.actor, circle, f"@{agent.name} digest please")
    asked = await hall.decided(org, circle, agent)
    await asked.take()
    (answer,) = await asked.answers()
    assert "Digest of 3 messages" in answer
    assert "We agreed on Friday then." in answer
    open_questions = answer.partition("**Open questions**")[2].partition("**")[0]
    assert "Who writes the notes?" in open_questions
    assert "Friday?" not in open_questions
    assert "https://example.org/plan" in answer
    assert "digest please" not in answer
    assert re.search(r"@\w", answer) is None  # nobody is called by being quoted


async def test_the_scribe_quotes_words_without_marks_and_knows_what_an_agent_answered(hall, org):
    agent, helper = await hall.hire(org, model_config=SCRIBE), await hall.hire(org)
    circle = await hall.group(org, agent, helper)
    await hall.say(org.owner.actor, circle, f"{helper.name}, when is the *next* `release`?")
    await hall.say(org.owner.actor, circle, "We ship on Friday. Who writes the changelog?")
    await hall.say(helper, circle, "**Release: [plan](https://example.org/plan)**")
    await hall.say(org.owner.actor, circle, f"@{agent.name} digest please")
    asked = await hall.decided(org, circle, agent)
    await asked.take()
    (answer,) = await asked.answers()
    assert "“Release: plan”" in answer
    open_questions = answer.partition("**Open questions**")[2]
    assert "“Who writes the changelog?”" in open_questions
    assert "release" not in open_questions, "the agent that was asked has answered"


def test_links_that_are_opened_and_never_closed_are_read_once():
    began = time.process_time()
    for opened in ("[", "[](", "![a](b", "(", "[a]("):
        assert LINK.sub(r"\1", opened * 20_000) == opened * 20_000
    assert time.process_time() - began < 1
    assert LINK.sub(r"\1", "[[a](b), ![c](d) and [e] (f)") == "[a, c and [e] (f)"


async def test_a_built_in_agent_thinks_beside_the_loop(hall, org, monkeypatch):
    thought_in: list[int] = []

    def write(_context: Context) -> str:
        thought_in.append(threading.get_ident())
        return "Digested."

    monkeypatch.setitem(WRITERS, "scribe", write)
    asked = await hall.ask(org, model_config=SCRIBE)
    await asked.take()
    assert await asked.answers() == ["Digested."]
    assert threading.get_ident() not in thought_in


async def test_the_scribe_of_an_empty_conversation_says_so(hall, org):
    asked = await hall.ask(org, model_config=SCRIBE)
    await asked.take()
    (answer,) = await asked.answers()
    assert answer.startswith("There is nothing to digest")
