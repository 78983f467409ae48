"""Pull requests and their reviews, read."""

import msgspec

from crewhall.work.github.closing import closings
from crewhall.work.github.fields import (
    Raw,
    key_of,
    login_of,
    moment_of,
    names_of,
    number_in,
    number_of,
    text_of,
    within,
)
from crewhall.work.github.issues import said
from crewhall.work.github.items import NEVER, Item
from crewhall.work.github.vocabulary import ItemKind


def pull_request(raw: Raw) -> Item:
    """A pull request; `state` is `open`, `closed` or `merged`, `sha` the head's."""
    head, base = within(raw, "head"), within(raw, "base")
    merged_at, into = text_of(raw, "merged_at"), text_of(base, "ref")
    is_into_default = into == text_of(within(base, "repo"), "default_branch")
    body = text_of(raw, "body")
    return Item(
        kind=ItemKind.PULL_REQUEST,
        key=key_of(raw),
        number=number_of(raw),
        sha=text_of(head, "sha"),
        state="merged" if merged_at else text_of(raw, "state"),
        title=text_of(raw, "title"),
        body=body,
        author=login_of(raw.get("user")),
        url=text_of(raw, "html_url"),
        moment=moment_of(raw, "updated_at"),
        step=1 if merged_at else 0,
        data={
            "labels": names_of(raw.get("labels"), "name"),
            "assignees": names_of(raw.get("assignees"), "login"),
            "reviewers": names_of(raw.get("requested_reviewers"), "login"),
            "is_draft": bool(raw.get("draft")),
            "head_ref": text_of(head, "ref"),
            "base_ref": into,
            "merged_at": merged_at,
            "merge_sha": text_of(raw, "merge_commit_sha") if merged_at else None,
            "created_at": text_of(raw, "created_at"),
            "closed_at": text_of(raw, "closed_at"),
            "closes": [msgspec.to_builtins(one) for one in closings(body)] if is_into_default else [],
        },
    )


def review_comment(raw: Raw, number: int | None = None, *, is_deleted: bool = False) -> Item:
    """A comment on lines of a pull request."""
    found = number or number_in(text_of(raw, "pull_request_url"))
    item = said(ItemKind.REVIEW_COMMENT, raw, found, is_deleted=is_deleted)
    about = {"path": text_of(raw, "path"), "review": str(raw.get("pull_request_review_id") or "") or None}
    return msgspec.structs.replace(item, sha=text_of(raw, "commit_id"), data=item.data | about)


def review(raw: Raw, number: int) -> Item:
    """A review; `state` is `approved`, `changes_requested`, `commented`, `dismissed` or `pending`."""
    state = (text_of(raw, "state") or "").lower()
    return Item(
        kind=ItemKind.REVIEW,
        key=key_of(raw),
        number=number,
        sha=text_of(raw, "commit_id"),
        state=state,
        body=text_of(raw, "body"),
        author=login_of(raw.get("user")),
        url=text_of(raw, "html_url"),
        moment=moment_of(raw, "submitted_at", or_else=NEVER),
        step=2 if state == "dismissed" else 1,
    )
