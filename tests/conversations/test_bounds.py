"""What may be put into messages: refused where it is parsed, before anything is done."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.conversations import Posting
from crewhall.conversations.emoji import check_emoji
from crewhall.conversations.metadata import MAX_METADATA_DEPTH, check_metadata
from crewhall.conversations.schemas import MAX_CONTENT_LENGTH, PostMessage
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id


def parse(**fields):
    return msgspec.json.decode(msgspec.json.encode({"content": "x", **fields}), type=PostMessage)


@pytest.mark.parametrize("fields", [
    {"content": "x" * MAX_CONTENT_LENGTH}, {"content": "x\n"}, {"title": ""}, {"title": "t" * 255},
    {"client_id": "c" * 200},
    {"metadata": {}}, {"metadata": {"a": ["b", {"c": 1.5}]}}, {"kind": "alert", "role": "user"},
])  # fmt: skip
def test_what_a_message_may_hold(fields):
    assert parse(**fields)


@pytest.mark.parametrize("fields", [
    {"content": ""}, {"content": " \n\t"}, {"content": "x" * (MAX_CONTENT_LENGTH + 1)}, {"content": "a\0b"},
    {"content": 1},
    {"title": "t" * 256}, {"title": "\0"}, {"client_id": ""}, {"client_id": "c" * 201}, {"client_id": "\0"},
    {"kind": "other"}, {"role": "god"}, {"parent_id": "x"}, {"metadata": []}, {"metadata": {"a": "\0"}},
    {"metadata": {"\0": 1}}, {"metadata": {"a": "x" * 16400}}, {"other": 1},
    {"metadata": {"files": []}}, {"metadata": {"imported": "slack"}}, {"metadata": {"imported": None}},
])  # fmt: skip
def test_what_a_message_may_not_hold(fields):
    with pytest.raises(msgspec.ValidationError):
        parse(**fields)


async def test_nor_may_one_that_nobody_parsed_be_longer(server, org):
    data = PostMessage(content="x" * (MAX_CONTENT_LENGTH + 1))
    with pytest.raises(CrewhallError) as refused:
        await server.services.part(Posting).post(org.owner.actor, new_id(), data)
    assert (refused.value.code, refused.value.fields) == ("invalid", {"field": "content"})


def nested(depth):
    value = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_metadata_is_as_deep_as_it_may_be_and_no_deeper():
    check_metadata(nested(MAX_METADATA_DEPTH))
    with pytest.raises(ValueError, match="levels deep"):
        check_metadata(nested(MAX_METADATA_DEPTH + 1))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_metadata_is_taken_or_refused_but_never_breaks(value):
    try:
        check_metadata({"value": value})
    except ValueError:
        return
    assert msgspec.json.encode({"value": value})


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "❤️", "👨‍👩‍👧‍👦", "🇩🇪", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "‼️", "↔️", "✅", "🧑‍💻"])
def test_one_emoji_may_be_several_characters(emoji):
    assert check_emoji(emoji) == emoji


@pytest.mark.parametrize(
    "text", ["", "a", "1", "#", "<", "+", "👍👍", "👍a", "日", "\u200d", "\ufe0f", "👍\u200d", "\0", "é", "\ufffd"]
)
def test_what_is_no_emoji(text):
    with pytest.raises(CrewhallError):
        check_emoji(text)


@given(st.text())
def test_any_text_is_judged(text):
    with contextlib.suppress(CrewhallError):
        assert check_emoji(text) == text
