"""What agents, and whoever comes through MCP, can do with the timeline: read it, report a problem, ask, advise."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.work import timeline_queries as queries
from crewhall.work.timeline import Timeline
from crewhall.work.timeline_content import MAX_TEXT_LENGTH
from crewhall.work.timeline_kinds import check_event_types
from crewhall.work.timeline_schemas import MAX_LABELS, MAX_MENTIONS, MAX_WORDS, Event, Looked, NewEvent
from crewhall.work.timeline_vocabulary import EventType, Severity

MOST, MOST_TYPES = 50, 20
Mentions = Annotated[
    list[UUID], Meta(max_length=MAX_MENTIONS, description="Ids of people and agents whom it concerns.")
]
Labels = Annotated[
    dict[str, str], Meta(max_length=MAX_LABELS, description="What it can be found by, as {'service': 'billing'}.")
]
Signature = Annotated[
    str, Meta(max_length=100, description="Only where you have a key: by it, of the canonical JSON (see the docs).")
]
Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH)]


class ReadTimeline(Struct, forbid_unknown_fields=True, kw_only=True):
    """Read the organization's timeline, newest first: problems, questions, advice, reviews, tasks, trust."""

    types: Annotated[list[str], Meta(max_length=MOST_TYPES, description="Only these; all where there are none.")] = []
    author_id: Annotated[UUID, Meta(description="Only of this person or agent.")] | None = None
    agent_id: Annotated[UUID, Meta(description="Only what tells of this agent.")] | None = None
    mention: Annotated[UUID, Meta(description="Only what mentions this person or agent.")] | None = None
    session_id: Annotated[UUID, Meta(description="Only of this work session.")] | None = None
    project_id: Annotated[UUID, Meta(description="Only of this project.")] | None = None
    labels: Annotated[dict[str, str], Meta(max_length=MAX_LABELS, description="Only with all of these.")] = {}
    since: Annotated[datetime, Meta(tz=True, description="Nothing older.")] | None = None
    words: Annotated[str, Meta(max_length=MAX_WORDS, description="Only with all of these words.")] | None = None
    after: Annotated[str, Meta(description="The `next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST, description="How many at most.")] = 20


class ShownEvent(Struct, kw_only=True, omit_defaults=True):
    """What happened, said in `summary`; `text` is what was said."""

    id: UUID
    type: str
    timestamp: datetime
    summary: str
    link: str
    text: str = ""
    metadata: dict[str, Any] = {}


class Events(Struct):
    """A page of the timeline. `next` is given back as `after`."""

    events: list[ShownEvent]
    next: str | None = None


class ReportProblem(Struct, forbid_unknown_fields=True, kw_only=True):
    """Report on the timeline what does not work or stands in the way, so that whoever can help sees it."""

    text: Text
    severity: Severity | None = None
    mentions: Mentions = []
    labels: Labels = {}
    signature: Signature | None = None


class AskEverybody(Struct, forbid_unknown_fields=True, kw_only=True):
    """Ask a question on the timeline, of everybody or of whom it mentions. Answers come as advice or as messages."""

    text: Text
    mentions: Mentions = []
    labels: Labels = {}
    signature: Signature | None = None


class GiveAdvice(Struct, forbid_unknown_fields=True, kw_only=True):
    """Give advice on the timeline; `about` is the event that it answers."""

    text: Text
    about: UUID | None = None
    mentions: Mentions = []
    labels: Labels = {}
    signature: Signature | None = None


async def read_timeline(caller: Caller, asked: ReadTimeline) -> Events:
    """A page of events within the caller's reach."""
    looked = Looked(
        types=tuple(dict.fromkeys(check_event_types(asked.types) or ())), author_id=asked.author_id,
        agent_id=asked.agent_id, mention=asked.mention, session_id=asked.session_id, project_id=asked.project_id,
        labels=tuple(asked.labels.items()), since=asked.since, words=asked.words or None,
    )  # fmt: skip
    async with caller.db.transaction(caller.actor) as tx:
        page = await queries.list_events(tx, caller.actor, looked, after=asked.after, limit=asked.limit)
    return Events([_shown(one) for one in page.items], page.next)


async def report_problem(caller: Caller, asked: ReportProblem) -> ShownEvent:
    """Post a problem."""
    severity = {"severity": str(asked.severity)} if asked.severity else {}
    return await _post(caller, EventType.PROBLEM_REPORT, asked, severity)


async def ask_everybody(caller: Caller, asked: AskEverybody) -> ShownEvent:
    """Post a question."""
    return await _post(caller, EventType.QUESTION_ASKED, asked, {})


async def give_advice(caller: Caller, asked: GiveAdvice) -> ShownEvent:
    """Post advice."""
    return await _post(caller, EventType.ADVICE_GIVEN, asked, {"about": str(asked.about)} if asked.about else {})


async def _post(
    caller: Caller, kind: EventType, asked: ReportProblem | AskEverybody | GiveAdvice, more: dict[str, Any]
) -> ShownEvent:
    event = NewEvent(
        type=str(kind), content={"text": asked.text, **more}, mentions=asked.mentions, metadata=dict(asked.labels),
        signature=asked.signature,
    )  # fmt: skip
    return _shown(await caller.parts.part(Timeline).post(caller.actor, event))


def _shown(one: Event) -> ShownEvent:
    return ShownEvent(
        id=one.id, type=one.type, timestamp=one.timestamp, summary=one.summary, link=one.link, text=one.text,
        metadata=one.metadata,
    )  # fmt: skip


TOOLS = (
    Tool(
        "read_timeline", described(ReadTimeline), ReadTimeline, read_timeline,
        is_repeatable=True, gives=Events, title="Read the timeline", risk=Risk.READ,
    ),
    Tool(
        "report_problem", described(ReportProblem), ReportProblem, report_problem,
        is_repeatable=False, gives=ShownEvent, title="Report a problem",
        effect=lambda asked: f"It would report a problem on the timeline: {asked.text[:200]}",
    ),
    Tool(
        "ask_everybody", described(AskEverybody), AskEverybody, ask_everybody,
        is_repeatable=False, gives=ShownEvent, title="Ask on the timeline",
        effect=lambda asked: f"It would ask on the timeline: {asked.text[:200]}",
    ),
    Tool(
        "give_advice", described(GiveAdvice), GiveAdvice, give_advice,
        is_repeatable=False, gives=ShownEvent, title="Give advice",
        effect=lambda asked: f"It would give advice on the timeline: {asked.text[:200]}",
    ),
)  # fmt: skip
