"""Projects: what an organization works on."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Project, ProjectMember

project = typer.Typer(name="project", help="Projects: what the organization works on.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The project's slug or id.")]
Repository = Annotated[str | None, typer.Option("--repository", help="Address of its repository.")]
About = Annotated[str | None, typer.Option("--about", help="What it is for, in Markdown.")]


@project.command("list")
def list_projects(
    context: typer.Context,
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones instead.")] = False,
    as_json: Json = False,
) -> None:
    """List projects with how many tasks each has."""

    async def work(client: "Client") -> "list[Project]":
        return [one async for one in client.projects.list(active=not archived)]

    found = act(context, work)
    say_list(
        found,
        ("Name", "Slug", "To do", "Done", "Late", "Agents"),
        lambda one: [one.name, one.slug, _to_do(one), one.tasks.get("completed", 0), one.late, one.agents],
        "No projects.",
        as_json=wants_json(context, as_json),
    )


@project.command("show")
def show_project(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a project."""

    async def work(client: "Client") -> "Project":
        return await client.projects.get(name)

    _show(context, act(context, work), as_json=as_json)


@project.command("create")
def create_project(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    slug: Annotated[str | None, typer.Option("--slug", help="Its name in links; made of the name else.")] = None,
    about: About = None,
    repository: Repository = None,
    as_json: Json = False,
) -> None:
    """Begin a project, with a channel of its name."""

    async def work(client: "Client") -> "Project":
        return await client.projects.create(name, slug=slug, description=about, repository_url=repository)

    _show(context, act(context, work), as_json=as_json)


@project.command("change")
def change_project(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="What it is called from now on.")] = None,
    slug: Annotated[str | None, typer.Option("--slug", help="Its name in links.")] = None,
    about: About = None,
    repository: Repository = None,
    as_json: Json = False,
) -> None:
    """Change what is said of a project."""
    given = {"name": new_name, "slug": slug, "description": about, "repository_url": repository}
    fields = {key: value for key, value in given.items() if value is not None}

    async def work(client: "Client") -> "Project":
        return await client.projects.change((await client.projects.get(name)).id, **fields)

    _show(context, act(context, work), as_json=as_json)


@project.command("members")
def list_members(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """List who works on a project."""

    async def work(client: "Client") -> "list[ProjectMember]":
        found = await client.projects.get(name)
        return [one async for one in client.projects.members(found.id)]

    found = act(context, work)
    say_list(
        found,
        ("Name", "Handle", "Kind", ""),
        lambda one: [one.name, f"@{one.handle}", one.member_type, "its own" if one.is_own else ""],
        "Nobody yet.",
        as_json=wants_json(context, as_json),
    )


@project.command("archive")
def archive_project(context: typer.Context, name: Name) -> None:
    """Say that nothing is to be done in a project any more; `restore` takes it up again."""

    async def work(client: "Client") -> "Project":
        return await client.projects.archive((await client.projects.get(name)).id)

    say(f"Archived. `crewhall project restore {act(context, work).slug}` takes it up again.")


@project.command("restore")
def restore_project(context: typer.Context, name: Name) -> None:
    """Take an archived project up again."""

    async def work(client: "Client") -> "Project":
        return await client.projects.restore((await client.projects.get(name)).id)

    say(f"{act(context, work).name} is active.")


@project.command("delete")
def delete_project(
    context: typer.Context,
    name: Name,
    confirm: Annotated[str, typer.Option("--confirm", prompt="Its slug, to be sure", help="Its slug, typed again.")],
) -> None:
    """Delete a project with its tasks; its channel stays."""

    async def work(client: "Client") -> None:
        await client.projects.delete((await client.projects.get(name)).id, confirm)

    act(context, work)
    say("Deleted.")


def _to_do(one: "Project") -> int:
    return sum(count for status, count in one.tasks.items() if status not in {"completed", "cancelled"})


def _show(context: typer.Context, one: "Project", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
        return
    tasks = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in one.tasks.items()) or None
    say_facts({
        "Name": one.name, "Slug": one.slug, "About": one.description, "Repository": one.repository_url,
        "Tasks": tasks, "Late": one.late or None, "Archived": "yes" if not one.is_active else None,
        "Begun": ago(one.created_at), "Id": one.id,
    })  # fmt: skip
