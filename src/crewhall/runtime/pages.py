"""Pages of turns: the runs, one run with all that it did, why agents spoke and why not."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.governance import get_price, money_in_words
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.kernel.place_names import place_name
from crewhall.runtime import canceling, queries
from crewhall.runtime.explanations import CAUSES, describe, what_it_answers
from crewhall.runtime.pages_run_now import agents_to_ask
from crewhall.runtime.runs import OPEN
from crewhall.runtime.schemas import Run, RunStep, TurnDecision
from crewhall.runtime.timeline import Entry, entries_of, in_words
from crewhall.runtime.vocabulary import RunStatus

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
EXCERPT = 160
TONES = {
    RunStatus.SUCCEEDED: "accent",
    RunStatus.FAILED: "danger",
    RunStatus.STOPPED: "brass",
    RunStatus.QUEUED: "sky",
    RunStatus.RUNNING: "sky",
    RunStatus.WAITING: "brass",
}
OUTCOMES = {"speak": ("Takes a turn", "accent"), "wait": ("Waits", "sky"), "silent": ("Silent", "brass")}


class Excerpt(msgspec.Struct):
    """The beginning of a message, and who wrote it."""

    id: UUID
    seq: int
    text: str


class ShownRun(msgspec.Struct):
    """A run as a list shows it: the `sentence` that people were told, the `headline` in short."""

    run: Run
    where: str
    sentence: str
    headline: str
    tone: str
    took: str | None
    cost: str | None


def shown(run: Run) -> ShownRun:
    """A run as a list shows it."""
    took = in_words(run.completed_at - run.started_at) if run.started_at and run.completed_at else None
    return ShownRun(
        run=run,
        where=place_name(run.conversation),
        sentence=in_a_sentence(run, run.detail),
        headline=in_a_sentence(run),
        tone=TONES.get(run.status, ""),
        took=took,
        cost=cost_of(run),
    )


def in_a_sentence(run: Run, detail: str | None = None) -> str:
    """How a run stands or how it ended: as people were told (`detail`), else in short."""
    by = run.canceled_by.name if run.canceled_by else None
    return describe(run.agent.name, run.status, run.reason, detail, by=by, waits_for=run.waits_for)


def cost_of(run: Run) -> str | None:
    """What a run cost, in words; None where nobody knows."""
    return None if run.cost is None or run.currency is None else money_in_words(run.cost, run.currency)


@get("/runs")
async def show_runs(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation: FromQuery[UUID | None] = None,
    agent: FromQuery[UUID | None] = None,
    status: FromQuery[RunStatus | None] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """The turns that agents took, newest first."""
    async with services.db.transaction(actor) as tx:
        page = await queries.list_runs(
            tx, actor, conversation_id=conversation, agent_id=agent, status=status, after=after
        )
        of = await access_agent(tx, actor, agent) if agent else None
    kept = {"conversation": conversation, "agent": agent}
    return await render_in_hall(
        "runs.html",
        request,
        services,
        actor,
        runs=[shown(run) for run in page.items],
        next=page.next,
        of=of,
        conversation=conversation,
        only=status,
        statuses=list(RunStatus),
        kept="".join(f"{name}={value}&" for name, value in kept.items() if value),
    )


@get("/runs/{run_id:uuid}")
async def show_run(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], run_id: FromPath[UUID]
) -> Page:
    """One run: what set it off, what it did when, what it used, how it ended."""
    async with services.db.transaction(actor) as tx:
        run = await queries.get_run(tx, actor, run_id)
        steps = await _all_steps(tx, actor, run_id)
        excerpts = await _excerpts(tx, run.conversation.id, [run.message_id, run.answer_id])
        together = await queries.list_together(tx, run)
        price = await get_price(tx, run.price_id) if run.price_id else None
        last_seq = await tx.value(
            "select last_seq from conversation_heads where conversation_id = %(id)s", {"id": run.conversation.id}
        )
    entries = entries_of(run, steps, datetime.now(UTC))
    return await render_in_hall(
        "run.html",
        request,
        services,
        actor,
        run=run,
        shown=shown(run),
        is_open=run.status in OPEN,
        last_seq=last_seq,
        cause=CAUSES[run.cause].format(agent=run.agent.name),
        asked=excerpts.get(run.message_id),
        answer=excerpts.get(run.answer_id),
        together=together[: queries.MOST_TOGETHER],
        together_in_words=what_it_answers(run.status, run.reason, len(together), queries.MOST_TOGETHER),
        entries=entries,
        asks_leave=any(entry.kind == "approval" for entry in entries),
        cost=cost_of(run) or "unknown",
        price=price,
        plain=lambda amount: f"{amount.normalize():f}",
        requests=_token_bars(entries),
        pretty=_pretty,
    )


@post("/runs/{run_id:uuid}/cancel")
async def cancel_run(
    services: NamedDependency[Services], actor: NamedDependency[Actor], run_id: FromPath[UUID]
) -> Redirect:
    """Stop a run, and show it."""
    try:
        async with services.db.transaction(actor) as tx:
            await canceling.cancel_run(tx, actor, run_id)
    except CrewhallError as error:
        return go(f"/runs/{run_id}", error.detail)
    return go(f"/runs/{run_id}", "It is being stopped.")


@get("/c/{conversation_id:uuid}/decisions")
async def show_decisions(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    agent: FromQuery[UUID | None] = None,
    message: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """Why agents spoke in a conversation, and why not."""
    async with services.db.transaction(actor) as tx:
        page = await queries.list_decisions(tx, actor, conversation_id, agent_id=agent, message_id=message, after=after)
        access = await access_conversation(tx, actor, conversation_id, Verb.READ)
        runtime = await queries.get_conversation_runtime(tx, actor, conversation_id)
        excerpts = await _excerpts(tx, conversation_id, [message, *(one.message_id for one in page.items)])
        agents = await agents_to_ask(tx, actor, conversation_id) if message in excerpts else []
    return await render_in_hall(
        "decisions.html",
        request,
        services,
        actor,
        conversation=access,
        groups=_by_message(page.items),
        excerpts=excerpts,
        outcomes=OUTCOMES,
        message=message,
        agents=agents,
        runtime=runtime,
        next=page.next,
    )


def _by_message(decisions: list[TurnDecision]) -> list[list[TurnDecision]]:
    """Decisions about the same message together, as long as they stand side by side."""
    groups: list[list[TurnDecision]] = []
    for one in decisions:
        if groups and one.message_id is not None and groups[-1][0].message_id == one.message_id:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


async def _all_steps(tx: Tx, actor: Actor, run_id: UUID) -> list[RunStep]:
    found: list[RunStep] = []
    after: str | None = None
    while True:
        page = await queries.list_steps(tx, actor, run_id, after=after, limit=MAX_LIMIT)
        found += page.items
        after = page.next
        if after is None:
            return found


async def _excerpts(tx: Tx, conversation_id: UUID, wanted: list[UUID | None]) -> dict[UUID | None, Excerpt]:
    """The beginnings of messages; a deleted one has none. The caller has checked access."""
    ids = list({one for one in wanted if one is not None})
    rows = await tx.all(
        Excerpt,
        """
        select id, seq, left(content, %(most)s) || case when length(content) > %(most)s then '…' else '' end as text
        from messages
        where id = any (%(ids)s) and conversation_id = %(conversation)s and deleted_at is null
        """,
        {"ids": ids, "conversation": conversation_id, "most": EXCERPT},
    )
    return {row.id: row for row in rows}


class TokenBar(msgspec.Struct):
    """The tokens of one request to the model, and how wide they are drawn, in thousandths."""

    input_tokens: int
    output_tokens: int
    input_width: int
    output_width: int


def _token_bars(entries: list[Entry]) -> list[TokenBar]:
    asked = [entry for entry in entries if entry.input_tokens or entry.output_tokens]
    most = max((entry.input_tokens + entry.output_tokens for entry in asked), default=1)
    return [
        TokenBar(
            entry.input_tokens,
            entry.output_tokens,
            round(entry.input_tokens / most * 1000),
            round(entry.output_tokens / most * 1000),
        )
        for entry in asked
    ]


def _pretty(value: object) -> str:
    """JSON as people read it; a text as it is."""
    return value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


PAGES = page_router([show_runs, show_run, cancel_run, show_decisions])
