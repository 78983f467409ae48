"""What became of agents' pull requests, on the timeline: checks that fail, deployments of what was merged.

Whatever is mirrored of a pull request or its commits is looked at as the mirror has it then, so that it makes no
difference what came first: a check before its pull request, a deployment before the merge. Each is told once.
"""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid5

from msgspec import Struct

from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.events import subscribe
from crewhall.work.github.facts import ThingMirrored
from crewhall.work.github.vocabulary import ItemKind
from crewhall.work.timeline import record_event
from crewhall.work.timeline_content import ChecksFailed, Content, DeploymentEnded
from crewhall.work.timeline_news import NEWS, is_news, line_of

_TELLING = frozenset({ItemKind.PULL_REQUEST, ItemKind.CHECK_SUITE, ItemKind.STATUS, ItemKind.DEPLOYMENT_STATUS})
_OUTCOMES: LiteralString = """
select * from pull_outcomes(%(repository)s, %(kind)s, %(number)s, %(sha)s, %(since)s)
"""
_TOLD: LiteralString = """
select id from events where org_id = any (current_orgs()) and id = any (%(ids)s) and "timestamp" > %(since)s
"""

LONGEST_LINK = 2000


class _Outcome(Struct, frozen=True):
    number: int
    title: str
    pull_url: str | None
    repository: str
    github_id: int | None
    agent_id: UUID
    sha: str
    is_deployment: bool
    key: str
    name: str | None
    how: str
    url: str | None
    moment: datetime


def tell_of_outcomes() -> None:
    """Follow what is mirrored, in its transactions."""
    subscribe(ThingMirrored, _on_mirrored)


async def _on_mirrored(tx: Tx, actor: Actor, fact: ThingMirrored) -> None:
    if fact.kind not in _TELLING:
        return
    since = utc_now() - NEWS
    values = {"repository": fact.at.repository_id, "kind": str(fact.kind), "number": fact.number, "sha": fact.sha}
    found = await tx.all(_Outcome, _OUTCOMES, values | {"since": since})
    told = {_id_of(actor.org, one): one for one in found if is_news(one.moment)}
    if not told:
        return
    known = set(await tx.values(_TOLD, {"ids": list(told), "since": since}))
    for event_id, one in told.items():
        if event_id not in known:
            about = {"repository": str(fact.at.repository_id), "number": str(one.number), "sha": one.sha}
            await record_event(
                tx, actor.org, _content(one), agent_id=one.agent_id, project_id=fact.at.project_id, at=one.moment,
                event_id=event_id, mentions=[one.agent_id], metadata=about,
            )  # fmt: skip


def _id_of(org_id: UUID, one: _Outcome) -> UUID:
    """A check is told once for a commit, however often it fails; a deployment once for each way in which it ends."""
    what = f"deployed:{one.key}:{one.how}" if one.is_deployment else f"failed:{one.sha}:{one.key}"
    return uuid5(org_id, f"github:{one.github_id}:{one.number}:{what}")


def _content(one: _Outcome) -> Content:
    title = line_of(one.title) or f"#{one.number}"
    told: dict[str, Any] = {
        "repository": one.repository, "number": one.number, "title": title, "agent_id": one.agent_id, "sha": one.sha,
        "url": _link(one.url) or _link(one.pull_url) or f"https://github.com/{one.repository}/pull/{one.number}",
    }  # fmt: skip
    if one.is_deployment:
        return DeploymentEnded(**told, environment=line_of(one.name) or "somewhere", state=one.how)
    return ChecksFailed(**told, check=line_of(one.name) or "of its commit", conclusion=one.how)


def _link(url: str | None) -> str | None:
    """An address that a page may lead to."""
    return url if url is not None and url.startswith(("https://", "http://")) and len(url) <= LONGEST_LINK else None
