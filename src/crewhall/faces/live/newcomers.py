"""Who is made a member of a conversation hears of it on every connection: no list needs to be asked for again."""

from uuid import UUID

from crewhall.conversations import JOINED_CHANNEL
from crewhall.faces.live.frames import ephemeral_frame
from crewhall.faces.live.hub import Hub
from crewhall.kernel.signals import Signals
from crewhall.ports.live import Ephemeral


class Newcomers:
    """Tells the connections of this process; the notice reaches every process. Loss is allowed."""

    def __init__(self, hub: Hub, signals: Signals) -> None:
        self._hub = hub
        signals.subscribe(JOINED_CHANNEL, self._on_joined)

    def _on_joined(self, payload: str) -> None:
        org_id, conversation_id, member_id = map(UUID, payload.split())
        for listener in self._hub.connections(org_id, member_id):
            listener.push(ephemeral_frame(listener.actor, Ephemeral(org_id, conversation_id, "joined", {})))
