"""What a search is narrowed by: a place, an author, a kind, what a message holds, and when it was written."""

from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import LiteralString, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from crewhall.agents import find_agents_by_codes
from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.search_syntax import ONCE, Narrowing, Operator, Query, days_of
from crewhall.identity import find_people_by_handles, find_placeholders_named
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND, CrewhallError
from crewhall.kernel.wallclock import instants_of
from crewhall.ports.message_log import MessageKind

W = TypeVar("W", bound=StrEnum)
OWN = "me"
_DIRECT: LiteralString = """
select id from conversations where org_id = %(org)s and direct_key = %(key)s and deleted_at is null
"""
_NAMED: LiteralString = """
select c.id from conversations c
where c.org_id = %(org)s and c.deleted_at is null and c.kind <> 'agent'
  and (c.name = %(name)s
       or (c.kind = 'group' and lower(c.title) = %(name)s and c.id in (select reachable_conversations())))
order by c.name is null, c.id desc limit 1
"""


class Holds(StrEnum):
    """What a message may hold beside its words: a file, an image among them, a link."""

    FILE = "file"
    IMAGE = "image"
    LINK = "link"


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a message may have: of several places, authors, kinds or things held, any will do."""

    places: tuple[UUID, ...] = ()
    authors: tuple[UUID, ...] = ()
    kinds: tuple[MessageKind, ...] = ()
    holds: tuple[Holds, ...] = ()


class Filters(Traits, frozen=True, kw_only=True):
    """What found messages have in common: `since` is the first moment, `until` the first one that is too late.

    What has any of the traits of `without` is left out.
    """

    since: datetime | None = None
    until: datetime | None = None
    without: Traits = Traits()

    def given(self) -> dict[str, object]:
        """Those that narrow anything, by name."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in named.items() if value and value != Traits()}

    def asked(self) -> dict[str, object]:
        """All of them as the database takes them: lists, null where they narrow nothing."""
        lists = {name: list(getattr(self, name)) or None for name in Traits.__struct_fields__}
        left_out = {f"not_{name}": list(getattr(self.without, name)) or None for name in Traits.__struct_fields__}
        return {**lists, **left_out, "since": self.since, "until": self.until}


async def typed_filters(tx: Tx, actor: Actor, query: Query, zone: ZoneInfo | None = None) -> Filters:
    """What the operators of a query mean to the actor; days are those of the zone, else of the person's own.

    Raises INVALID for names, kinds and days that mean nothing; whoever and whatever the actor may not see is not there.
    """
    wanted: dict[str, list[object]] = {}
    without: dict[str, list[object]] = {}
    days: dict[str, datetime] = {}
    for one in query.narrowings:
        if one.operator in ONCE:
            zone = zone or await _own_zone(tx, actor)
            _add_days(days, one.operator, one.value, zone)
            continue
        trait, value = await _trait(tx, actor, one)
        held = (without if one.is_excluded else wanted).setdefault(trait, [])
        if value not in held:
            held.append(value)
    return msgspec.convert({**wanted, **days, "without": without}, Filters)


async def _trait(tx: Tx, actor: Actor, narrowing: Narrowing) -> tuple[str, object]:
    operator, value = narrowing.operator, narrowing.value
    match operator:
        case Operator.FROM:
            return "authors", (await _somebody(tx, actor, value))[1]
        case Operator.IN:
            return "places", await _place(tx, actor, value)
        case Operator.KIND:
            return "kinds", _word(MessageKind, operator, value)
        case _:
            return "holds", _word(Holds, operator, value)


def both(typed: Filters, chosen: Filters) -> Filters:
    """The filters of a query beside those given in another way; the same one twice is refused."""
    given, more = typed.given(), chosen.given()
    if twice := sorted(given.keys() & more.keys()):
        raise INVALID(f"{twice[0]} are given twice: as an operator and beside it.", field="q")
    return msgspec.structs.replace(typed, **more)


async def check_places(tx: Tx, actor: Actor, filters: Filters) -> None:
    """Refuse conversations that the actor may not read."""
    for place in filters.places:
        await access_conversation(tx, actor, place, Verb.READ)


def _word(words: type[W], operator: Operator, value: str) -> W:
    try:
        return words(value.lower())
    except ValueError as error:
        raise INVALID(f"{operator}: is one of {', '.join(words)}.", field="q") from error


async def _somebody(tx: Tx, actor: Actor, value: str) -> tuple[ActorType, UUID]:
    name = value.removeprefix("@").lower()
    if name == OWN:
        return actor.type, actor.id
    if person := (await find_people_by_handles(tx, [name])).get(name):
        return ActorType.USER, person.id
    if agent := (await find_agents_by_codes(tx, [name])).get(name):
        return ActorType.AGENT, agent.id
    if wanted := _id(value):
        return ActorType.USER, wanted
    imported = await find_placeholders_named(tx, name)
    if len(imported) == 1:
        return ActorType.USER, imported[0]
    if imported:
        whole = 'Give the whole name in quotes, as from:"Ada Lovelace", or the author\'s id.'
        raise INVALID(f"Several who wrote elsewhere are called {value[:80]!r}. {whole}", field="q")
    raise INVALID(f"There is no person or agent {value[:80]!r} here. Give a handle, such as from:ada.", field="q")


async def _place(tx: Tx, actor: Actor, value: str) -> UUID:
    absent = INVALID(f"There is no conversation {value[:80]!r}, or it is not shared with you.", field="q")
    found: UUID | None = _id(value)
    if value.startswith("@"):
        pair = sorted(f"{kind}:{one}" for kind, one in ((actor.type, actor.id), await _somebody(tx, actor, value)))
        found = await tx.value(_DIRECT, {"org": actor.org, "key": "|".join(pair)})
    elif found is None:
        found = await tx.value(_NAMED, {"org": actor.org, "name": value.removeprefix("#").lower()})
    if found is None:
        raise absent
    try:
        await access_conversation(tx, actor, found, Verb.READ)
    except CrewhallError as error:
        if error.kind is not NOT_FOUND:
            raise
        raise absent from error
    return found


def _id(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


async def _own_zone(tx: Tx, actor: Actor) -> ZoneInfo:
    name = await tx.value("select timezone from users where id = %(id)s", {"id": actor.id})
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _add_days(found: dict[str, datetime], operator: Operator, value: str, zone: ZoneInfo) -> None:
    first, following = days_of(value, datetime.now(UTC).astimezone(zone).date())
    if operator is not Operator.BEFORE:
        since = _midnight(zone, first if operator is Operator.ON else following)
        found["since"] = max(since, found.get("since", since))
    if operator is not Operator.AFTER:
        until = _midnight(zone, first if operator is Operator.BEFORE else following)
        found["until"] = min(until, found.get("until", until))


def _midnight(zone: ZoneInfo, day: date) -> datetime:
    return instants_of(zone, datetime.combine(day, time()))[0]
