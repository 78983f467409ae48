"""The wiki: what the organization knows for good."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import Exit, ago, fail, say, say_facts, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, WikiDifferences, WikiEntry, WikiVersion

wiki = typer.Typer(name="wiki", help="The wiki: entries, proposals, decisions.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The entry's slug, title or id.")]
VersionId = Annotated[str, typer.Argument(help="The version's id (`crewhall wiki review`, `crewhall wiki history`).")]
Category = Annotated[str | None, typer.Option("--category", help="One of the organization's categories.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be given again.")]
InProject = Annotated[str | None, typer.Option("--project", help="The project's slug or id.")]
Note = Annotated[str | None, typer.Option("--note", help="What changed, in a line.")]
MARKS = {"added": "{+%s+}", "removed": "[-%s-]", "left out": " … ", "same": "%s"}


@wiki.command("list")
def list_entries(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(help="Words to find, best first.")] = None,
    category: Category = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only with this tag.")] = None,
    project: InProject = None,
    order: Annotated[str | None, typer.Option("--order", help="title, recent or read.")] = None,
    as_json: Json = False,
) -> None:
    """List what is approved, or search it: titles stand above bodies."""

    async def work(client: "Client") -> list[Any]:
        q = " ".join(words) if words else None
        of = (await client.projects.get(project)).id if project else None
        return [one async for one in client.wiki.list(q, category=category, tag=tag, project_id=of, order=order)]

    found = act(context, work)
    say_list(
        found,
        ("Title", "Slug", "Category", "Tags", "Read", "Approved"),
        lambda one: [one.title, one.slug, one.category, ", ".join(one.tags), one.views, ago(one.approved_at)],
        "No entries.",
        as_json=wants_json(context, as_json),
    )


@wiki.command("show")
def show_entry(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Print an entry."""

    async def work(client: "Client") -> "WikiEntry":
        return await client.wiki.read(name)

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
        return
    say(f"# {one.title}\n")
    say(f"{one.content}\n")
    said = f"{one.author.name}, approved by {one.approved_by.name} {ago(one.approved_at)}"
    linked = ", ".join(link.slug for link in one.backlinks) or None
    of = one.project.name if one.project else None
    say_facts({"Version": one.version, "By": said, "Project": of, "Category": one.category,
               "Tags": ", ".join(one.tags) or None, "Linked from": linked, "Id": one.id})  # fmt: skip


@wiki.command("propose")
def propose_entry(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="The title of a new entry; with --change the slug or title of one.")],
    file: Annotated[Path, typer.Argument(help="A file with the text in Markdown; - reads standard input.")],
    change: Annotated[bool, typer.Option("--change", help="Change the entry of this name.")] = False,
    category: Category = None,
    tag: Tags = None,
    note: Note = None,
    project: InProject = None,
    draft: Annotated[bool, typer.Option("--draft", help="Keep it as a draft, which you alone see.")] = False,
    as_json: Json = False,
) -> None:
    """Propose an entry, or a change of one. Owners and admins decide."""
    try:
        content = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}.", exit_code=Exit.USAGE)

    async def work(client: "Client") -> "WikiVersion":
        if not change:
            of = (await client.projects.get(project)).id if project else None
            return await client.wiki.write(
                title, content, category=category, tags=tag, note=note, project_id=of, draft=draft
            )
        if project:
            fail("Leave out --project with --change: `crewhall wiki move` moves an entry.", exit_code=Exit.USAGE)
        entry = await client.wiki.read(title)
        given = {"content": content, "category": category, "tags": tag, "note": note, "draft": draft}
        changes = {name: value for name, value in given.items() if value is not None}
        return await client.wiki.edit(entry.id, entry.version_id, **changes)

    _report(context, act(context, work), as_json=as_json)


@wiki.command("review")
def list_waiting(
    context: typer.Context,
    own: Annotated[bool, typer.Option("--own", help="Only yours, whatever became of it.")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="Archived entries instead.")] = False,
    as_json: Json = False,
) -> None:
    """List what waits for a decision; with --own your drafts and proposals, with --archived what can be restored."""

    async def work(client: "Client") -> "list[WikiVersion]":
        if archived:
            return [one async for one in client.wiki.archived()]
        status = None if own else "pending_approval"
        return [one async for one in client.wiki.unsettled(status=status, own=own)]

    _list(context, act(context, work), "Nothing waits.", as_json=as_json)


