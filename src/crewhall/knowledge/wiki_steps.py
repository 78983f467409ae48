"""The steps of a wiki entry's versions: which may follow which. Pure; `may_follow` of the schema says the same."""

from crewhall.knowledge.vocabulary import WikiStatus

S = WikiStatus

FOLLOWS: dict[WikiStatus | None, frozenset[WikiStatus]] = {
    None: frozenset({S.DRAFT, S.PENDING}),
    S.DRAFT: frozenset({S.DRAFT, S.PENDING}),
    S.PENDING: frozenset({S.DRAFT, S.PENDING, S.APPROVED, S.REJECTED}),
    S.APPROVED: frozenset({S.DRAFT, S.PENDING}),
    S.REJECTED: frozenset({S.DRAFT, S.PENDING}),
}
"""What may follow a version; None: the first one of an entry. Nothing is approved that did not wait for it."""


def may_follow(before: WikiStatus | None, after: WikiStatus) -> bool:
    """Whether a version with the one status may be followed by one with the other."""
    return after in FOLLOWS[before]
