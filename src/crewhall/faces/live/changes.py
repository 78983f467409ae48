"""Who has a conversation open hears what becomes of it, and who is made a member or taken out of one hears that.

No list needs to be asked for again until then.
"""

import asyncio
import logging
from collections.abc import Iterable
from uuid import UUID

from psycopg import Error
from psycopg_pool import PoolClosed, PoolTimeout

from crewhall.conversations import CHANGES_CHANNEL, JOINED_CHANNEL, Change, ChangeNotice, list_member_ids, read_change
from crewhall.faces.live.frames import ephemeral_frame
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.listener import Listener
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.live import Ephemeral

log = logging.getLogger(__name__)


class Changes:
    """Tells the connections of this process; the notice reaches every process. Loss is allowed.

    Told at once, while they still follow it: whether they may go on is asked after (`recheck.py`). Of what is back its
    members hear too, in whose lists it was not: they followed it no more.
    """

    def __init__(self, hub: Hub, signals: Signals, db: Database) -> None:
        self._hub = hub
        self._db = db
        self._tasks: set[asyncio.Task[None]] = set()
        signals.subscribe(JOINED_CHANNEL, self._on_joined)
        signals.subscribe(CHANGES_CHANNEL, self._on_change)

    def _on_joined(self, payload: str) -> None:
        org_id, conversation_id, member_id = map(UUID, payload.split())
        for listener in self._hub.connections(org_id, member_id):
            listener.push(ephemeral_frame(listener.actor, Ephemeral(org_id, conversation_id, "joined", {})))

    def _on_change(self, payload: str) -> None:
        told = read_change(payload)
        if told.change is Change.RESTORED:
            task = asyncio.get_running_loop().create_task(self._tell_restored(told), name="restored")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif told.change is Change.REMOVED and told.member_id is not None:
            self._push(told, self._hub.connections(told.org_id, told.member_id))
        else:
            self._push(told, self._hub.subscriptions(told.conversation_id))

    async def _tell_restored(self, told: ChangeNotice) -> None:
        listeners = dict.fromkeys(self._hub.subscriptions(told.conversation_id))
        try:
            async with self._db.transaction(system_actor(told.org_id)) as tx:
                members = await list_member_ids(tx, told.conversation_id)
        except (Error, PoolTimeout, PoolClosed, OSError) as error:
            log.warning("who follows is told alone", extra={"reason": str(error).strip()})
            members = []
        for member in members:
            listeners |= dict.fromkeys(self._hub.connections(told.org_id, member))
        self._push(told, listeners)

    def _push(self, told: ChangeNotice, listeners: Iterable[Listener]) -> None:
        frame = Ephemeral(told.org_id, told.conversation_id, "conversation", {"change": told.change})
        for listener in listeners:
            listener.push(ephemeral_frame(listener.actor, frame))
