"""The part of an agent's page that says how it thinks: its model, its tools, its hours."""

from typing import Any

from msgspec import Struct

from crewhall.agents.schemas import AgentDetail, AgentPatch
from crewhall.faces.plumbing.forms import Form
from crewhall.kernel.errors import INVALID

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NUMBERS = ("temperature", "max_tokens")


class Thinking(Struct):
    """The fields of the form, as they stand."""

    provider: str
    model: str
    temperature: str
    max_tokens: str
    tools: list[str]
    looks_up: bool
    keeps_hours: bool
    timezone: str
    hours: str


def thinking_of(agent: AgentDetail) -> Thinking:
    """Return the form's fields for an agent as it is."""
    config, schedule = agent.model_config, agent.scheduling_config
    return Thinking(
        provider=_text(config.get("provider")),
        model=_text(config.get("model")),
        temperature=_text(config.get("temperature")),
        max_tokens=_text(config.get("max_tokens")),
        tools=agent.tools,
        looks_up=agent.rag_enabled,
        keeps_hours=bool(schedule.get("enabled")),
        timezone=_text(schedule.get("timezone")) or "UTC",
        hours=_hours_text(schedule.get("working_hours")),
    )


def read_thinking(form: Form, chosen_tools: list[str], agent: AgentDetail) -> AgentPatch:
    """Read the form; what it does not speak of stays as it is. Raises INVALID with the field's name."""
    config = dict(agent.model_config)
    for name in ("provider", "model", *NUMBERS):
        typed = form.v(name).strip()
        if typed:
            config[name] = number(name, typed) if name in NUMBERS else typed
        else:
            config.pop(name, None)
    if bool(config.get("provider")) != bool(config.get("model")):
        missing = "model" if config.get("provider") else "provider"
        raise INVALID("A provider and a model belong together; leave both empty for a program of yours.", field=missing)
    schedule = {**agent.scheduling_config, "enabled": "keeps_hours" in form.values}
    schedule["timezone"] = form.v("timezone").strip() or "UTC"
    schedule["working_hours"] = _read_hours(form.v("working_hours").strip())
    return AgentPatch(
        model_config=config,
        tools=chosen_tools,
        rag_enabled="looks_up" in form.values,
        scheduling_config=schedule,
    )


def number(name: str, typed: str) -> float | int:
    """A number of a model's configuration as it was typed. Raises INVALID with the field's name."""
    try:
        return float(typed) if name == "temperature" else int(typed)
    except ValueError:
        raise INVALID("This is no number.", field=name) from None


def _read_hours(typed: str) -> str | dict[str, str] | None:
    """`9-17` for every day, or `mon 9-17, fri 9-15`."""
    if not typed or not any(char.isalpha() for char in typed):
        return typed or None
    found: dict[str, str] = {}
    for part in typed.split(","):
        day, _, span = part.strip().partition(" ")
        found[day.lower()[:3]] = span.strip()
    return found


def _hours_text(hours: Any) -> str:
    if isinstance(hours, dict):
        return ", ".join(f"{day} {hours[day]}" for day in DAYS if day in hours)
    return _text(hours)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
