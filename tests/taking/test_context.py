"""What an agent is shown, within its budget; and what is made of its model's configuration."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from crewhall.kernel.actor import ActorType, system_actor
from crewhall.kernel.ids import new_id
from crewhall.runtime.context import BYTES_PER_TOKEN, Context, Line, Place, choose_lines, tokens_of
from crewhall.runtime.endings import TurnEnded
from crewhall.runtime.endpoints import read_endpoints
from crewhall.runtime.models import Models
from crewhall.runtime.reading import read_conversation
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.vocabulary import Cause
from tests.taking.hall import SCRIPTED

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def line(seq: int, content: str = "word", thread: int | None = None) -> Line:
    return Line(
        seq=seq, id=new_id(), author_type=ActorType.USER, author_id=new_id(), name="Ada", handle="ada", content=content,
        created_at=NOW, thread=thread,
    )  # fmt: skip


def context(**fields) -> Context:
    place = Place(kind="group", name=None, title="Circle", organization="Acme", last_seq=1, members=[])
    return Context(
        agent_id=new_id(), agent_name="Scout", instructions="", place=place, lines=[], cause=Cause.MENTION,
        message_seq=1, prompt=None, thread=None, seen_seq=1, omitted=False, tokens=0, **fields,
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=30),
    st.integers(50, 2000),
    st.data(),
)
def test_the_question_is_kept_then_its_thread_then_the_newest_within_the_budget(sizes, most, data):
    lines = [line(seq, "é" * size, 1 if threaded else None) for seq, (size, threaded) in enumerate(sizes, 1)]
    question = data.draw(st.sampled_from(lines)).seq
    kept = choose_lines(lines, {question}, 1, most)
    seqs = [one.seq for one in kept]
    assert question in seqs
    assert seqs == sorted(set(seqs))
    assert sum(tokens_of(one.content) for one in kept) <= most
    left_out = [one for one in lines if one.seq not in seqs]
    thread_left_out = any(one.thread == 1 for one in left_out)
    assert not (thread_left_out and any(one.thread is None and one.seq != question for one in kept))
    others = [one.seq for one in kept if one.thread is None and one.seq != question]
    assert all(one.seq < min(others) for one in left_out if others and one.thread is None)


def test_a_question_that_is_too_long_is_cut_never_left_out():
    (kept,) = choose_lines([line(1, "x" * 10_000)], {1}, None, 100)
    assert kept.content == "x" * (300 - 36 - 6) + " …"


async def test_no_more_is_read_than_a_turn_can_make_use_of(hall, org):
    agent, owner, room = await hall.hire(org, model_config=SCRIPTED), org.owner.actor, 900
    circle = await hall.group(org, agent)
    asked = await hall.say(owner, circle, f"@{agent.name} " + "é" * 20_000)
    run = await (await hall.decided(org, circle, agent)).run()
    for number in range(12):
        await hall.say(owner, circle, f"{number} ".ljust(1500, "."))

    async def read(room, **how):
        async with hall.db.transaction(system_actor(org.id)) as tx:
            return await read_conversation(tx, run, room=room, **how)

    for sums_up in (True, False):
        part = await read(room, sums_up=sums_up)
        question, *rest = part.lines
        assert (question.id, part.is_cut) == (asked.id, True)
        assert len(question.content) <= room * BYTES_PER_TOKEN
        seqs = [one.seq for one in rest]
        assert seqs == list(range(part.seen_seq - len(seqs) + 1, part.seen_seq + 1)), "the newest"
        assert len(seqs) == 6
        whole = await read(50_000, sums_up=sums_up)
        assert (len(whole.lines), whole.lines[0].content, whole.is_cut) == (13, asked.content, False)


async def test_a_provider_takes_the_operators_key_and_no_address_of_an_agent():
    settings = TurnSettings(openai_api_key=SecretStr("sk-ours"))
    models = Models(settings, {})
    config = {"provider": "openai", "model": "gpt-4o", "base_url": "http://169.254.169.254", "temperature": 0.1,
              "extra_headers": {"x": "y"}, "extra_body": {"z": 1}}  # fmt: skip
    model = await models.model(config, context())
    provider = model.provider
    assert provider is not None
    assert provider.client.api_key == "sk-ours"
    assert "169.254" not in str(provider.base_url)
    assert set(models.settings(config)) == {"temperature", "max_tokens", "timeout"}
    assert provider.client.max_retries == 0
    assert models.settings(config | {"provider": "mistral"})["max_retries"] == 0
    assert (await models.model(config, context())).provider is provider
    await models.close()


async def test_a_key_is_never_told_when_a_provider_cannot_be_used(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    models = Models(TurnSettings(), read_endpoints("near=http://127.0.0.1:1/v1,sk-secret"))
    with pytest.raises(TurnEnded) as ended:
        await models.model({"provider": "openai", "model": "gpt-4o"}, context())
    assert "openai" in str(ended.value.detail)
    assert "sk-secret" not in repr(ended.value)
    await models.close()
