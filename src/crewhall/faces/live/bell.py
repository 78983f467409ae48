"""Whoever is told of something hears that on every connection, and that it was read elsewhere."""

from crewhall.faces.live.frames import ephemeral_frame
from crewhall.faces.live.hub import Hub
from crewhall.kernel.signals import Signals
from crewhall.notifications import NOTIFICATIONS_CHANNEL, read_notice
from crewhall.ports.live import Ephemeral


class Bell:
    """Tells the connections of this process; the notice reaches every process. Loss is allowed."""

    def __init__(self, hub: Hub, signals: Signals) -> None:
        self._hub = hub
        signals.subscribe(NOTIFICATIONS_CHANNEL, self._on_told)

    def _on_told(self, payload: str) -> None:
        for told in read_notice(payload):
            fields = {"notification": told.notification_id}
            for listener in self._hub.connections(told.org_id, told.recipient_id):
                listener.push(ephemeral_frame(listener.actor, Ephemeral(told.org_id, None, "notification", fields)))
