"""The closed sets of agents. The checks of the table `agents` hold the same words (a test compares them)."""

from enum import StrEnum


class AgentLevel(StrEnum):
    """Where an agent stands: in the organization as a whole, or in one project."""

    ORGANIZATION = "organization"
    PROJECT = "project"


class AgentKind(StrEnum):
    """What an agent is for."""

    STOCK_ANALYSIS = "stock_analysis"
    RINGI_SYSTEM = "ringi_system"
    BPP_ASSISTANT = "bpp_assistant"
    GENERIC_CHAT = "generic_chat"
    CUSTOM = "custom"
    IT_SUPPORT = "it_support"
    SALES = "sales"
    HR = "hr"
    RESEARCH = "research"


class AgentStatus(StrEnum):
    """An agent's standing; `status.py` says which change is allowed."""

    ACTIVE = "active"
    PROBATION = "probation"
    MAINTENANCE = "maintenance"
    INACTIVE = "inactive"
    TERMINATED = "terminated"


class Presence(StrEnum):
    """Whether an agent is there. Nobody declares itself offline by heartbeat: silence does."""

    ONLINE = "online"
    BUSY = "busy"
    OFFLINE = "offline"


class Visibility(StrEnum):
    """Who finds an agent: everyone; its owner and admins; the same, and only when they ask for hidden ones."""

    PUBLIC = "public"
    PRIVATE = "private"
    HIDDEN = "hidden"
