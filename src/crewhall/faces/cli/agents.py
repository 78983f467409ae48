"""Agents."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli import agent_forks, agent_lending
from crewhall.faces.cli.agent_keys import Code, key, show_key
from crewhall.faces.cli.agent_sources import sources
from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, rows_of, say, say_facts, say_json, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import AgentInfo, AgentState, Client, Credential, TryEvent

agent = typer.Typer(name="agent", help="Agents of the organization.", no_args_is_help=True)
agent.add_typer(key)
agent.add_typer(sources)
for name, command in {**agent_forks.COMMANDS, **agent_lending.COMMANDS}.items():
    agent.command(name)(command)
Field = Annotated[str | None, typer.Option()]


def _in_full(model: str | None) -> str | None:
    if model and not all(model.partition(":")):
        raise typer.BadParameter("Write provider:model, such as openai:gpt-4o.")
    return model


Model = Annotated[
    str | None,
    typer.Option(
        help="Thinks with this, as provider:model; '' for a program of yours that thinks for it.", callback=_in_full
    ),
]


@agent.command("list")
def list_agents(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="Words in name, code, role or description.")] = None,
    capability: Annotated[str | None, typer.Option(help="Only agents that can do this.")] = None,
    status: Annotated[str | None, typer.Option(help="active, probation, maintenance, inactive or terminated.")] = None,
    presence: Annotated[str | None, typer.Option(help="online, busy or offline.")] = None,
    visibility: Annotated[str | None, typer.Option(help="public, private or hidden; hidden ones only so.")] = None,
    as_json: Json = False,
) -> None:
    """List agents."""
    query = {
        "text": text, "capability": capability, "status": status, "presence": presence, "visibility": visibility
    }  # fmt: skip

    async def work(client: "Client") -> list["AgentInfo"]:
        return [found async for found in client.agents.list(**query)]

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say_table(
            ("Code", "Name", "Role", "Status", "Presence", "Seen"),
            rows_of(found, "code", "name", "role_title", "status", "presence", "last_heartbeat_at"),
            "No agents yet: `crewhall agent create NAME`.",
        )


@agent.command("show")
def show_agent(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """Show an agent."""
    _report(context, as_json, act(context, lambda client: client.agents.find(code)))


@agent.command("try")
def try_agent(
    context: typer.Context,
    code: Code,
    prompt: Annotated[list[str], typer.Argument(help="What it is asked.")],
    model: Annotated[
        str | None, typer.Option(help="Think with this instead, as provider:model.", callback=_in_full)
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="With this temperature instead, 0 to 2.")] = None,
    instructions: Annotated[str | None, typer.Option(help="With these instructions instead.")] = None,
    as_json: Json = False,
) -> None:
    """Have an agent answer without posting anything, and say what that took."""

    async def work(client: "Client") -> "TryEvent":
        who = await client.agents.find(code)
        config = thinking_with(model, who.model_config) if model else dict(who.model_config)
        if temperature is not None:
            config["temperature"] = temperature
        instead: dict[str, Any] = {"model_config": config}
        if instructions is not None:
            instead["instructions"] = instructions
        last = None
        async for event in client.agents.try_out(who.id, " ".join(prompt), **instead):
            last = event
            if event.type == "words" and not wants_json(context, as_json):
                print(event.text, end="" if event.request is None else "\n", flush=True)
        if last is None or last.type != "done":
            raise CrewhallApiError("try_failed", 502, (last and last.detail) or "It broke off.")
        return last

    from crewhall.faces.sdk import CrewhallApiError

    done = act(context, work)
    if wants_json(context, as_json):
        say_json(done)
        return
    cost = f", {done.cost} {done.currency}" if done.cost is not None else ""
    say(f"\n\n{done.model}: {done.seconds:.1f} s, {done.input_tokens} tokens in, {done.output_tokens} out{cost}")


@agent.command("memory")
def show_memory(
    context: typer.Context,
    code: Code,
    forget: Annotated[bool, typer.Option("--forget", help="Let it forget all of that.")] = False,
    as_json: Json = False,
) -> None:
    """Show what an agent remembers of you."""

    async def work(client: "Client") -> "AgentState":
        found = await client.agents.find(code)
        memory = await client.agents.memory(found.id)
        if forget and memory.version:
            memory = await client.agents.set_memory(found.id, {}, version=memory.version)
        return memory

    memory = act(context, work)
    if wants_json(context, as_json):
        say_json(memory)
    elif memory.state:
        say_facts({**memory.state, "(version)": memory.version})
    else:
        say("It remembers nothing of you.")


@agent.command("create")
def create_agent(
    context: typer.Context,
    name: str,
    code: Annotated[str | None, typer.Option(help="Made from the name when not given.")] = None,
    description: Field = None,
    role_title: Field = None,
    instructions: Field = None,
    model: Model = None,
    kind: Field = None,
    visibility: Annotated[str | None, typer.Option(help="public, private or hidden.")] = None,
    template: Annotated[str | None, typer.Option(help="Take what is not given from this template.")] = None,
    capability: Annotated[list[str] | None, typer.Option(help="May be given again.")] = None,
    with_key: Annotated[bool, typer.Option("--key", help="Make a key as well, and print it.")] = False,
    as_json: Json = False,
) -> None:
    """Create an agent."""
    fields = _given(
        code=code,
        description=description,
        role_title=role_title,
        instructions=instructions,
        model_config=None if model is None else thinking_with(model),
        kind=kind,
        visibility=visibility,
        template=template,
        capabilities=capability or None,
    )

    async def work(client: "Client") -> tuple["AgentInfo", "Credential | None"]:
        made = await client.agents.create(name, **fields)
        return made, await client.agents.create_key(made.id) if with_key else None

    made, credential = act(context, work)
    if wants_json(context, as_json):
        say_json({"agent": made, "credential": credential})
        return
    _show(made)
    if credential is not None:
        show_key(credential)


@agent.command("update")
def update_agent(
    context: typer.Context,
    code: Code,
    name: Field = None,
    description: Field = None,
    role_title: Field = None,
    instructions: Field = None,
    model: Model = None,
    status: Field = None,
    visibility: Field = None,
    capability: Annotated[list[str] | None, typer.Option(help="Replaces all; may be given again.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="Replaces all its tools; may be given again.")] = None,
    github_login: Annotated[str | None, typer.Option(help="What it is called at GitHub.")] = None,
    trust: Annotated[float | None, typer.Option(min=0, max=100, help="Set its trust by hand, 0 to 100.")] = None,
    as_json: Json = False,
) -> None:
    """Change what is given of an agent."""
    changes = _given(
        name=name,
        description=description,
        role_title=role_title,
        instructions=instructions,
        status=status,
        visibility=visibility,
        capabilities=capability or None,
        tools=tool or None,
        github_login=github_login,
        trust_score=trust,
    )

    async def work(client: "Client") -> "AgentInfo":
        who = await client.agents.find(code)
        if model is not None:
            changes["model_config"] = thinking_with(model, who.model_config)
        return await client.agents.update(who.id, **changes)

    _report(context, as_json, act(context, work))


@agent.command("delete")
def delete_agent(
    context: typer.Context,
    code: Code,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete an agent: it stops answering and its keys stop working."""
    if not yes:
        typer.confirm(f"Delete @{code.removeprefix('@')}?", abort=True)

    async def work(client: "Client") -> "AgentInfo":
        found = await client.agents.find(code)
        await client.agents.delete(found.id)
        return found

    deleted = act(context, work)
    if wants_json(context, as_json):
        say_json({"deleted": deleted.id})
    else:
        say(f"Deleted @{deleted.code}.")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _report(context: typer.Context, as_json: bool, found: "AgentInfo") -> None:
    if wants_json(context, as_json):
        say_json(found)
    else:
        _show(found)


def thinking_with(model: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The configuration of a model named as provider:model, which keeps what else was settled before; '' is none."""
    provider, _, name = model.partition(":")
    return {**(before or {}), "provider": provider, "model": name} if model else {}


def _model_of(found: "AgentInfo") -> str:
    """Provider and model, or where it thinks instead."""
    provider = found.model_config.get("provider")
    return f"{provider}:{found.model_config.get('model')}" if provider else "a program elsewhere"


def _show(found: "AgentInfo") -> None:
    say_facts(
        {
            "code": f"@{found.code}",
            "name": found.name,
            "id": found.id,
            "role": found.role_title or None,
            "description": found.description or None,
            "kind": found.kind,
            "status": found.status,
            "presence": found.presence + (f" ({ago(found.last_heartbeat_at)})" if found.last_heartbeat_at else ""),
            "thinks with": _model_of(found),
            "tools": ", ".join(found.tools) or "none",
            "trust": found.trust_score,
            "visibility": found.visibility,
            "capabilities": ", ".join(found.capabilities) or None,
            "version": found.version or None,
            "inbox": found.inbox_id,
        }
    )
