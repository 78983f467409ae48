"""Issues, comments and labels, read."""

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
from crewhall.work.github.items import NEVER, Item
from crewhall.work.github.vocabulary import ItemKind


def issue(raw: Raw, *, is_deleted: bool = False) -> Item | None:
    """An issue; None for a pull request, which is told as one, too."""
    if raw.get("pull_request"):
        return None
    return Item(
        kind=ItemKind.ISSUE,
        key=key_of(raw),
        number=number_of(raw),
        state=text_of(raw, "state"),
        title=text_of(raw, "title"),
        body=text_of(raw, "body"),
        author=login_of(raw.get("user")),
        url=text_of(raw, "html_url"),
        moment=moment_of(raw, "updated_at"),
        is_deleted=is_deleted,
        data={
            "labels": names_of(raw.get("labels"), "name"),
            "assignees": names_of(raw.get("assignees"), "login"),
            "milestone": text_of(within(raw, "milestone"), "title"),
            "state_reason": text_of(raw, "state_reason"),
            "created_at": text_of(raw, "created_at"),
            "closed_at": text_of(raw, "closed_at"),
        },
    )


def comment(raw: Raw, number: int | None = None, *, is_deleted: bool = False) -> Item:
    """A comment on an issue or a pull request."""
    return said(ItemKind.COMMENT, raw, number or number_in(text_of(raw, "issue_url")), is_deleted=is_deleted)


def label(raw: Raw, *, is_deleted: bool = False) -> Item:
    """A label. GitHub does not say when one changed: what is read is right."""
    return Item(
        kind=ItemKind.LABEL,
        key=key_of(raw),
        title=text_of(raw, "name"),
        body=text_of(raw, "description"),
        moment=NEVER,
        is_deleted=is_deleted,
        data={"color": text_of(raw, "color")},
    )


def said(kind: ItemKind, raw: Raw, number: int | None, *, is_deleted: bool) -> Item:
    """What somebody said of an issue or a pull request."""
    return Item(
        kind=kind,
        key=key_of(raw),
        number=number,
        body=text_of(raw, "body"),
        author=login_of(raw.get("user")),
        url=text_of(raw, "html_url"),
        moment=moment_of(raw, "updated_at"),
        is_deleted=is_deleted,
        data={"created_at": text_of(raw, "created_at")},
    )
