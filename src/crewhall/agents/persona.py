"""An agent's persona: all that people set about it. New, changed and forked agents are made of one."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct
from psycopg.types.json import Jsonb

from crewhall.agents.publickey import check_public_key
from crewhall.agents.schemas import AgentChanges
from crewhall.agents.shapes import check_json, check_model_config, check_scheduling_config, check_slugs
from crewhall.agents.vocabulary import AgentKind, AgentLevel, AgentStatus, Visibility
from crewhall.kernel.errors import INVALID

BUMPING = frozenset({"instructions", "model_config", "tools"})


class Persona(Struct, kw_only=True, frozen=True):
    """The columns of an agent that people set; the defaults are those of a new agent."""

    code: str = ""
    name: str = ""
    description: str | None = None
    role_title: str = ""
    instructions: str | None = None
    icon_url: str | None = None
    kind: AgentKind = AgentKind.CUSTOM
    level: AgentLevel = AgentLevel.ORGANIZATION
    project_id: UUID | None = None
    status: AgentStatus = AgentStatus.ACTIVE
    public_key: str | None = None
    github_login: str | None = None
    model_config: dict[str, Any] = {}
    tools: list[str] = []
    embedding_model: str | None = None
    rag_enabled: bool = False
    capabilities: list[str] = []
    scheduling_config: dict[str, Any] = {}
    visibility: Visibility = Visibility.PUBLIC
    owner_user_id: UUID | None = None
    version: str = "1.0.0"
    settings: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


def given(changes: AgentChanges) -> dict[str, Any]:
    """Return the checked values that were given, by column; refuse values of the wrong shape."""
    values = {name: getattr(changes, name) for name in Persona.__struct_fields__}
    values = {name: value for name, value in values.items() if value is not UNSET}
    for name in ("settings", "metadata"):
        check_json(values.get(name), name)
    check_model_config(values.get("model_config", {}))
    check_scheduling_config(values.get("scheduling_config", {}))
    for name in ("tools", "capabilities"):
        if name in values:
            values[name] = check_slugs(values[name], name)
    if values.get("public_key"):
        values["public_key"] = check_public_key(values["public_key"])
    return values


def merge(persona: Persona, values: dict[str, Any]) -> Persona:
    """Return the persona with the values put in; its version rises when what it thinks with changed."""
    merged = msgspec.structs.replace(persona, **values)
    check_level(merged)
    if "version" not in values and any(getattr(merged, name) != getattr(persona, name) for name in BUMPING):
        merged = msgspec.structs.replace(merged, version=next_version(persona.version))
    return merged


def changed_columns(before: Persona, after: Persona) -> list[str]:
    """Return the names of the columns that differ."""
    return [name for name in Persona.__struct_fields__ if getattr(before, name) != getattr(after, name)]


def next_version(version: str) -> str:
    """Return the next minor version: 1.4.2 becomes 1.5.0."""
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def check_level(persona: Persona) -> None:
    """Refuse an organization's agent with a project, and a project's agent without one."""
    if (persona.level is AgentLevel.ORGANIZATION) != (persona.project_id is None):
        raise INVALID("A project's agent names its project_id; an organization's agent has none.", field="project_id")


def columns_of(persona: Persona) -> dict[str, Any]:
    """Return the persona as parameters of a statement."""
    values = msgspec.structs.asdict(persona)
    for name in ("model_config", "tools", "scheduling_config", "settings", "metadata"):
        values[name] = Jsonb(values[name])
    for name in ("kind", "level", "status", "visibility"):
        values[name] = str(values[name])
    return values
