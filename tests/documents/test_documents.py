"""Files that are attached become documents and searchable, and go with the last place where they stand."""

import io
import zipfile
from typing import Any

import httpx
import pytest
from PIL import Image

from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import UNAVAILABLE
from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.ports.live import MemoryLive
from tests.documents.ground import Hashing, attached, ended, file_of, means, working
from tests.files.making import image, post, sent
from tests.identity.hall import Member, Org
from tests.knowledge.library import search
from tests.support.pdfs import Sheet, column, pdf
from tests.support.server import Server
from tests.support.waiting import until

MANUAL = b"# Pumps\n\nThe red lever stops the pump.\n\n# Valves\n\nValves are closed before the pump is stopped."


async def count(server: Server, org: Org, table: str) -> int:
    """How many rows the organization has."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        counts: dict[str, Any] = {
            "documents": await tx.value("select count(*) from documents"),
            "chunks": await tx.value("select count(*) from chunks"),
            "embeddings": await tx.value("select count(*) from embeddings_384"),
            "origins": await tx.value("select count(*) from document_origins"),
        }
    return int(counts[table])


@pytest.mark.rule("B8")
async def test_a_file_that_is_attached_becomes_searchable_while_those_who_look_are_told(server: Server, org: Org):
    live, embedder, general = MemoryLive(), Hashing(), await server.general(org)
    file = await sent(org.owner, general, MANUAL, "manual.md")
    assert (file["status"], file["document"]) == ("ready", None), "nobody but its uploader knows it yet"
    await post(org.owner, general, file)
    waiting = (await org.owner.api.get(f"/files/{file['id']}")).json()
    assert (waiting["status"], waiting["document"]["status"]) == ("processing", "queued")
    async with working(server, means(server, embedder=embedder, live=live)):
        found = await ended(org, waiting["document"]["id"])
    assert (found["status"], found["failure"]) == ("ready", None)
    assert 0 < found["chunks"] <= len(embedder.asked)  # others' documents may have waited, too
    assert found["origins"] == [
        {"kind": "file", "name": "manual.md", "file_id": file["id"], "conversation_id": general, "message_seq": 1}
        | dict.fromkeys(("source_id", "agent_id", "entry_id", "slug", "original_url"))
    ]
    chunks = (await org.owner.api.get(f"/documents/{found['id']}/chunks")).json()
    assert "The red lever stops the pump." in "".join(one["content"] for one in chunks["items"])
    assert (chunks["before"], chunks["after"]) == (None, None)
    assert await count(server, org, "embeddings") == found["chunks"]
    shown = (await org.owner.api.get(f"/files/{file['id']}")).json()
    assert (shown["status"], shown["document"]["status"]) == ("ready", "ready")
    told = [frame.fields["status"] for _, frame in live.emitted if str(frame.fields["document"]) == found["id"]]
    assert (told[0], told[-1]) == ("extracting", "ready")


@pytest.mark.rule("B8")
async def test_what_holds_no_text_has_no_document(server: Server, org: Org):
    general = await server.general(org)
    archive = await sent(org.owner, general, b"PK\x05\x06" + b"\0" * 18, "all.zip")
    picture = await sent(org.owner, general, image("GIF"), "moving.gif")
    await post(org.owner, general, archive, picture)
    for file in (archive, picture):
        shown = (await org.owner.api.get(f"/files/{file['id']}")).json()
        assert (shown["status"], shown["document"]) == ("ready", None)
    assert await count(server, org, "documents") == 0


@pytest.mark.rule("B8")
async def test_what_extraction_reads_has_a_document(server: Server, org: Org):
    general, files = await server.general(org), []
    for ending, kind in (("odt", "text"), ("ods", "spreadsheet"), ("odp", "presentation")):
        files.append(await sent(org.owner, general, open_document(kind), f"beans.{ending}"))
    await post(org.owner, general, *files)
    async with working(server, means(server)):
        for file in files:
            shown = (await org.owner.api.get(f"/files/{file['id']}")).json()
            assert shown["media_type"].startswith("application/vnd.oasis.opendocument."), shown
            assert (await ended(org, shown["document"]["id"]))["status"] == "ready"


def open_document(kind: str) -> bytes:
    """A text, table or slides as OpenDocument has them."""
    content = f"""<o:document-content xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
      xmlns:t="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><o:body><o:{kind}>
      <t:p>Two kinds of {kind}.</t:p></o:{kind}></o:body></o:document-content>"""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", content)
    return out.getvalue()


@pytest.mark.rule("B1")
async def test_the_same_bytes_are_one_document_for_whoever_reads_one_of_its_places(
    server: Server, org: Org, other_org: Org
):
    private, friend, stranger = await server.channel(org.owner, type="private"), await org.add(), other_org.owner
    document = await attached(server, org, MANUAL, "manual.md", private)
    async with working(server, means(server, embedder=Hashing())):
        await ended(org, document)
        for path in ("", "/chunks", "/picture"):
            for nobody in (friend, stranger):
                assert (await nobody.api.get(f"/documents/{document}{path}")).status_code == 404
        assert (await friend.api.post(f"/documents/{document}/retry")).status_code == 404
        assert (await friend.api.get("/documents", params={"conversation": private})).status_code == 404
        assert (await friend.api.get("/documents")).json()["items"] == []
        again = await attached(server, org, MANUAL, "copy.md")
    assert again == document
    shown = (await friend.api.get(f"/documents/{document}")).json()
    assert (shown["status"], [one["name"] for one in shown["origins"]]) == ("ready", ["copy.md"])
    both = (await org.owner.api.get(f"/documents/{document}")).json()
    assert [one["name"] for one in both["origins"]] == ["manual.md", "copy.md"]
    assert (await server.client().get(f"/documents/{document}")).status_code == 401
    await shown_by_a_name_of_ones_own(org, friend)


async def shown_by_a_name_of_ones_own(org: Org, friend: Member) -> None:
    """What the same bytes are called where somebody may not read is nothing that they see, or find them by."""
    for who, name, other in ((org.owner, "manual.md", "copy.md"), (friend, "copy.md", "manual.md")):
        listed = [one["name"] for one in (await who.api.get("/documents")).json()["items"]]
        found = await search(who, "lever")
        assert (listed, bool(found)) == ([name], True)
        assert not any(other in f"{one['title']} {one['where']}" for one in found)
        assert any(name in f"{one['title']} {one['where']}" for one in found)
        assert len((await who.api.get("/documents", params={"q": "copy"})).json()["items"]) == 1
        hidden = (await who.api.get("/documents", params={"q": "manual"})).json()["items"]
        assert len(hidden) == (1 if who is org.owner else 0)


@pytest.mark.rule("B8")
async def test_a_document_goes_with_the_last_message_that_has_it(server: Server, org: Org):
    general = await server.general(org)
    files = [await sent(org.owner, general, MANUAL, f"{name}.md") for name in ("one", "two")]
    first, second = [await post(org.owner, general, file) for file in files]
    document = (await org.owner.api.get(f"/files/{files[0]['id']}")).json()["document"]["id"]
    async with working(server, means(server, embedder=Hashing())):
        await ended(org, document)
    for message, left in ((first, True), (second, False)):
        (await org.owner.api.delete(f"/conversations/{general}/messages/{message['id']}")).raise_for_status()
        assert bool(await count(server, org, "documents")) is left
        assert bool(await count(server, org, "embeddings")) is left
    assert await count(server, org, "chunks") == 0
    assert (await org.owner.api.get(f"/documents/{document}")).status_code == 404


async def test_what_fails_in_passing_is_put_off_and_goes_on_where_it_was(server: Server, org: Org):
    embedder = Hashing(error=UNAVAILABLE("The model is away."))
    document = await attached(server, org, MANUAL)

    async def is_put_off() -> dict[str, Any] | None:
        found: dict[str, Any] = (await org.owner.api.get(f"/documents/{document}")).json()
        return found if found["retries"] else None

    async with working(server, means(server, embedder=embedder)):
        found = await until(is_put_off)
        assert (found["status"], found["failure"]) == ("embedding", None)
        embedder.error = None
        (await org.owner.api.post(f"/documents/{document}/retry")).raise_for_status()
        found = await ended(org, document)
    assert (found["status"], found["retries"]) == ("ready", 0)
    refused = await org.owner.api.post(f"/documents/{document}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_what_failed_is_read_again_when_it_is_sent_again(server: Server, org: Org):
    document = await attached(server, org, b" \n ", "nothing.txt")
    async with working(server, means(server)):
        found = await ended(org, document)
    assert (found["status"], found["failure_code"]) == ("failed", "document_empty")
    assert await attached(server, org, b" \n ", "again.txt") == document
    waiting = (await org.owner.api.get(f"/documents/{document}")).json()
    assert (waiting["status"], waiting["failure"]) == ("queued", None)
    async with working(server, means(server)):
        assert (await ended(org, document))["failure_code"] == "document_empty", "somebody has looked at it anew"


async def test_a_photograph_without_words_is_no_failure(server: Server, org: Org):
    document = await attached(server, org, image("PNG"), "photo.png")
    reads_none = Extractor(ExtractionSettings(extraction_ocr=False))
    async with working(server, means(server, extractor=reads_none)):
        assert (await ended(org, document))["status"] == "failed"
    file = (await org.owner.api.get(f"/files/{await file_of(org, document)}")).json()
    assert (file["status"], file["failure"]) == ("ready", None)
    status = (await org.owner.api.get("/knowledge/status")).json()
    assert (status["documents"], status["failed"]) == (1, 0)
    browser, _ = await server.browse(org.owner)
    listed = (await browser.get(f"{server.address}/files")).text
    assert "No text in it" in listed
    assert f'data-document="{document}" data-status="ready"' in listed, "and is told in no red"


async def test_a_pdf_is_shown_page_by_page(server: Server, org: Org):
    pages = [Sheet(column([text, "It has a lever."])) for text in ("The red pump is for water.", "Another moves oil.")]
    document = await attached(server, org, pdf(pages, title="Pumps"), "pumps.pdf")
    async with working(server, means(server)):
        found = await ended(org, document)
    assert (found["status"], found["title"], found["pages"]) == ("ready", "Pumps", 2)
    chunks = (await org.owner.api.get(f"/documents/{document}/chunks")).json()["items"]
    assert "The red pump is for water." in chunks[0]["content"]
    path = f"/documents/{document}/picture"
    shown = await org.owner.api.get(path, params={"page": 2, "width": 200})
    assert (shown.headers["content-type"], shown.content[:4]) == ("image/webp", b"RIFF")
    assert (await org.owner.api.get(path, params={"page": 3})).status_code == 404


async def test_a_picture_is_shown_upright_and_smaller_beside_its_text(server: Server, org: Org, other_org: Org):
    turned = Image.new("RGB", (900, 600), "navy")
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera lay on its side
    data = io.BytesIO()
    turned.save(data, "JPEG", exif=exif)
    pages = io.BytesIO()
    Image.new("RGB", (400, 300), "white").save(pages, "TIFF", save_all=True, append_images=[Image.new("L", (50, 80))])
    photo = await attached(server, org, data.getvalue(), "photo.jpg")
    scan = await attached(server, org, pages.getvalue(), "scan.tiff")
    async with server.db.transaction(system_actor(org.id)) as tx:
        read = """
            update documents set status = 'ready', ready_at = now(), look_at = null, pages = %(pages)s where id = %(id)s
        """
        await tx.run(read, {"id": photo, "pages": 1})
        await tx.run(read, {"id": scan, "pages": 2})

    async def picture(who: Any, document: str, page: int = 1) -> Any:
        return await who.api.get(f"/documents/{document}/picture", params={"page": page, "width": 300})

    for document, page, size in ((photo, 1, (300, 450)), (scan, 1, (300, 225)), (scan, 2, (50, 80))):
        made = (await picture(org.owner, document, page)).raise_for_status()
        drawn = Image.open(io.BytesIO(made.content))
        assert (drawn.format, drawn.size, dict(drawn.getexif())) == ("WEBP", size, {})
    assert (await picture(org.owner, photo, 2)).status_code == 404
    assert (await picture(other_org.owner, photo)).status_code == 404
    hostile = await attached(server, org, b"II*\0\x08\0\0\0" + b"\xff" * 400, "hostile.tiff")
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(read, {"id": hostile, "pages": 1})
    refused = await picture(org.owner, hostile)
    assert (refused.status_code, refused.json()["code"]) == (422, "document_damaged")


async def test_lists_are_filtered(server: Server, org: Org):
    general = await server.general(org)
    first = await attached(server, org, b"about pumps", "pumps.txt")
    second = await attached(server, org, b"about 100% of valves", "100%.txt")

    async def listed(**query: Any) -> list[str]:
        found: httpx.Response = (await org.owner.api.get("/documents", params=query)).raise_for_status()
        return [one["id"] for one in found.json()["items"]]

    assert await listed() == await listed(conversation=general, status="queued") == [second, first]
    assert await listed(q="PUMP") == [first]
    assert await listed(q="%") == [second]
    assert await listed(status="ready") == []
    assert await listed(file=await file_of(org, first)) == [first]
    assert (await org.owner.api.get("/documents", params={"status": "odd"})).status_code == 422
