"""A conversation that outgrows what an agent is shown: the older part is summed up once; nothing changed lives on."""

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.conversations.members import add_member
from crewhall.conversations.overlays import Overlays
from crewhall.conversations.schemas import EditMessage, NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.conversations.wire import Message
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.runtime.compaction import MOST_PIECES, Piece, split
from crewhall.runtime.context import Line, Persona, Place, Reading, make_context, tokens_of
from crewhall.runtime.queries import list_steps
from crewhall.runtime.runs import Run
from crewhall.runtime.summaries import Summary, list_summaries
from tests.support.openai import Fail, Garble, Say
from tests.taking.hall import SCRIPTED
from tests.taking.test_context import line

PLACE = Place(kind="group", name=None, title="Circle", organization="Acme", last_seq=10**6, members=[])
SIZES = st.lists(st.integers(0, 600), min_size=1, max_size=60)
MOST = 900


def reading(lines: list[Line], summary: Summary | None = None) -> Reading:
    return Reading(place=PLACE, seen_seq=lines[-1].seq, lines=lines, summary=summary, is_cut=False)


def noted(up_to: int, tokens: int) -> Summary:
    text = "n" * (tokens - 12) * 3
    return Summary(
        id=new_id(), from_seq=1, up_to_seq=up_to, messages=up_to, is_whole=True, summary=text, tokens=tokens_of(text)
    )


def costs(lines: list[Line]) -> int:
    return sum(tokens_of(one.content) for one in lines)


