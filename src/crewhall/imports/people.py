"""Who somebody of an export is here: a member with the same mail address, or a placeholder."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from crewhall.identity import NewPlaceholder, find_people, find_people_by_emails, make_placeholders
from crewhall.imports.slack import SlackExport, SlackUser, clean
from crewhall.imports.transcript import Somebody
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

NOBODY_YET = UUID(int=0)
"""The id of who is not here: as long as nothing is written."""


class _Link(msgspec.Struct):
    external_id: str
    person_id: UUID


async def match_people(tx: Tx, export: SlackExport) -> dict[str, Somebody]:
    """Those of the export who are members here, and those who were given a placeholder before; by their ids there."""
    links = await tx.all(
        _Link,
        """
        select external_id, person_id from imported_people
        where org_id = any (current_orgs()) and source_key = %(key)s
        """,
        {"key": export.key},
    )
    linked = {link.external_id: link.person_id for link in links}
    members = await find_people(tx, set(linked.values()))
    by_email = await find_people_by_emails(tx, {email for user in export.users if (email := email_of(user))})
    names = {user.id: user.shown_name for user in export.users}
    found: dict[str, Somebody] = {}
    for external_id, person_id in linked.items():
        member = members.get(person_id)
        name = member.name if member else names.get(external_id, "Somebody")
        found[external_id] = Somebody(person_id, name, member.handle if member else None)
    for user in export.users:
        if member := by_email.get(email_of(user) or ""):
            found[user.id] = Somebody(member.id, member.name, member.handle)
    return found


def with_everybody(export: SlackExport, known: Mapping[str, Somebody]) -> dict[str, Somebody]:
    """The same, and everybody else by name alone: for looking through."""
    return {user.id: Somebody(NOBODY_YET, user.shown_name) for user in export.users} | dict(known)


async def settle_people(
    tx: Tx, actor: Actor, export: SlackExport, known: Mapping[str, Somebody]
) -> dict[str, Somebody]:
    """The same, with a placeholder for everybody of the export who is not here; all of it is kept for the next time."""
    new = [user for user in export.users if user.id not in known]
    ids = await make_placeholders(tx, actor, [NewPlaceholder(user.shown_name, email_of(user)) for user in new])
    made = {user.id: Somebody(id, user.shown_name) for user, id in zip(new, ids, strict=True)}
    found = dict(known) | made
    await _link(tx, actor, export, found)
    return found


async def settle_strangers(
    tx: Tx, actor: Actor, export: SlackExport, strangers: Mapping[str, str]
) -> dict[str, Somebody]:
    """A placeholder for each who wrote and stands in no list of people: programs, guests of other workspaces."""
    names = {id: name.strip()[:255] or "Somebody" for id, name in strangers.items()}
    ids = await make_placeholders(tx, actor, [NewPlaceholder(name) for name in names.values()])
    made = {external: Somebody(id, name) for (external, name), id in zip(names.items(), ids, strict=True)}
    await _link(tx, actor, export, made)
    return made


async def _link(tx: Tx, actor: Actor, export: SlackExport, people: Mapping[str, Somebody]) -> None:
    await tx.run(
        """
        insert into imported_people (org_id, source_key, external_id, person_id)
        select %(org)s, %(key)s, e.external, e.person
        from unnest(%(externals)s::text[], %(people)s::uuid[]) e (external, person)
        on conflict (org_id, source_key, external_id) do nothing
        """,
        {
            "org": actor.org,
            "key": export.key,
            "externals": list(people),
            "people": [one.id for one in people.values()],
        },
    )


def email_of(user: SlackUser) -> str | None:
    """The mail address of a person, in lower case; programs have none."""
    email = clean(user.profile.email or "").strip().lower()
    return None if user.is_bot or "@" not in email or len(email) > 255 else email  # noqa: PLR2004 - of the column
