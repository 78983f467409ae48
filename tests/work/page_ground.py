"""A form of a page as a browser without scripts sends it: all of its fields, those that were changed changed."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.identity.hall import Member
from tests.support.server import Server

_LINE_END = re.compile(r"\r\n|\r|\n")


class PageForm:
    """The form that has a field of that name, at an address; `fields`: what it shows, nothing where it is not there."""

    def __init__(self, browser: httpx.AsyncClient, member: Member, path: str, field: str) -> None:
        self._browser, self._member, self._path, self._field = browser, member, path, field
        self.text = ""
        self.fields: dict[str, str] = {}

    def show(self, answer: httpx.Response) -> None:
        """Take what a page shows."""
        self.text = answer.text
        forms = _Forms()
        forms.feed(answer.text)
        self.fields = next((form for form in forms.found if self._field in form), {})

    async def choose(self, *, to: str | None = None, **fields: str) -> None:
        """Send the form as it is shown, with these changed; a refusal is shown, else it stays the page that it was."""
        answer = await self._browser.post(to or self._path, data=_sent(self.fields | fields))
        assert answer.status_code in {303, 404, 409, 422}, answer.text
        if answer.status_code != 303:
            self.show(answer)

    async def send(self, path: str, **fields: str) -> int:
        """Send what a form of another page has, and nothing else; returns how that is answered."""
        return (await self._browser.post(path, data=_sent(fields))).status_code

    async def now(self) -> dict[str, Any]:
        """What the page is of, by the API."""
        found: dict[str, Any] = (await self._member.api.get(self._path)).raise_for_status().json()
        return found


async def visit_page(server: Server, member: Member, path: str, form: str = "shown_status") -> PageForm:
    """Open a page at the form that has this field."""
    browser, _ = await server.browse(member)
    browser.base_url = server.address
    browser.headers.update({"origin": server.address, "accept": "text/html"})
    page = PageForm(browser, member, path, form)
    page.show((await browser.get(path)).raise_for_status())
    return page


def _sent(fields: dict[str, str]) -> dict[str, str]:
    """Fields as they go over the wire: every line ends with CRLF."""
    return {name: "\r\n".join(_LINE_END.split(value)) for name, value in fields.items()}


class _Forms(HTMLParser):
    """The fields of every form, with their values: those of one line hold no line ends."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self._select = self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.found.append({})
        elif tag == "input" and name and self.found and given.get("type") != "checkbox":
            self.found[-1][name] = value if given.get("type") == "hidden" else _LINE_END.sub("", value)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in self.found[-1] or "selected" in given):
            self.found[-1][self._select] = value
        elif tag == "textarea":
            self._text = name
            self.found[-1][name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._text = ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.found[-1][self._text] += data