@wiki.command("diff")
def show_differences(context: typer.Context, version: VersionId, as_json: Json = False) -> None:
    """Show what a version changes, word by word."""

    async def work(client: "Client") -> "WikiDifferences":
        return await client.wiki.differences(version)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    for pieces in (found.title, found.content):
        say("".join(MARKS[piece.how].replace("%s", piece.text) for piece in pieces) + "\n")


@wiki.command("approve")
def approve_version(
    context: typer.Context,
    version: VersionId,
    reason: Annotated[str | None, typer.Option("--reason", help="What there is to say about it.")] = None,
    as_json: Json = False,
) -> None:
    """Approve what waits: everybody reads it from now on."""

    async def work(client: "Client") -> "WikiVersion":
        return await client.wiki.approve(version, reason)

    _report(context, act(context, work), as_json=as_json)


@wiki.command("reject")
def reject_version(
    context: typer.Context,
    version: VersionId,
    reason: Annotated[list[str], typer.Argument(help="Why; its author reads it.")],
    as_json: Json = False,
) -> None:
    """Reject what waits."""

    async def work(client: "Client") -> "WikiVersion":
        return await client.wiki.reject(version, " ".join(reason))

    _report(context, act(context, work), as_json=as_json)


@wiki.command("history")
def list_history(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """List an entry's versions, newest first."""

    async def work(client: "Client") -> "list[WikiVersion]":
        entry = await client.wiki.read(name)
        return [one async for one in client.wiki.versions(entry.id)]

    _list(context, act(context, work), "No versions.", as_json=as_json)


@wiki.command("rollback")
def roll_back(context: typer.Context, name: Name, version: VersionId, note: Note = None, as_json: Json = False) -> None:
    """Go back to the words of a former version, as a new one."""

    async def work(client: "Client") -> "WikiVersion":
        entry = await client.wiki.read(name)
        return await client.wiki.roll_back(entry.id, version, note)

    _report(context, act(context, work), as_json=as_json)


@wiki.command("move")
def move_entry(
    context: typer.Context,
    name: Name,
    project: InProject = None,
    everybody: Annotated[bool, typer.Option("--organization", help="To the whole organization.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="What there is to say about it.")] = None,
    as_json: Json = False,
) -> None:
    """Move an entry to a project, or to the whole organization: who reads and finds it changes at once."""
    if (project is None) != everybody:
        fail("Say where to: --project with its slug, or --organization.", exit_code=Exit.USAGE)

    async def work(client: "Client") -> "WikiVersion":
        entry = await client.wiki.read(name)
        to = (await client.projects.get(project)).id if project else None
        return await client.wiki.move(entry.id, to, reason)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say(f"Moved: it is {f'of {found.project.name}' if found.project else 'of the whole organization'} now.")


@wiki.command("archive")
def archive_entry(context: typer.Context, name: Name) -> None:
    """Take an entry out of the wiki; `restore` brings it back."""

    async def work(client: "Client") -> str:
        entry = await client.wiki.read(name)
        await client.wiki.archive(entry.id)
        return entry.slug

    say(f"Archived. `crewhall wiki restore {act(context, work)}` brings it back.")


@wiki.command("restore")
def restore_entry(context: typer.Context, entry: Annotated[str, typer.Argument(help="Its slug, title or id.")]) -> None:
    """Bring an archived entry back."""

    async def work(client: "Client") -> None:
        found = [one.entry_id async for one in client.wiki.archived() if entry in {one.entry_id, one.slug, one.title}]
        await client.wiki.restore(found[0] if found else entry)

    act(context, work)
    say("It is back.")


def _list(context: typer.Context, found: "list[WikiVersion]", empty: str, *, as_json: bool) -> None:
    say_list(
        found,
        ("Version", "Title", "Status", "By", "When", "Note", "Id"),
        lambda one: [
            one.version,
            one.title,
            one.status.replace("_", " "),
            one.author.name,
            ago(one.created_at),
            one.note,
            one.id,
        ],
        empty,
        as_json=wants_json(context, as_json),
    )


def _report(context: typer.Context, one: "WikiVersion", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
    else:
        say(f"{one.title}: version {one.version}, {one.status.replace('_', ' ')}. {one.id}")
