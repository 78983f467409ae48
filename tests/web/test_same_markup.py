"""A message looks the same whether the server or the browser rendered it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from playwright.async_api import Page

from crewhall.conversations.wire import Message
from crewhall.faces.plumbing import moments
from crewhall.faces.plumbing.messages import fragments, render_stream
from crewhall.kernel.ids import new_id
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors

MOMENT = datetime(2026, 3, 9, 7, 5, 4, 123456, UTC)
LATER = MOMENT + timedelta(minutes=3)
SOMEBODY, ANOTHER = new_id(), new_id()


def _file(name: str, size: int, width: int | None, height: int | None) -> dict[str, Any]:
    seen = {"width": width, "height": height} if width else {}
    return {"id": str(new_id()), "name": name, "media_type": "image/png", "size": size, **seen}


VARIANTS: list[dict[str, Any]] = [
    {},
    {"html": "<p>a <strong>b</strong> &amp; <code>&lt;c&gt;</code></p>", "title": "Title & <more>"},
    {"author": {"type": "agent", "id": SOMEBODY, "name": "Scout"}, "kind": "update"},
    *({"kind": kind, "author": {"type": "agent", "id": ANOTHER, "name": "ledger keeper"}}
      for kind in ("insight", "question", "answer", "alert", "metric")),
    {"author": {"type": "user", "id": SOMEBODY, "name": "  Ångström  de la Østerbø "}, "client_id": "c-1"},
    {"author": {"type": "system", "id": UUID(int=0), "name": ""}},
    {"edited_at": LATER, "pinned_at": LATER, "mentions": [SOMEBODY, ANOTHER], "parent_id": ANOTHER},
    {"deleted_at": LATER, "html": None, "content": "", "edited_at": LATER, "reply_count": 2, "last_reply_at": LATER},
    {"reactions": {"👍": [{"type": "user", "id": SOMEBODY}], "🎉": [{"type": "user", "id": SOMEBODY},
                                                                 {"type": "agent", "id": ANOTHER}]}},
    {"reply_count": 1, "last_reply_at": LATER},
    *({"html": html} for html in (
        f"<p>{'é' * 3993}</p>", f"<p>{'😀' * 3994}</p>", "<p>a</p>\n" * 40, "<p>a</p>\n" * 41,
        f"<pre><code>{chr(10).join('x' * 43)}</code></pre>\n", "<table>\n<tr>\n<td>1</td>\n</tr>\n</table>\n" * 20,
        "<ul>\n" + "<li>one</li>\n" * 41 + "</ul>", "<p>a<br>\n" + "b<br>\n" * 41 + "c</p>",
    )),
    {"html": "<p>a</p>\n" * 90, "deleted_at": LATER},
    *({"metadata": {"files": [_file(*file) for file in files]}, **fields} for files, fields in (
        ([("a.png", 999, 300, 200)], {"html": None, "content": ""}),
        ([("notes", 1024, None, None), ('Ö & "x".PDF', 1_048_575, None, None)], {}),
        ([("tall.jpeg", 1_048_576, 11, 4000), ("wide.gif", 3_355_443, 4000, 3),
          ("x.tar.gz", 52_428_800, None, None)], {}),
        ([("gone.png", 10, 3, 3)], {"deleted_at": LATER, "html": None}),
    )),
    {"metadata": {"sources": [
        {"number": 1, "id": str(SOMEBODY), "title": "Manual & <more>, page 3", "url": "/documents/a?chunk=b#chunk-b"},
        {"number": 2, "id": str(ANOTHER), "title": "Elsewhere", "url": "//evil.example"},
        {"number": 3, "id": str(ANOTHER), "title": "#general", "url": "/c/a?at=3"}, "law", {"url": "/x"}]}},
    {"metadata": {"sources": "hearsay"}},
    {"reply_count": 12, "last_reply_at": MOMENT + timedelta(days=40)},
    {"created_at": datetime(2025, 12, 31, 23, 59, 59, 999999, UTC)},
]  # fmt: skip
RENDER = """async ([messages, grouped, base]) => {
  const { render } = await import(base + "js/live/render.js");
  const { messageView } = await import(base + "js/live/view.js");
  return messages.map((message) => render("message", messageView(message, { grouped })).outerHTML);
}"""


def _message(**fields: Any) -> Message:
    plain = {
        "id": new_id(), "conversation_id": new_id(), "seq": 7,
        "author": {"type": "user", "id": SOMEBODY, "name": "Ada"},
        "role": "user", "kind": "message", "content": "x", "html": "<p>x</p>\n", "created_at": MOMENT,
    }  # fmt: skip
    return msgspec.convert({**plain, **fields}, Message)


def _plain(html: str) -> str:
    """Without the white space between elements, and with attributes as the browser writes them."""
    return re.sub(r">\s+|\s+<", lambda found: found[0].strip(), html)


async def _as_parsed(page: Page, html: str) -> list[str]:
    found: list[str] = await page.evaluate(
        "html => { const t = document.createElement('template'); t.innerHTML = html;"
        " return [...t.content.children].map((child) => child.outerHTML); }",
        html,
    )
    return found


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("grouped", [False, True])
async def test_both_sides_render_the_same(visitors: Visitors, server: Server, org: Org, zone: str, grouped: bool):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner, timezone_id=zone)
    messages = [_message(**variant) for variant in VARIANTS]
    ours = [fragments.render(message, ZoneInfo(zone), grouped=grouped) for message in messages]
    base = await page.evaluate("document.querySelector('script[type=module]').src.replace('js/app.js', '')")
    theirs = await page.evaluate(RENDER, [msgspec.to_builtins(messages), grouped, base])
    for mine, other in zip(await _as_parsed(page, "".join(ours)), theirs, strict=True):
        assert _attributes_sorted(_plain(mine)) == _attributes_sorted(_plain(other))


def _attributes_sorted(html: str) -> str:
    def in_order(tag: re.Match[str]) -> str:
        attributes = re.findall(r'[\w-]+(?:="[^"]*")?', tag[2])
        return f"<{tag[1]} {' '.join(sorted(attributes))}>"

    return re.sub(r"<(\w+)((?: [^<>]*?)?)>", in_order, html)


async def test_both_sides_put_the_same_between_messages(visitors: Visitors, server: Server, org: Org):
    """Days and grouping: what the server arranged is left as it is by the browser's own arranging."""
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    agent = {"type": "agent", "id": ANOTHER, "name": "Scout"}
    steps: list[tuple[int, dict[str, Any]]] = [
        (0, {}), (1, {}), (1, {"author": agent}), (1, {"author": agent, "title": "Title"}), (1, {"author": agent}),
        (6, {"author": agent}), (1, {"author": agent, "parent_id": SOMEBODY}), (1200, {"author": agent}), (1, {}),
    ]  # fmt: skip
    moment, messages = MOMENT, []
    for seq, (minutes, fields) in enumerate(steps, 1):
        moment += timedelta(minutes=minutes)
        messages.append(_message(seq=seq, created_at=moment, **fields))
    html = render_stream(messages, ZoneInfo("UTC"))
    before, after = await page.evaluate(
        """async ([html, base]) => {
          const { arrange } = await import(base + "js/conversation/arrange.js");
          const list = document.createElement("ol");
          list.innerHTML = html;
          const before = list.innerHTML;
          arrange(list);
          const kept = list.innerHTML;
          for (const item of list.querySelectorAll(".day")) item.remove();
          for (const item of list.children) item.removeAttribute("data-grouped");
          arrange(list);
          const shape = (of) => [...of.children].map((item) => item.textContent.trim() + (item.dataset.grouped ?? ""));
          const first = document.createElement("ol");
          first.innerHTML = kept;
          return [[before, shape(first)], [kept, shape(list)]];
        }""",
        [str(html), await page.evaluate("document.querySelector('script[type=module]').src.replace('js/app.js', '')")],
    )
    assert before == after


def test_names_and_ids_have_signs():
    assert [moments.initials(name) for name in ("Ada", "ada lovelace", " ", "Jean le Rond d'Alembert")] == [
        "A", "AL", "?", "JD",
    ]  # fmt: skip
    assert moments.hue("01a2020f-c0ce-776a-b1fe-ba5c37254163") in range(moments.HUES)


def test_text_that_looks_like_a_binding_stays_as_it_was_written():
    html = '<p>a data-if="b <a href="https://example.org" rel="nofollow">c</a> data-html="d</p>'
    assert html in fragments.render(_message(html=html), ZoneInfo("UTC"))
    assert 'data-if="' not in fragments.render(_message(html="<p>x</p>"), ZoneInfo("UTC"))


def test_only_what_is_long_is_folded():
    contents = [
        "<p>a</p>", f"<p>{'x' * 3993}</p>", f"<p>{'x' * 3994}</p>", "<p>a</p>\n" * 40, "<p>a</p>\n" * 41,
    ]  # fmt: skip
    shown = [fragments.render(_message(html=html), ZoneInfo("UTC")) for html in contents]
    assert ['class="fold"' in html for html in shown] == [False, False, True, False, True]
