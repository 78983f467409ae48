"""The page of a person's day."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, get
from litestar.di import NamedDependency

from crewhall.faces.plumbing.moments import day_name
from crewhall.faces.plumbing.pages import render_in_hall, zone_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.work.day import Waiting, read_day
from crewhall.work.pages_timeline_asked import Asked
from crewhall.work.pages_timeline_shown import days_of, plain_text
from crewhall.work.timeline_schemas import EventPage
from crewhall.work.vocabulary import IN_WORDS

AnyRequest = Request[Any, Any, Any]


@get("/day")
async def show_my_day(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[str]:
    """What is to be done, what waits, who is at work, what happened since yesterday began."""
    zone, now = zone_of(request), utc_now()
    async with services.db.transaction(actor) as tx:
        day = await read_day(tx, actor, services.part(Waiting), since_yesterday(now, zone))
        days = await days_of(tx, zone, Asked(), EventPage(items=day.happened))
    is_empty = not (day.tasks or day.mentions or day.approvals or day.questions)
    return await render_in_hall(
        "day.html", request, services, actor, day=day, days=days, today=day_name(now, zone), words=IN_WORDS,
        is_empty=is_empty, plain=plain_text,
    )  # fmt: skip


def since_yesterday(now: datetime, zone: ZoneInfo) -> datetime:
    """When yesterday began, where the person is."""
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    return datetime.combine(yesterday, time(), tzinfo=zone).astimezone(UTC)


PAGES = page_router([show_my_day])
