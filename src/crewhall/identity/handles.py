"""Whether a handle is free: no person has it, and no agent of the organizations in reach has it as its code."""

from crewhall.identity.words import handles_like
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT

_TAKEN = {
    "user": "This handle is taken.",
    "agent": "An agent of your organization has this name as its code, and both are written after the @.",
}


async def holder_of(tx: Tx, handle: str) -> str | None:
    """Tell who has the name: `agent`, `user`, or None.

    Agents count that are in the transaction's or the person's organizations.
    The database refuses whoever comes second all the same (migration 0007): this is for the sentence.
    """
    holder: str | None = await tx.value("select holder_of_name(%(name)s)", {"name": handle})
    return holder


async def check_handle_free(tx: Tx, handle: str) -> None:
    """Raise CONFLICT with a `suggestion` where somebody has the handle."""
    if holder := await holder_of(tx, handle):
        suggestion = await free_handle(tx, handle)
        raise CONFLICT(f"{_TAKEN[holder]} Choose another: {suggestion} is free.", field="handle", suggestion=suggestion)


async def free_handle(tx: Tx, stem: str) -> str:
    """Return a handle like this one that is free."""
    for candidate in handles_like(stem):
        if await holder_of(tx, candidate) is None:
            return candidate
    raise AssertionError("candidates never end")
