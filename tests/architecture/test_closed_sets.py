"""Closed sets: what Python may write and what the database takes are the same words."""

import re
from enum import StrEnum

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from scripts.modules import import_all

SMALLER_ON_PURPOSE = {"invitations_role": "Role", "deactivated_members_role": "Role"}
"""Checks that take some of a set's words: nobody is invited as owner, and no owner is deactivated."""

WRITTEN_BY_ONE = {
    "agent_credentials_type",
    "conversations_topic_state",
    "login_tokens_kind",
    "logins_kind",
    "message_records_status",
}
"""Words that no input chooses and one statement writes: a set of their own would have one reader."""


def vocabulary() -> dict[str, frozenset[str]]:
    """Every StrEnum of the package, by its name, with its words."""
    import_all()
    found: dict[str, frozenset[str]] = {}
    kinds = list(StrEnum.__subclasses__())
    while kinds:
        kind = kinds.pop()
        kinds.extend(kind.__subclasses__())
        if kind.__module__.startswith("crewhall.") and issubclass(kind, StrEnum):
            found[kind.__name__] = frozenset(kind)
    return found


def checks(schema: Connection[TupleRow]) -> dict[str, frozenset[str]]:
    """Every check that lists the words a text column takes."""
    definitions = schema.execute("""
        select conname, pg_get_constraintdef(oid) from pg_constraint
        where contype = 'c' and connamespace = 'public'::regnamespace and cardinality(conkey) = 1
    """)
    return {
        name: frozenset(re.findall(r"'([^']+)'::text", text)) for name, text in definitions if "= ANY (ARRAY[" in text
    }


def test_every_closed_set_has_one_vocabulary(schema: Connection[TupleRow]):
    words = vocabulary()
    strange = {
        name: sorted(taken)
        for name, taken in checks(schema).items()
        if name not in WRITTEN_BY_ONE
        and taken not in words.values()
        and not taken < words.get(SMALLER_ON_PURPOSE.get(name, ""), frozenset())
    }
    assert strange == {}


@pytest.mark.parametrize("name", sorted(SMALLER_ON_PURPOSE))
def test_smaller_sets_are_still_smaller(schema: Connection[TupleRow], name: str):
    assert checks(schema)[name] < vocabulary()[SMALLER_ON_PURPOSE[name]]
