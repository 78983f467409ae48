"""Conflicts of an issue's fields: whoever was later wins, field by field."""

from typing import Any

from crewhall.work.github.fields import Raw
from crewhall.work.github.issues import issue
from crewhall.work.github.vocabulary import FieldOutcome

WRITES = frozenset({FieldOutcome.WRITTEN, FieldOutcome.WON})


def settle(stands: Any, wanted: Any, base: Any, *, is_theirs: bool) -> FieldOutcome:
    """What becomes of a field: how it stands there, what is wanted, how it stood when that was asked for."""
    if stands == wanted:
        return FieldOutcome.SAME
    if stands == base:
        return FieldOutcome.WRITTEN
    return FieldOutcome.LOST if is_theirs else FieldOutcome.WON


def field_of(raw: Raw, field: str) -> Any:
    """A field of an issue, as a change would write it."""
    item = issue({**raw, "pull_request": None})
    assert item is not None
    return {"title": item.title, "body": item.body, "state": item.state, **item.data}[field]
