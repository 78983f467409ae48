"""What the page of best matches is narrowed by: chosen in a form, kept in its address, shown as chips.

Days, places and people become operators among the words, as on the page of messages; what documents alone have stays
beside them.
"""

import re
from collections.abc import Mapping
from typing import LiteralString
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from crewhall.conversations import Narrowing, Operator, Query, narrowed, read_query
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.knowledge.http_search import kinds_of
from crewhall.knowledge.schemas_search import Searched

MOST_SOURCES = 200
TYPED = (Operator.FROM, Operator.IN, Operator.HAS, Operator.AFTER, Operator.BEFORE)
"""What has a field of its own and is an operator."""
DAYS = (Operator.AFTER, Operator.BEFORE)
HOLDS = (("", "Anything"), ("file", "A file"), ("image", "An image"), ("link", "A link"))
_OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES = {
    "application/pdf": "PDF",
    f"{_OFFICE}wordprocessingml.document": "Word",
    f"{_OFFICE}spreadsheetml.sheet": "Excel",
    f"{_OFFICE}presentationml.presentation": "PowerPoint",
    "application/vnd.oasis.opendocument.text": "OpenDocument text",
    "application/vnd.oasis.opendocument.spreadsheet": "OpenDocument tables",
    "application/vnd.oasis.opendocument.presentation": "OpenDocument slides",
    "text/markdown": "Markdown",
    "text/plain": "Text",
    "text/csv": "CSV",
    "text/html": "Web page",
    "image/png": "PNG picture",
    "image/jpeg": "JPEG picture",
    "image/tiff": "TIFF picture",
}
_SOURCES: LiteralString = """
select s.id, s.name, a.id as agent_id, a.name as agent
from agent_knowledge_sources s join agents a on a.org_id = s.org_id and a.id = s.agent_id
where s.org_id = any (current_orgs()) and s.id in (select readable_sources())
order by lower(a.name), a.id, lower(s.name), s.id limit %(most)s
"""
_NAME: LiteralString = """
select coalesce(d.title, d.name) from documents d
where d.org_id = any (current_orgs()) and d.id = %(document)s
  and exists (select from origins_of(array[%(document)s::uuid]))
"""


class Chip(msgspec.Struct, frozen=True):
    """A narrowing as it is shown, and the address of the search without it."""

    name: str
    value: str
    without: str


class Choices(msgspec.Struct, frozen=True):
    """What can be chosen from, beside what is typed: sources and their agents; the name of the document asked for."""

    known: list[tuple[str, str]]
    document: str | None

    def name_of(self, key: str) -> str:
        """What a choice is called; a word for what is out of reach."""
        return next((label for name, label in self.known if name == key), "not there")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for, as the page's address says it."""

    q: str = ""
    kinds: str = ""
    agent: str = ""
    source: str = ""
    document: str = ""
    media_type: str = ""

    @property
    def known(self) -> str:
        """What an agent knows, or one of its sources, as the form names it."""
        return f"source:{self.source}" if self.source else f"agent:{self.agent}" if self.agent else ""

    def path(self, offset: int = 0) -> str:
        """The address of the page."""
        said = msgspec.structs.asdict(self) | {"offset": str(offset) if offset else ""}
        return f"/search/best?{urlencode({name: value for name, value in said.items() if value or name == 'q'})}"

    def but(self, **others: str) -> "Asked":
        """The same search with other values."""
        return msgspec.structs.replace(self, **others)

    def searched(self) -> Searched:
        """What is asked of the search. Raises INVALID."""
        if "\0" in self.media_type:
            raise INVALID("There is no such type of file. Choose one in the filters.", field="media_type")
        return Searched(
            kinds=kinds_of(self.kinds), agent_id=_id(self.agent, "agent"), source_id=_id(self.source, "source"),
            document_id=_id(self.document, "document"), media_type=self.media_type or None,
        )  # fmt: skip

    def chosen(self, form: Mapping[str, str]) -> "Asked":
        """The search with what was chosen in the form. Raises INVALID for operators that cannot be read."""
        query = read_query(self.q.strip())
        kept = Query(query.words, tuple(one for one in query.narrowings if one.operator not in DAYS))
        values = ((operator, re.sub(r'[\s"]+', " ", form.get(operator, "")).strip()) for operator in TYPED)
        typed = narrowed(kept, [Narrowing(operator, value) for operator, value in values if value]).typed
        kind, _, which = form.get("known", "").partition(":")
        return self.but(
            q=typed, agent=which if kind == "agent" else "", source=which if kind == "source" else "",
            media_type=form.get("media_type", "").strip(),
        )  # fmt: skip

    def chips(self, choices: Choices) -> list[Chip]:
        """What it is narrowed by."""
        chips: list[Chip] = []
        try:
            query = read_query(self.q.strip())
        except CrewhallError:
            query = Query(self.q)
        for one in query.narrowings:
            without = self.but(q=query.without(one).typed).path()
            chips.append(Chip(f"{'not ' if one.is_excluded else ''}{one.operator}", one.value, without))
        if self.known:
            chips.append(Chip("known by", choices.name_of(self.known), self.but(agent="", source="").path()))
        if self.document:
            chips.append(Chip("in", choices.document or "a document", self.but(document="").path()))
        if self.media_type:
            label = MEDIA_TYPES.get(self.media_type, self.media_type)
            chips.append(Chip("type", label, self.but(media_type="").path()))
        return chips

    def days(self) -> dict[str, str]:
        """What stands in the fields of days."""
        try:
            query = read_query(self.q.strip())
        except CrewhallError:
            return {str(one): "" for one in DAYS}
        return {str(one): next(iter(query.values(one)), "") for one in DAYS}

    def media_types(self) -> list[tuple[str, str]]:
        """The types of files to choose from, that which is asked for among them."""
        known = {"": "Any type", **MEDIA_TYPES}
        return list(({self.media_type: self.media_type} | known if self.media_type not in known else known).items())


class _Source(msgspec.Struct):
    id: UUID
    name: str
    agent_id: UUID
    agent: str


async def choices_of(tx: Tx, asked: Asked) -> Choices:
    """What the actor can choose from, within its reach."""
    known = [("", "Whatever is known")]
    of: UUID | None = None
    for one in await tx.all(_Source, _SOURCES, {"most": MOST_SOURCES}):
        if one.agent_id != of:
            known.append((f"agent:{one.agent_id}", f"What {one.agent} knows"))
            of = one.agent_id
        known.append((f"source:{one.id}", f"{one.agent}: {one.name}"))
    return Choices(known, await _document(tx, asked.document))


async def _document(tx: Tx, document: str) -> str | None:
    """What a document is called that the actor may read."""
    try:
        name: str | None = await tx.value(_NAME, {"document": UUID(document)}) if document else None
    except ValueError:
        return None
    return name


def _id(value: str, field: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError as error:
        raise INVALID(f"{field}: this is no id. Choose one in the filters.", field=field) from error
