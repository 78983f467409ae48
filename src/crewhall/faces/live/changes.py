"""Who has a conversation open hears what becomes of it, and who is made a member or taken out of one hears that.

No list needs to be asked for again until then.
"""

from uuid import UUID

from crewhall.conversations import CHANGES_CHANNEL, JOINED_CHANNEL, Change, read_change
from crewhall.faces.live.frames import ephemeral_frame
from crewhall.faces.live.hub import Hub
from crewhall.kernel.signals import Signals
from crewhall.ports.live import Ephemeral


class Changes:
    """Tells the connections of this process; the notice reaches every process. Loss is allowed.

    Told at once, while they still follow it: whether they may go on is asked after (`recheck.py`).
    """

    def __init__(self, hub: Hub, signals: Signals) -> None:
        self._hub = hub
        signals.subscribe(JOINED_CHANNEL, self._on_joined)
        signals.subscribe(CHANGES_CHANNEL, self._on_change)

    def _on_joined(self, payload: str) -> None:
        org_id, conversation_id, member_id = map(UUID, payload.split())
        for listener in self._hub.connections(org_id, member_id):
            listener.push(ephemeral_frame(listener.actor, Ephemeral(org_id, conversation_id, "joined", {})))

    def _on_change(self, payload: str) -> None:
        told = read_change(payload)
        if told.change is Change.REMOVED and told.member_id is not None:
            listeners = self._hub.connections(told.org_id, told.member_id)
        else:
            listeners = self._hub.subscriptions(told.conversation_id)
        frame = Ephemeral(told.org_id, told.conversation_id, "conversation", {"change": told.change})
        for listener in listeners:
            listener.push(ephemeral_frame(listener.actor, frame))
