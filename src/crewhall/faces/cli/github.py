"""GitHub: connected, mirrored, looked after."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, fail, first_of, say, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, GithubConnection, GithubDelivery, GithubRepository

github = typer.Typer(name="github", help="Repositories of GitHub that are mirrored here.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The repository, as `owner/name`.")]
MOST = 50


async def _connection(client: "Client", named: str | None) -> "GithubConnection":
    from crewhall.faces.sdk import CrewhallApiError

    found = [one for one in await client.github.connections() if named is None or named in {one.name, one.id}]
    if len(found) == 1:
        return found[0]
    which = "Name one of several with --connection." if found else "There is none: `crewhall github connect`."
    raise CrewhallApiError("not_found", 404, f"Which connection? {which}")


async def _repository(client: "Client", named: str) -> "GithubRepository":
    from crewhall.faces.sdk import CrewhallApiError

    async for one in client.github.repositories():
        if named.lower() in {one.full_name.lower(), one.id}:
            return one
    raise CrewhallApiError("not_found", 404, f"{named} is not mirrored. `crewhall github list` shows what is.")


@github.command("connect")
def connect(
    context: typer.Context,
    token: Annotated[
        str | None, typer.Option(envvar="CREWHALL_GITHUB_TOKEN", help="A token; better in the environment.")
    ] = None,
    app_id: Annotated[int | None, typer.Option(help="The id of an app, in place of a token.")] = None,
    private_key: Annotated[Path | None, typer.Option(help="The file of the app's private key.")] = None,
    name: Annotated[str | None, typer.Option(help="What the connection is called here.")] = None,
    as_json: Json = False,
) -> None:
    """Connect to GitHub, and say what to enter there for its webhooks. The secret is shown this once."""
    if private_key is not None and not private_key.is_file():
        fail(f"There is no file {private_key}.", "not_found")
    key = private_key.read_text(encoding="utf-8") if private_key else None
    made = act(
        context,
        lambda client: client.github.connect(token=token, app_id=app_id, private_key=key, name=name),
    )
    if wants_json(context, as_json):
        say_json(made)
        return
    say(f"{made.name} is connected. Enter at GitHub, as the content type application/json:")
    say(f"Payload URL  {made.webhook_url}")
    say(f"Secret       {made.webhook_secret}")


@github.command("check")
def check(
    context: typer.Context,
    connection: Annotated[str | None, typer.Argument(help="Which, if there are several.")] = None,
    as_json: Json = False,
) -> None:
    """Ask GitHub whom it takes us for."""

    async def work(client: "Client") -> "GithubConnection":
        return await client.github.check((await _connection(client, connection)).id)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    elif found.problem:
        fail(found.problem, "github_refused")
    else:
        say(f"GitHub answered: {found.answered}.")


@github.command("list")
def list_repositories(context: typer.Context, as_json: Json = False) -> None:
    """List the mirrored repositories, and how far each is."""

    async def work(client: "Client") -> list["GithubRepository"]:
        return [one async for one in client.github.repositories()]

    found = act(context, work)
    say_list(
        found,
        ("Repository", "State", "Pages", "Read", "Problem"),
        lambda one: [one.full_name, one.state, _pages(one), ago(one.synced_at), one.problem or ""],
        "None: `crewhall github add OWNER/NAME`.",
        as_json=wants_json(context, as_json),
    )


@github.command("add")
def add(
    context: typer.Context,
    name: Name,
    connection: Annotated[str | None, typer.Option(help="Over which, if there are several.")] = None,
    as_json: Json = False,
) -> None:
    """Mirror a repository from now on; it is read at once."""

    async def work(client: "Client") -> "GithubRepository":
        return await client.github.add((await _connection(client, connection)).id, name)

    made = act(context, work)
    if wants_json(context, as_json):
        say_json(made)
    else:
        say(f"{made.full_name} is mirrored. `crewhall github sync {made.full_name}` waits until it is read.")


@github.command("link")
def link(
    context: typer.Context,
    name: Name,
    project: Annotated[str, typer.Argument(help="The project's slug.")],
    makes_issues: Annotated[bool, typer.Option("--makes-issues", help="A new task becomes an issue.")] = False,
    keep_comments: Annotated[bool, typer.Option("--keep-comments", help="What is said of tasks stays here.")] = False,
    as_json: Json = False,
) -> None:
    """Make tasks of a repository's issues in a project, and wait until those that there are became some."""

    async def work(client: "Client") -> "GithubRepository":
        place = await client.projects.get(project)
        found = await _repository(client, name)
        linked = await client.github.link(
            found.id, place.id, makes_issues=makes_issues, sends_comments=not keep_comments
        )
        return await client.github.filled(linked.id, seen=_progress)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say(f"{found.full_name} is linked to {project}: {found.tasks_done} issues are tasks.")


@github.command("unlink")
def unlink(context: typer.Context, name: Name) -> None:
    """Make no more tasks of a repository's issues. Those that there are stay, and follow no more."""

    async def work(client: "Client") -> None:
        await client.github.unlink((await _repository(client, name)).id)

    act(context, work)
    say(f"{name} is linked to no project.")


@github.command("sync")
def sync(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Read a repository now, and wait until it is."""

    async def work(client: "Client") -> "GithubRepository":
        found = await client.github.sync((await _repository(client, name)).id)
        return await client.github.wait(found.id)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    elif found.problem:
        fail(found.problem, "github_refused")
    else:
        say(f"{found.full_name} is read: {_pages(found)} pages.")


@github.command("remove")
def remove(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Mirror a repository no more. What was mirrored goes; at GitHub nothing changes."""
    if not yes:
        typer.confirm(f"Forget what is mirrored of {name}?", abort=True, err=True)

    async def work(client: "Client") -> None:
        await client.github.remove((await _repository(client, name)).id)

    act(context, work)
    say(f"{name} is mirrored no more.")


@github.command("deliveries")
def deliveries(
    context: typer.Context,
    status: Annotated[str | None, typer.Option(help="Only those: waiting, done, ignored or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = MOST,
    as_json: Json = False,
) -> None:
    """List what GitHub's webhooks delivered, the newest first."""

    async def work(client: "Client") -> list["GithubDelivery"]:
        return await first_of(client.github.deliveries(status=status), limit)

    found = act(context, work)
    say_list(
        found,
        ("Delivery", "Event", "State", "Came", "Reason"),
        lambda one: [one.id, one.event, one.state, ago(one.created_at), one.reason or ""],
        "Nothing has come yet.",
        as_json=wants_json(context, as_json),
    )


@github.command("redeliver")
def redeliver(
    context: typer.Context, delivery: Annotated[str, typer.Argument(help="Its id, from `crewhall github deliveries`.")]
) -> None:
    """Do a delivery again."""
    act(context, lambda client: client.github.redeliver(delivery))
    say("It is done again.")


def _progress(one: "GithubRepository") -> None:
    if one.is_filling and one.tasks_total:
        typer.echo(f"{one.tasks_done} of {one.tasks_total} issues", err=True)


def _pages(one: "GithubRepository") -> str:
    return f"{one.pages_done} of {one.pages_total}" if one.pages_total else str(one.pages_done)
