"""Makers: the people with whose rights schedules and webhooks act, as they are when they act."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.ports.message_log import CONVERSATION_CLOSED
from crewhall.runtime.vocabulary import PauseReason

_MAKER: LiteralString = """
select u.name, k.role from memberships k join users u on u.id = k.user_id and u.deleted_at is null
where k.org_id = %(org)s and k.user_id = %(user)s
"""


class _Maker(msgspec.Struct):
    name: str
    role: Role


async def find_maker(tx: Tx, org_id: UUID, user_id: UUID) -> Actor | None:
    """Return a person as an actor of the organization, with the role that it has now; None when it has left."""
    found = await tx.find(_Maker, _MAKER, {"org": org_id, "user": user_id})
    if found is None:
        return None
    return Actor(type=ActorType.USER, id=user_id, org_id=org_id, name=found.name, role=found.role)


def pause_reason_of(error: CrewhallError) -> PauseReason:
    """Why what somebody made is paused when its maker's rights refuse it so."""
    if error.kind is CONVERSATION_CLOSED:
        return PauseReason.CLOSED
    return PauseReason.UNFIT if error.kind is INVALID else PauseReason.NO_ACCESS
