"""What a webhook tells: the things of a repository in it, by its event. Events that tell of none are known as such."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from crewhall.work.github import builds, issues, pulls
from crewhall.work.github.fields import Raw, Unreadable, clean
from crewhall.work.github.items import Item

DELETIONS = frozenset({"deleted", "transferred"})
Reader = Callable[[Raw], list[Item | None]]


class Told(msgspec.Struct, frozen=True):
    """A payload that was read."""

    action: str | None
    repository: Raw | None
    installation_id: int | None
    items: list[Item]
    is_known: bool


def read_payload(event: str, body: bytes, *, is_form: bool = False) -> Told:
    """Read a delivery. Raises Unreadable."""
    try:
        raw = msgspec.json.decode(_of_form(body) if is_form else body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable("The payload is no JSON that can be read.") from error
    if not isinstance(raw, dict):
        raise Unreadable("The payload is no JSON object.")
    action, reader = raw.get("action"), _READERS.get(event)
    repository, installation = raw.get("repository"), raw.get("installation")
    number = installation.get("id") if isinstance(installation, dict) else None
    return Told(
        action=clean(action)[:100] if isinstance(action, str) else None,
        repository=repository if isinstance(repository, dict) else None,
        installation_id=number if isinstance(number, int) else None,
        items=[one for one in reader(raw) if one is not None] if reader else [],
        is_known=reader is not None or event == "repository",
    )


def _of_form(body: bytes) -> bytes:
    try:
        fields = parse_qs(body, max_num_fields=10)
    except ValueError as error:
        raise Unreadable("The payload is no form that can be read.") from error
    found = fields.get(b"payload")
    if not found:
        raise Unreadable("The form has no field `payload`.")
    return found[0]


def _part(raw: Raw, name: str) -> Raw:
    found: Any = raw.get(name)
    if not isinstance(found, dict):
        raise Unreadable(f"The payload has no {name}.")
    return found


def _is_gone(raw: Raw) -> bool:
    return raw.get("action") in DELETIONS


def _issue(raw: Raw) -> list[Item | None]:
    return [issues.issue(_part(raw, "issue"), is_deleted=_is_gone(raw))]


def _comment(raw: Raw) -> list[Item | None]:
    about = _part(raw, "issue")
    said = issues.comment(_part(raw, "comment"), about.get("number"), is_deleted=_is_gone(raw))
    return [issues.issue(about), said]


def _pull_request(raw: Raw) -> list[Item | None]:
    return [pulls.pull_request(_part(raw, "pull_request"))]


def _review(raw: Raw) -> list[Item | None]:
    pull = pulls.pull_request(_part(raw, "pull_request"))
    assert pull.number is not None
    return [pull, pulls.review(_part(raw, "review"), pull.number)]


def _review_comment(raw: Raw) -> list[Item | None]:
    pull = pulls.pull_request(_part(raw, "pull_request"))
    return [pull, pulls.review_comment(_part(raw, "comment"), pull.number, is_deleted=_is_gone(raw))]


def _deployment_status(raw: Raw) -> list[Item | None]:
    of = builds.deployment(_part(raw, "deployment"))
    return [of, builds.deployment_status(_part(raw, "deployment_status"), of)]


_READERS: dict[str, Reader] = {
    "issues": _issue,
    "issue_comment": _comment,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "pull_request_review_comment": _review_comment,
    "check_run": lambda raw: [builds.check_run(_part(raw, "check_run"))],
    "check_suite": lambda raw: [builds.check_suite(_part(raw, "check_suite"))],
    "status": lambda raw: [builds.status(raw)],
    "push": lambda raw: [builds.push(raw)],
    "deployment": lambda raw: [builds.deployment(_part(raw, "deployment"))],
    "deployment_status": _deployment_status,
    "label": lambda raw: [issues.label(_part(raw, "label"), is_deleted=_is_gone(raw))],
}
READ_EVENTS = frozenset(_READERS)
