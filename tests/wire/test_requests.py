"""What is read of a request, parameter by parameter; what is new in it; words on their way. Without a server."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.faces.openai.errors import body_of, rendered
from crewhall.faces.openai.messages import ChatMessage, news_of
from crewhall.faces.openai.requests import Asked, read_request
from crewhall.faces.openai.words import Words
from crewhall.kernel.errors import INTERNAL, INVALID, TOO_MANY_REQUESTS, CrewhallError
from crewhall.runtime.completions import Completion, Earlier

HELLO = [{"role": "user", "content": "hello"}]


def read(**fields: Any) -> Asked:
    return read_request(msgspec.json.encode({"model": "guide", "messages": HELLO, **fields}), None)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"functions": [{"name": "x"}]}, "functions"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"tools": [{"type": "custom"}]}, "tools[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(fields, param):
    with pytest.raises(CrewhallError) as refused:
        read(**fields)
    error = body_of(refused.value)["error"]
    assert (error["code"], error["param"], error["type"]) == (
        "unsupported_parameter", param, "invalid_request_error",
    )  # fmt: skip
    assert rendered(refused.value)[0] == 400


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x" * 40_001}]}, "messages[0].content"),
        ({"messages": [*HELLO, {"role": "assistant", "content": "x"}]}, "messages"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"model": ""}, "model"),
        ({"metadata": {"conversation_id": "x"}}, "X-Crewhall-Conversation"),
    ],
)
def test_what_is_not_valid_names_its_field(fields, param):
    with pytest.raises(CrewhallError) as refused:
        read(**fields)
    assert refused.value.kind is INVALID
    assert body_of(refused.value)["error"]["param"] == param
    assert rendered(refused.value)[0] == 400


def test_what_is_honoured_reaches_the_model_and_the_rest_is_passed_over():
    asked = read(
        temperature=0, top_p=0.5, max_completion_tokens=9, stop="END", seed=7, presence_penalty=1, frequency_penalty=-1,
        user="u", store=True, service_tier="auto", n=1, response_format={"type": "text"}, unheard_of=1,
        stream=True, stream_options={"include_usage": True}, metadata={"conversation_id": "0" * 32},
    )  # fmt: skip
    assert asked.completion.settings == {
        "temperature": 0, "top_p": 0.5, "max_tokens": 9, "stop_sequences": ["END"], "seed": 7, "presence_penalty": 1,
        "frequency_penalty": -1,
    }  # fmt: skip
    assert (asked.is_streamed, asked.with_usage) == (True, True)
    assert asked.conversation_id is not None
    config = {"provider": "x", "model": "y", "max_tokens": 5, "temperature": 1.0}
    assert asked.completion.over(config, 3) == {**config, **asked.completion.settings, "max_tokens": 5}
    unlimited = {"provider": "x", "model": "y"}
    assert [asked.completion.over(unlimited, most)["max_tokens"] for most in (8, 10)] == [8, 9]


ROLES = st.sampled_from(["system", "user", "assistant"])
TURNS = st.lists(st.builds(lambda role, text: ChatMessage(role=role, content=text), ROLES, st.text(min_size=1)))


@given(before=TURNS, words=st.lists(st.text(alphabet="abc ", min_size=1).filter(str.strip), min_size=1))
def test_new_is_what_stands_behind_the_last_answer(before, words):
    whole = [
        *before,
        ChatMessage(role="assistant", content="answer"),
        *(ChatMessage(role="user", content=w) for w in words),
    ]
    news = news_of(whole)
    assert news.words == words
    assert news.earlier[-1] == Earlier("assistant", "answer")
    system = [str(one.content) for one in before if one.role == "system" and str(one.content).strip("\0").strip()]
    assert len(news.instructions) >= len(system)


def test_what_is_told_beside_the_conversation():
    assert Completion().aside() is None
    aside = Completion(instructions=["Be brief."], earlier=[Earlier("user", "Blue.")]).aside()
    assert aside is not None
    assert aside.index("Be brief.") < aside.index("user: Blue.")


@given(
    texts=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=3),
    cuts=st.lists(st.integers(1, 4), min_size=12, max_size=12),
    lost=st.sets(st.integers(0, 12)),
)
def test_words_are_said_once_whatever_is_lost(texts, cuts, lost):
    """Frames of several answers, some lost: what was said ends with the last answer, whole, and said once."""
    words, said, number = Words(), "", 0
    for request, text in enumerate(texts, 1):
        said += words.take({"run": "r", "request": request, "at": 0, "text": ""})
        at = 0
        for size in cuts:
            piece = text[at : at + size]
            if piece and number not in lost:
                said += words.take({"run": "r", "request": request, "at": at, "text": piece})
            at, number = at + len(piece), number + 1
    said += words.take({"run": "r", "done": True})
    said += words.end(texts[-1])
    assert said.strip().endswith(texts[-1].strip())
    if not lost:
        assert len(said) <= sum(map(len, texts)) + 2 * len(texts)


def test_a_repeated_answer_is_not_said_twice_and_silence_is_not_said():
    words = Words()
    first = [words.take({"request": 1, "at": at, "text": text}) for at, text in ((0, ""), (0, "Good "), (5, "mor"))]
    again = [words.take({"request": 1, "at": at, "text": text}) for at, text in ((0, ""), (0, "Good "), (5, "morning"))]
    assert "".join([*first, *again, words.end("Good morning")]) == "Good morning"
    silent = Words()
    held = [silent.take({"request": 1, "at": at, "text": text}) for at, text in ((0, ""), (0, "[sil"), (4, "ent]"))]
    assert "".join(held) == ""
    assert silent.end("") == ""


def test_errors_have_openais_shape_with_our_codes():
    limited = body_of(TOO_MANY_REQUESTS("Slower.", limit=3, retry_after=2))["error"]
    assert (limited["type"], limited["code"], limited["limit"]) == ("rate_limit_error", "too_many_requests", 3)
    assert body_of(INTERNAL("Our fault."))["error"]["type"] == "server_error"
