"""Agents, their credentials and presence. What other packages may use is exported here."""

from crewhall.agents.access import access_agent
from crewhall.agents.actions import create_agent, delete_agent, fork_agent, put_on_standing, serve_topic, update_agent
from crewhall.agents.catalog import Catalog
from crewhall.agents.credentials import create_credential
from crewhall.agents.events import AgentCreated, AgentDeleted, AgentStatusChanged
from crewhall.agents.keys import make_key
from crewhall.agents.lifecycle import AgentParts, start_agents
from crewhall.agents.offered import OfferedTask, get_offered_task, list_offered_tasks
from crewhall.agents.presence import PresenceWatch
from crewhall.agents.queries import find_agents, find_agents_by_codes, list_agents, list_templates
from crewhall.agents.quick_tasks import QuickTask, QuickTaskInput, add_quick_task, get_quick_task, list_quick_tasks
from crewhall.agents.schemas import Agent, AgentDetail, AgentInput, AgentPatch, AgentRef
from crewhall.agents.settings import AgentSettings
from crewhall.agents.shapes import SchedulingConfig, check_model_config
from crewhall.agents.spent import Spent
from crewhall.agents.states import find_state
from crewhall.agents.status import answers, authenticates
from crewhall.agents.templates import KIND_NAMES
from crewhall.agents.vocabulary import AgentKind, AgentLevel, AgentStatus, Presence, Visibility

__all__ = [
    "KIND_NAMES",
    "Agent",
    "AgentCreated",
    "AgentDeleted",
    "AgentDetail",
    "AgentInput",
    "AgentKind",
    "AgentLevel",
    "AgentParts",
    "AgentPatch",
    "AgentRef",
    "AgentSettings",
    "AgentStatus",
    "AgentStatusChanged",
    "Catalog",
    "OfferedTask",
    "Presence",
    "PresenceWatch",
    "QuickTask",
    "QuickTaskInput",
    "SchedulingConfig",
    "Spent",
    "Visibility",
    "access_agent",
    "add_quick_task",
    "answers",
    "authenticates",
    "check_model_config",
    "create_agent",
    "create_credential",
    "delete_agent",
    "find_agents",
    "find_agents_by_codes",
    "find_state",
    "fork_agent",
    "get_offered_task",
    "get_quick_task",
    "list_agents",
    "list_offered_tasks",
    "list_quick_tasks",
    "list_templates",
    "make_key",
    "put_on_standing",
    "serve_topic",
    "start_agents",
    "update_agent",
]
