"""What a process needs for projects and tasks."""

from crewhall.agents import AgentDeleted, AgentStatusChanged
from crewhall.identity import MemberLeft
from crewhall.kernel.events import subscribe
from crewhall.work.following import on_agent_deleted, on_member_left, on_status_changed


def subscribe_work() -> None:
    """Follow what happens to agents and people. Subscribing twice changes nothing."""
    subscribe(AgentStatusChanged, on_status_changed)
    subscribe(AgentDeleted, on_agent_deleted)
    subscribe(MemberLeft, on_member_left)
