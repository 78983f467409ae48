"""What the page of the timeline is asked for, as its address says it; links change one thing and keep the rest."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx
from crewhall.work import timeline_queries as queries
from crewhall.work.http_timeline import looked_for
from crewhall.work.timeline_kinds import event_kinds
from crewhall.work.timeline_schemas import Looked

GROUPS = {
    "": "All", "problems": "Problems", "questions": "Questions", "advice": "Advice", "reviews": "Reviews",
    "tasks": "Tasks", "sessions": "Sessions", "github": "GitHub", "wiki": "Wiki", "trust": "Trust",
}  # fmt: skip
"""What the tabs show, by the groups that event types name."""


class Asked(msgspec.Struct):
    """What the page's address asks for; links keep it."""

    group: str = ""
    author: UUID | None = None
    agent: UUID | None = None
    project: UUID | None = None
    session: UUID | None = None
    mention: UUID | None = None
    conversation: UUID | None = None
    metadata: tuple[str, ...] = ()
    q: str = ""

    def looked(self) -> Looked:
        """The same as the list takes it. A group that nobody knows is any."""
        return looked_for(
            self._types, self.author, self.agent, self.session, self.project, self.conversation, self.mention,
            list(self.metadata), words=self.q,
        )  # fmt: skip

    def link(self, **changed: Any) -> str:
        """The address with something changed."""
        given = msgspec.structs.asdict(self) | changed
        query = [(name, one) for name, value in given.items() if value for one in _each(value)]
        return f"/timeline?{urlencode(query)}" if query else "/timeline"

    @property
    def export(self) -> str:
        """The address of the same as a file."""
        given = msgspec.structs.asdict(self) | {"group": ()}
        query = [("type", name) for name in self._types]
        query += [(name, one) for name, value in given.items() if value for one in _each(value)]
        return f"/api/v1/timeline/export?{urlencode(query)}" if query else "/api/v1/timeline/export"

    @property
    def _types(self) -> list[str]:
        return [kind.name for kind in event_kinds() if self.group and kind.group == self.group]

    @property
    def narrows(self) -> bool:
        """Whether anything but the group is asked for."""
        return self != Asked(group=self.group)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """All of it but the words, as fields of the form that asks for others."""
        given = msgspec.structs.asdict(self)
        return [(name, one) for name, value in given.items() if value and name != "q" for one in _each(value)]


def _each(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple) else [str(value)]


async def narrowed_by(tx: Tx, asked: Asked) -> list[tuple[str, str]]:
    """What the list is narrowed by, in words, each with the address without it. Who may not be named is somebody."""
    ids = [one for one in (asked.author, asked.agent, asked.mention) if one]
    names = await queries.names_of(tx, ids)
    told = {
        "author": f"by {names.get(asked.author, 'somebody')}" if asked.author else None,
        "agent": f"about {names.get(asked.agent, 'an agent')}" if asked.agent else None,
        "mention": f"mentioning {names.get(asked.mention, 'somebody')}" if asked.mention else None,
        "conversation": "from one conversation" if asked.conversation else None,
        "project": f"of {await _project(tx, asked.project)}" if asked.project else None,
        "session": "of one session" if asked.session else None,
    }
    said = [(words, asked.link(**{name: None})) for name, words in told.items() if words]
    return said + [
        (label, asked.link(metadata=tuple(one for one in asked.metadata if one != label))) for label in asked.metadata
    ]


async def _project(tx: Tx, project_id: UUID) -> str:
    name = await tx.value(
        "select p.name from projects p where p.id = %(id)s and p.id in (select readable_projects())", {"id": project_id}
    )
    return str(name or "one project")
