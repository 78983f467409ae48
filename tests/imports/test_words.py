"""Slack's markup becomes ours: what was bold is bold, what was a name is a name, and nothing else becomes anything."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewhall.conversations import render_markdown
from crewhall.imports.mrkdwn import to_markdown
from crewhall.imports.shortcodes import emoji_of
from crewhall.imports.slack import moment_of

NAMES = {"U1": "ada"}


def shown(text: str) -> str:
    return to_markdown(text, lambda id: NAMES.get(id, "Somebody"), lambda _: "plans")


@pytest.mark.parametrize(
    ("slack", "ours"),
    [
        ("*bold* _slanted_ ~gone~", "**bold** *slanted* ~~gone~~"),
        ("2*3*4 and snake_case_name", "2\\*3\\*4 and snake_case_name"),
        ("<@U1> and <@U2|them>", "@ada and @Somebody"),
        ("<#C1|general> <#C2>", "#general #plans"),
        ("<!here> <!subteam^S1|@devs>", "@here @devs"),
        ("<https://a.example/?x=1&amp;y=2|the [docs]>", "[the \\[docs\\]](https://a.example/?x=1&y=2)"),
        ("<https://a.example/>", "https://a.example/"),
        ("<javascript:alert(1)|click>", "click"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("# no heading", "\\# no heading"),
        ("• one\n• two", "- one\n- two"),
        ("&gt; quoted", ">  quoted"),
        ("`*code* &lt;b&gt;`", "`*code* <b>`"),
        ("![x](https://a.example)", "!\\[x]\\(https://a.example)"),
    ],
)
def test_markup_is_translated(slack: str, ours: str):
    assert shown(slack) == ours


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="*_~`<>|@#!&;ab \n\ue000\ue0010", max_size=60))
def test_any_text_is_translated_to_safe_html(text: str):
    html = render_markdown(shown(text))
    assert "<script" not in html
    assert "javascript:" not in html


def test_names_of_emoji():
    assert [emoji_of(one) for one in ("+1", "heart", "white_check_mark", "wave::skin-tone-3", "flag-de")] == [
        "👍", "❤️", "✅", "👋🏼", "🇩🇪"]  # fmt: skip
    assert emoji_of("our_logo") is None


@pytest.mark.parametrize("ts", ["", "x", "12", "99999999999.1", "1600000000.1234567", "-1600000000"])
def test_what_is_no_moment(ts: str):
    assert moment_of(ts) is None


def test_a_moment_is_exact():
    moment = moment_of("1600000000.000100")
    assert moment is not None
    assert moment.isoformat() == "2020-09-13T12:26:40.000100+00:00"


@pytest.mark.parametrize("text", ["\n" * 100_000 + "x", "-" * 100_000 + "x", " \n" * 50_000, "• \n" * 50_000])
def test_hostile_texts_cost_no_more_than_others(text):
    began = time.process_time()
    to_markdown(text, str, str)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", ["\ue0000\ue001", "\ue0009\ue001", "a\ue001b"])
def test_names_with_our_own_marks_are_names(name):
    assert to_markdown("<@U1> `code`", lambda _: name, str) == f"@{name.translate({0xE000: None, 0xE001: None})} `code`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Well done :tada:", "Well done 🎉"),
        ("`:tada:` at 10:30:15", "`:tada:` at 10:30:15"),
        (":our-own-llama: x", ":our-own-llama: x"),
    ],
)
def test_emoji_in_words_are_emoji(text, shown):
    assert to_markdown(text, str, str) == shown
