import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.conversations import markdown, markdown_parser
from crewhall.conversations.emoji import check_emoji
from crewhall.conversations.markdown import is_plain, render_markdown
from crewhall.conversations.mentions import mentioned_names
from crewhall.faces.plumbing.assets import ROOT

ADA = '<span class="mention" data-handle="ada">@ada</span>'
PIECES = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from([
            "\n", "\n\n", " ", "@ada", "@ada.", "@bob", "x@ada.org", "1.", "1)", "#", "- ", "+", "=", ">", "<", "&",
            "'", '"', "http:", "//", "mailto:", "www.x.org", "a.py", "\t", "    ", "🙂", "日本", "\u3000", "\u2028",
            "!", "_", "(c)", "...", "---", "{", "}", "$x$", "^", "%", ";", "?",
        ]),
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(PIECES)
def test_the_short_way_gives_what_the_long_way_gives(text):
    if is_plain(text):
        assert markdown._render_plain(text, {"ada"}) == markdown._render_parsed(text, {"ada"}, {})


@given(PIECES, st.sampled_from(["<script>x</script>", "<img src=x onerror=y>", "[a](javascript:b)", "<svg/onload=x>"]))
def test_no_text_makes_html_outside_the_allow_list(text, attack):
    html = render_markdown(text + attack + text, {"ada"})
    assert markdown_parser._CLEANER.clean(html) == html
    assert "<script" not in html
    assert "<img" not in html
    assert "<svg" not in html


@pytest.mark.parametrize(("text", "html"), [
    ("hello", "<p>hello</p>"),
    ("a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>"),
    ("1 < 2 & 'x' > \"y\"", "<p>1 &lt; 2 &amp; 'x' &gt; \"y\"</p>"),
    ("**b** ~~s~~ *e*", "<p><strong>b</strong> <s>s</s> <em>e</em></p>"),
    ("- [ ] do\n- [x] done", '<ul>\n<li class="task">☐ do</li>\n<li class="task">☑ done</li>\n</ul>'),
    ("|n|\n|-:|", '<table>\n<thead>\n<tr>\n<th class="right">n</th>\n</tr>\n</thead>\n</table>'),
    ("```py\nx\n```", '<pre><code class="language-py">x\n</code></pre>'),
    ("see https://a.org/b.", '<p>see <a href="https://a.org/b" rel="noopener noreferrer nofollow">https://a.org/b</a>.</p>'),
    ("![cat](https://a.org/c.png)", '<p>!<a href="https://a.org/c.png" rel="noopener noreferrer nofollow">cat</a></p>'),
    ("[here](/settings)", '<p><a rel="noopener noreferrer nofollow">here</a></p>'),
    ("main.py and ada@example.org", "<p>main.py and ada@example.org</p>"),
])  # fmt: skip
def test_what_markdown_becomes(text, html):
    assert render_markdown(text) == html


def test_dangerous_links_lose_their_address():
    for address in ("javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"):
        assert "href" not in render_markdown(f"[x]({address}) <{address}>")


def test_only_resolved_mentions_are_marked_and_never_in_code_or_links():
    assert render_markdown("hi @ada, @bob", {"ada"}) == f"<p>hi {ADA}, @bob</p>"
    assert render_markdown("`@ada` **@ada**", {"ada"}) == f"<p><code>@ada</code> <strong>{ADA}</strong></p>"
    assert ADA not in render_markdown("```\n@ada\n```\n\n    @ada", {"ada"})
    assert ADA not in render_markdown("[@ada](https://a.org) ada@ada.org https://a.org/@ada", {"ada"})


def test_a_mention_keeps_how_it_was_written():
    assert render_markdown("@Ada. @ada日本", {"ada"}) == (
        f'<p><span class="mention" data-handle="ada">@Ada</span>. {ADA}日本</p>'
    )


def test_names_that_a_text_may_mean():
    assert mentioned_names("@Ada @bob.b. (@scout-1)") == {"ada", "bob.b", "bob.b.", "scout-1"}
    assert mentioned_names("`@ada` x@bob.org\n\n    @carl\n\n[@dora](https://a.org)\n```\n@eve\n```") == set()
    assert mentioned_names("@ada@server.org @@ada") == set()
    assert len(mentioned_names(" ".join(f"@a{i}" for i in range(500)))) == 100


HOSTILE = {
    "brackets": "[", "images": "![", "stars": "*a **a ", "star run": "*", "quotes": "> ", "lists": "- ", "ticks": "`a`",
    "links": "[a](<b", "entities": "&", "table": "|a", "table rows": "|\n", "references": "[a]: x\n", "escapes": "\\",
    "addresses": "http://a@", "mentions": "@a.", "lines": "a\n", "open links": "[a](http://b '", "tildes": "~~a ",
    "underscores": "_a __", "slashes": "//", "spaces": " ", "links run together": "https://a", "emails": " a@",
    "long links": "https://a" + "b" * 70,
}  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("before", ["", "|a|b|\n|-|-|\n", "[a]: x\n"], ids=["alone", "table", "reference"])
def test_hostile_text_takes_bounded_time(unit, before):
    text = (before + unit * 40_000)[:40_000]
    started = time.process_time()
    render_markdown(text, {"a"})
    mentioned_names(text)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_below_the_limit_of_marks_is_parsed_in_bounded_time(unit):
    marks = max(1, len(markdown._MARK.findall(unit)))
    text = unit * min(markdown.MAX_MARKS // marks, 40_000 // len(unit))
    started = time.process_time()
    render_markdown(text, {"a"})
    assert time.process_time() - started < 1.0


def test_deep_nesting_is_cut():
    assert render_markdown("> " * 500 + "deep").count("<blockquote>") <= markdown_parser.MAX_NESTING


def test_a_quote_calls_nobody():
    assert mentioned_names("> @scout why?\n\nI ask @ada") == {"ada"}
    assert mentioned_names("> > @scout\n\n1. @ada") == {"ada"}


def test_every_emoji_of_the_picker_is_one():
    lines = (ROOT / "vendor" / "emoji.txt").read_text().splitlines()
    emoji = [line.split(" ")[0] for line in lines if not line.startswith("# ")]
    assert len(emoji) > 1800
    for one in emoji:
        check_emoji(one)