@given(SIZES, st.integers(100, 3000), st.integers(0, 40), st.integers(12, 700))
def test_what_is_older_is_split_in_order_and_what_stays_has_room(sizes, room, up_to, tokens):
    lines = [line(seq, "é" * size) for seq, size in enumerate(sizes, 1)]
    summary = noted(up_to, tokens) if up_to else None
    window = reading(lines, summary).window
    pieces = split(reading(lines, summary), room)
    older = [one.seq for piece in pieces for one in piece.lines]
    if costs(window) + (summary.tokens if summary else 0) <= room:
        assert pieces == []
        return
    assert all(seq > up_to for seq in older)
    assert older == list(range(older[0], older[-1] + 1)) if older else len(window) <= 1
    assert len(pieces) <= MOST_PIECES
    assert all(costs(piece.lines) <= room * 5 // 8 for piece in pieces)
    stays = [one for one in window if not older or one.seq > older[-1]]
    assert costs(stays) <= room // 2 or len(stays) == 1
    assert all(piece.is_whole == (older[0] == window[0].seq) for piece in pieces)


@given(SIZES, st.integers(200, 3000), st.integers(0, 60), st.integers(12, 700), st.data())
def test_a_context_never_passes_its_budget_and_keeps_the_order(sizes, room, up_to, tokens, data):
    lines = [line(seq, "é" * size, data.draw(st.sampled_from((None, 1)))) for seq, size in enumerate(sizes, 1)]
    asked = data.draw(st.sampled_from(lines))
    made = make_context(
        run_about(asked, lines[0]), PERSONA, reading(lines, noted(up_to, tokens) if up_to else None), room=room,
        base_url="",
    )  # fmt: skip
    assert made.tokens <= room
    assert made.tokens == costs(made.lines) + (made.summary.tokens if made.summary else 0)
    seqs = [one.seq for one in made.lines]
    assert seqs == sorted(set(seqs))
    assert asked.seq in seqs


PERSONA = Persona(
    id=new_id(), name="Scout", code="scout", role_title="", instructions=None, status="active", model_config={},
    tools=[], rag_enabled=False, is_gone=False,
)  # fmt: skip


def run_about(asked: Line, root: Line) -> Run:
    fields = dict.fromkeys(Run.__struct_fields__)
    return Run(**fields | {"cause": "mention", "message_id": asked.id, "message_seq": asked.seq, "parent_id": root.id})  # type: ignore[arg-type]


def test_pieces_know_their_end():
    assert Piece([line(3), line(7)], is_whole=True).up_to_seq == 7


# -- a conversation that goes on


class Long:
    """A conversation of which an agent with little room takes turns."""

    def __init__(self, hall, org, model, agent, circle) -> None:
        self.hall, self.org, self.model, self.agent, self.circle = hall, org, model, agent, circle
        self.executor = hall.make_executor(turn_context_tokens=MOST)

    @classmethod
    async def begin(cls, hall, org, model) -> "Long":
        agent = await hall.hire(org, model_config=SCRIPTED)
        return cls(hall, org, model, agent, await hall.group(org, agent))

    async def talk(self, words: str, count: int = 14) -> list[Message]:
        """Messages of some 67 tokens each."""
        said = [f"{words}{number} ".ljust(165, ".") for number in range(count)]
        return [await self.hall.say(self.org.owner.actor, self.circle, one) for one in said]

    async def turn(self, *replies):
        """Ask the agent, whose model replies so; gives the turn, taken."""
        self.model.play(*replies)
        await self.hall.say(self.org.owner.actor, self.circle, f"@{self.agent.name}?")
        asked = await self.hall.decided(self.org, self.circle, self.agent)
        await asked.take(self.executor)
        return asked

    async def summaries(self):
        async with self.hall.db.transaction(self.org.owner.actor) as tx:
            return (await list_summaries(tx, self.org.owner.actor, self.circle)).items

    async def prompts(self) -> list[str]:
        return [str(request["messages"]) for request in self.model.requests]


@pytest.fixture
async def long(hall, org, model):
    talking = await Long.begin(hall, org, model)
    yield talking
    await talking.executor.close()


@pytest.mark.rule("X12")
async def test_what_is_older_is_summed_up_once_and_then_shown_in_its_place(long):
    await long.talk("first")
    asked = await long.turn(Say("NOTES ONE", tokens=(500, 20)), Say("Yes."))
    summing, answering = await long.prompts()
    assert "first0 " in summing
    assert "NOTES ONE" in answering
    assert "first0 " not in answering
    assert "first11 " in answering
    assert "first11 " not in summing
    assert await asked.kinds() == ["request", "answer", "summary", "context", "request", "answer", "post"]
    run = await asked.run()
    assert (run.requests, run.input_tokens, run.output_tokens) == (2, 511, 27)
    (summary,) = await long.summaries()
    assert (summary.summary, summary.from_seq, summary.is_whole, summary.run_id) == ("NOTES ONE", 1, True, run.id)
    context = (await asked.steps())[3].body
    assert context["tokens"] <= MOST
    assert context["omitted"] is False
    assert [one["seq"] for one in context["lines"]] == list(range(summary.up_to_seq + 1, run.seen_seq + 1))
    assert asked.hall.frames(run.id)[0]["text"] == ""
    assert "NOTES" not in str(asked.hall.frames(run.id)), "nobody reads along what it notes"

    again = await long.turn(Say("No."))
    assert await again.kinds() == ["context", "request", "answer", "post"]
    (later,) = await long.prompts()
    begins = answering[: answering.index("first11 ")]
    assert later.startswith(begins), "what a provider keeps of the prompt serves the next one"


async def test_a_summary_is_extended_by_what_was_said_since(long):
    await long.talk("first")
    await long.turn(Say("NOTES ONE"), Say("Yes."))
    (one,) = await long.summaries()
    await long.talk("second", 7)
    await long.turn(Say("NOTES TWO"), Say("Yes."))
    summing, answering = await long.prompts()
    assert "NOTES ONE" in summing
    assert "second0 " in summing
    assert re.findall(r"\[#(\d+)\]", summing)[0] == str(one.up_to_seq + 1), "nothing is sent twice"
    assert "NOTES TWO" in answering
    assert "NOTES ONE" not in answering
    (two,) = await long.summaries()
    assert (two.from_seq, two.messages > one.messages) == (1, True)


@pytest.mark.rule("X12", "B1")
@pytest.mark.parametrize("how", ["deleted", "edited"])
async def test_what_is_deleted_or_edited_lives_on_in_no_summary(long, how):
    hall, owner = long.hall, long.org.owner.actor
    said = await long.talk("secret")
    asked = await long.turn(Say("The secret0 was told."), Say("Yes."))
    assert len(await long.summaries()) == 1
    late = said[-1]
    await change(hall, owner, late, how)
    assert len(await long.summaries()) == 1, "it reaches over none that was changed"
    await change(hall, owner, said[0], how)
    assert await long.summaries() == []
    async with hall.db.transaction(owner) as tx:
        steps = (await list_steps(tx, owner, asked.run_id)).items
    noting, context = steps[1], steps[3]
    assert "secret0" not in str(noting.body)
    assert context.body is not None
    assert context.body["summary"]["summary"] == ""
    await long.talk("more", 1)
    await long.turn(Say("NOTES ANEW"), Say("Yes."))
    summing, answering = await long.prompts()
    assert "secret0 " not in summing + answering
    assert "The secret0" not in summing + answering
    assert [one.summary for one in await long.summaries()] == ["NOTES ANEW"]


async def change(hall, owner, message, how: str) -> None:
    overlays = Overlays(hall.db, hall.posting)
    if how == "deleted":
        await overlays.delete(owner, message.conversation_id, message.id)
    else:
        await overlays.edit(owner, message.conversation_id, message.id, EditMessage("another word"))


async def test_what_is_deleted_while_it_is_summed_up_is_not_kept(long):
    hall, owner = long.hall, long.org.owner.actor
    said = await long.talk("secret")

    def deleting(request):
        return Say("The secret0 was told.", hold=held) if "notes of" in str(request) else Say("Yes.")

    held = asyncio.Event()
    long.model.play()
    long.model.script = deleting
    await hall.say(owner, long.circle, f"@{long.agent.name}?")
    asked = await hall.decided(long.org, long.circle, long.agent)
    taking = asyncio.create_task(asked.take(long.executor))
    while not long.model.streaming:
        await asyncio.sleep(0.01)
    await change(hall, owner, said[0], "deleted")
    held.set()
    assert (await taking).reason == "answered"
    assert await long.summaries() == []
    assert "secret0" not in (await long.prompts())[-1]
    assert (await asked.kinds()).count("summary") == 0


@pytest.mark.rule("X3")
async def test_a_turn_that_is_taken_over_sums_up_nothing_twice(long, monkeypatch):
    await long.talk("first")
    long.model.play(Say("NOTES ONE"), Fail(400))
    await long.hall.say(long.org.owner.actor, long.circle, f"@{long.agent.name}?")
    asked = await long.hall.decided(long.org, long.circle, long.agent)

    async def broken(*_args, **_fields):
        raise ZeroDivisionError

    with monkeypatch.context() as dying, pytest.raises(ZeroDivisionError):  # behind the answer, before it is kept
        dying.setattr("crewhall.runtime.compaction.keep_summary", broken)
        await asked.take(long.executor)
    await long.talk("meanwhile", 2)
    long.model.play(Say("Yes."))
    run = await asked.take(long.executor)
    assert (run.reason, run.attempt) == ("answered", 2)
    assert [one.summary for one in await long.summaries()] == ["NOTES ONE"]
    (answering,) = await long.prompts()
    assert "NOTES ONE" in answering
    assert "meanwhile1 " in answering


@pytest.mark.parametrize("instead", [Fail(400), Say("")], ids=["refused", "silent"])
async def test_what_cannot_be_summed_up_is_left_out(long, instead):
    await long.talk("first")
    asked = await long.turn(instead, Say("Yes."))
    assert (await asked.run()).reason == "answered"
    context = next(step for step in await asked.steps() if step.kind == "context")
    assert context.body["summary"] is None
    assert context.body["omitted"] is True
    assert context.body["tokens"] <= MOST


@pytest.mark.rule("X11")
@pytest.mark.parametrize("chunks", [[], [None]], ids=["nothing", "null"])
async def test_a_summary_that_cannot_be_read_is_left_out_at_once(long, chunks):
    await long.talk("first")
    asked = await long.turn(Garble(chunks), Say("Yes."))
    run = await asked.run()
    assert (run.reason, run.attempt) == ("answered", 1)


async def test_a_turn_acts_for_those_too_whose_words_it_only_summed_up(long):
    hall, org = long.hall, long.org
    ben = (await org.add()).actor
    async with hall.db.transaction(org.owner.actor) as tx:
        await add_member(tx, org.owner.actor, long.circle, NewMember(MemberType.USER, ben.id))
    long.model.play(Say("NOTES ONE"), Say("Yes."))
    await hall.say(org.owner.actor, long.circle, f"@{long.agent.name}?")
    asked = await hall.decided(org, long.circle, long.agent)
    said = await hall.say(ben, long.circle, f"@{long.agent.name} and spread it, please")
    await long.talk("first", 13)
    run = await asked.take(long.executor)
    (context,) = [step.body for step in await asked.steps() if step.kind == "context"]
    assert said.seq not in [one["seq"] for one in context["lines"]]
    assert set(run.behalf_of) == {ben.id, org.owner.actor.id}


@pytest.mark.rule("B1")
async def test_a_summary_is_for_who_may_read_the_conversation(long):
    await long.talk("first")
    await long.turn(Say("NOTES ONE"), Say("Yes."))
    stranger, other = (await long.org.add()).actor, (await long.hall.make_org()).owner.actor
    for nobody in (stranger, other):
        async with long.hall.db.transaction(nobody) as tx:
            with pytest.raises(CrewhallError) as refused:
                await list_summaries(tx, nobody, long.circle)
        assert refused.value.code == "not_found"
