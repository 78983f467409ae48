"""Agents that have nothing left to spend: governance knows which, the pages of agents say it."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Tx


class Spent(Struct, frozen=True):
    """`find` gives, of the agents asked about, those that wait for a new budget, and until when; None: for good."""

    find: Callable[[Tx, Collection[UUID]], Awaitable[dict[UUID, datetime | None]]]
