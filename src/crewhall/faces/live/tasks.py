"""Who follows a project's channel hears which of its tasks changed, and looks again with the rights they have."""

from crewhall.faces.live.frames import ephemeral_frame
from crewhall.faces.live.hub import Hub
from crewhall.kernel.signals import Signals
from crewhall.ports.live import Ephemeral
from crewhall.work import TASKS_CHANNEL, read_notice


class TaskFrames:
    """Tells the connections of this process; the notice reaches every process. Loss is allowed."""

    def __init__(self, hub: Hub, signals: Signals) -> None:
        self._hub = hub
        signals.subscribe(TASKS_CHANNEL, self._on_change)

    def _on_change(self, payload: str) -> None:
        told = read_notice(payload)
        fields = {"task": told.task_id, "status": told.status}
        frame = Ephemeral(told.org_id, told.conversation_id, "task", fields)
        for listener in self._hub.subscriptions(told.conversation_id):
            listener.push(ephemeral_frame(listener.actor, frame))
