"""What was made searchable, at the command line: `crewhall knowledge`."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.messages import find_place
from crewhall.faces.cli.output import Exit, ago, fail, first_of, say, say_facts, say_json, say_list, say_table
from crewhall.faces.cli.turns import Limit
from crewhall.kernel.counting import counted, size_in_words

if TYPE_CHECKING:
    from crewhall.faces.sdk import Chunk, Client, Document, FilePolicy, KnowledgeStatus, MessageMeaning

knowledge_group = typer.Typer(name="knowledge", help="What was made searchable.", no_args_is_help=True)
DocumentId = Annotated[str, typer.Argument(help="The document's id.", callback=checked_id("knowledge list"))]


@knowledge_group.command("list")
def list_documents(
    context: typer.Context,
    words: Annotated[str | None, typer.Argument(help="Words of a name or a title.")] = None,
    place: Annotated[str | None, typer.Option("--in", help="Those of a conversation.")] = None,
    status: Annotated[str | None, typer.Option(help="queued, extracting, embedding, ready or failed.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List the documents that you may read, the newest first."""

    async def work(client: "Client") -> "list[Document]":
        where = (await find_place(client, place)).id if place else None
        return await first_of(client.documents.list(words, status=status, conversation_id=where), limit)

    found = act(context, work)
    say_list(
        found,
        ("id", "document", "state", "size", "since"),
        lambda one: (one.id, one.title or one.name, standing(one), size_in_words(one.size), ago(one.created_at)),
        "No documents.",
        as_json=wants_json(context, as_json),
    )


@knowledge_group.command("show")
def show_document(
    context: typer.Context,
    document_id: DocumentId,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is searchable, or failed.")] = False,
    as_json: Json = False,
) -> None:
    """Show how far a document is, and where it stands."""
    quiet = wants_json(context, as_json)

    def seen(found: "Document") -> None:
        if not quiet and found.status not in {"ready", "failed"}:
            say(standing(found))

    async def work(client: "Client") -> "Document":
        return await (client.documents.wait(document_id, seen) if wait else client.documents.get(document_id))

    found = act(context, work)
    if quiet:
        say_json(found)
    else:
        _say_document(found)
    if wait and found.status == "failed":
        fail(found.failure or "It failed.", found.failure_code or "failed", Exit.ERROR)


@knowledge_group.command("read")
def read_document(context: typer.Context, document_id: DocumentId, as_json: Json = False) -> None:
    """Print a document's text, as it is found."""

    async def work(client: "Client") -> "list[Chunk]":
        return [one async for one in client.documents.read(document_id)]

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say("".join(one.content[one.overlap :] for one in found))


@knowledge_group.command("retry")
def retry_document(context: typer.Context, document_id: DocumentId, as_json: Json = False) -> None:
    """Have a document read again that failed."""

    async def work(client: "Client") -> "Document":
        return await client.documents.retry(document_id)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say(standing(found))


@knowledge_group.command("status")
def show_status(context: typer.Context, as_json: Json = False) -> None:
    """Show how far the organization's documents are, and which model searches ask."""

    async def work(client: "Client") -> "KnowledgeStatus":
        return await client.documents.status()

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    facts: dict[str, object] = {
        "documents": f"{found.documents:,}",
        "searchable": f"{found.ready:,} ({counted(found.chunks, 'passage')})",
        "under way": f"{found.queued + found.extracting + found.embedding:,}",
        "failed": f"{found.failed:,}",
        "model": f"{found.model} ({found.dimension:,} numbers)" if found.model else "none yet",
    }
    if found.most_chunks:
        facts["room for"] = counted(found.most_chunks, "passage")
    if found.next_model:
        facts["comes"] = (
            f"{found.next_model}: {found.embedded:,} of {found.to_embed:,} passages, {ago(found.next_since)}"
        )
    elif found.outdated:
        facts["to bring up to date"] = f"{found.outdated:,}"
    if found.rewriting:
        facts["another language"] = f"{found.rewriting.done:,} of about {found.rewriting.total:,} passages"
    if found.messages is not None:
        facts["messages"] = _meaning_in_words(found.messages)
    say_facts(facts)


@knowledge_group.command("keep")
def keep_files(
    context: typer.Context,
    days: Annotated[
        int | None, typer.Option(min=0, help="So many days after its conversation was archived; 0: for good.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show, or settle, how long files of archived conversations are kept."""

    async def work(client: "Client") -> "FilePolicy":
        return await (client.files.policy() if days is None else client.files.settle_policy(days or None))

    policy = act(context, work)
    if wants_json(context, as_json):
        say_json(policy)
    else:
        say_facts({"kept for": counted(policy.keep_days, "day") if policy.keep_days else "good"})


def standing(found: "Document") -> str:
    """How far a document is, in words."""
    if found.status in {"extracting", "embedding"} and found.total:
        return f"{found.status}: {found.unit or 'part'} {found.done:,} of {found.total:,}"
    if found.status in {"extracting", "embedding"} and found.done:
        return f"{found.status}: {counted(found.done, found.unit or 'part')}"
    return "searchable" if found.status == "ready" else found.status


def _meaning_in_words(found: "MessageMeaning") -> str:
    """How far messages are found by what they mean."""
    how_far = "all" if found.filled_at else f"{found.done:,} of {found.total:,} looked at"
    waiting = f", {found.waiting:,} to be embedded" if found.waiting else ""
    return f"{how_far}{waiting}, by {found.model}" + (f", then by {found.next_model}" if found.next_model else "")


def _say_document(found: "Document") -> None:
    facts: dict[str, object] = {"document": found.title or found.name, "type": found.media_type}
    facts |= {"size": size_in_words(found.size), "state": standing(found)}
    if found.failure:
        facts["because"] = found.failure
    if found.pages:
        facts["pages"] = f"{found.pages:,}"
    facts["text"] = f"{counted(found.characters, 'character')} in {counted(found.chunks, 'passage')}"
    say_facts(facts)
    if found.origins:
        say()
        rows = [(one.kind, one.name, one.conversation_id or "", one.message_seq or "") for one in found.origins]
        say_table(("stands in", "as", "conversation", "message"), rows)
