"""When membership of a conversation changes, its live listeners must still have access, or stop hearing it."""

import asyncio
import logging
from uuid import UUID

from crewhall.conversations import MEMBERSHIP_CHANNEL, AccessCache, Verb
from crewhall.faces.live.frames import error_frame
from crewhall.faces.live.hub import Hub
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals

log = logging.getLogger(__name__)


class Rechecks:
    """Asks again for each listener of a conversation whose membership changed."""

    def __init__(self, hub: Hub, access: AccessCache, signals: Signals) -> None:
        self._hub = hub
        self._access = access
        self._tasks: set[asyncio.Task[None]] = set()
        signals.subscribe(MEMBERSHIP_CHANNEL, self._on_change)

    def _on_change(self, payload: str) -> None:
        task = asyncio.get_running_loop().create_task(self._check(UUID(payload)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, conversation_id: UUID) -> None:
        open_to: UUID | None = None
        for listener in self._hub.subscriptions(conversation_id):
            if open_to is not None and listener.actor.org_id == open_to:
                continue
            try:
                access = await self._access.access(listener.actor, conversation_id, Verb.READ)
                if access.type == "public":  # to its whole organization: one answer serves all
                    open_to = access.org_id
            except CrewhallError as error:
                if self._hub.unsubscribe(listener, conversation_id):  # of two checks at once, one says so
                    listener.push(error_frame(error, conversation=conversation_id))
            except Exception:
                log.exception("access could not be checked again")
                listener.close(4409)
