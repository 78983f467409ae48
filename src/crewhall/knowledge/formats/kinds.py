"""What a file is, by its bytes. Only between kinds of text its name and media type speak as well."""

import codecs
import zipfile
from enum import StrEnum

from crewhall.knowledge.formats.source import Source, damaged, empty, encrypted, unsupported

HEAD = 8192
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")


class Kind(StrEnum):
    """A way of reading."""

    PDF = "pdf"
    WORD = "word"
    SHEETS = "sheets"
    SLIDES = "slides"
    OPEN_DOCUMENT = "open_document"
    PICTURE = "picture"
    HTML = "html"
    MARKDOWN = "markdown"
    TABLE = "table"
    CODE = "code"
    TEXT = "text"


_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"BM")
_PACKED = {
    "word/document.xml": Kind.WORD,
    "xl/workbook.xml": Kind.SHEETS,
    "ppt/presentation.xml": Kind.SLIDES,
    "content.xml": Kind.OPEN_DOCUMENT,
}
_MARKDOWN = {"md", "markdown", "mdown", "mkd"}
_TABLES = {"csv", "tsv", "tab"}
_HTML = {"html", "htm", "xhtml"}
_HTML_BEGINS = (b"<!doctype html", b"<html", b"<head", b"<body")
_ENDINGS = {
    "python": "py", "javascript": "js mjs", "typescript": "ts", "tsx": "tsx", "jsx": "jsx", "java": "java",
    "kotlin": "kt", "c": "c h", "cpp": "cc cpp hpp", "csharp": "cs", "go": "go", "rust": "rs", "ruby": "rb",
    "php": "php", "swift": "swift", "scala": "scala", "sh": "sh bash", "powershell": "ps1", "sql": "sql", "r": "r",
    "lua": "lua", "perl": "pl", "css": "css", "scss": "scss", "json": "json jsonl ndjson geojson",
    "xml": "xml xsd xsl svg rss", "yaml": "yaml yml", "toml": "toml", "ini": "ini cfg conf env", "diff": "diff patch",
    "tex": "tex", "proto": "proto", "hcl": "tf", "groovy": "gradle", "dart": "dart", "elixir": "ex", "haskell": "hs",
}  # fmt: skip
LANGUAGES = {ending: language for language, endings in _ENDINGS.items() for ending in endings.split()}
"""Languages of code by the ending of a name, as a fence names them."""


def kind_of(source: Source) -> Kind:
    """What it is to be read as. Raises Refused where it is of no kind that is read."""
    source.file.seek(0)
    head = source.file.read(HEAD)
    if not head.strip(b"\0 \t\r\n\f") and source.size <= HEAD:
        raise empty()
    if head.startswith(b"PK"):
        return _packed(source)
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Kind.PICTURE
    if head.startswith(OLE):
        raise (
            encrypted()
            if _is_encrypted_office(source)
            else unsupported("Older office files are to be saved as .docx, .xlsx or .pptx, or as PDF.")
        )
    if head.startswith(b"{\\rtf"):
        raise unsupported("Save it as .docx or as PDF.")
    if not _is_text(head):
        raise unsupported("PDF, .docx, .xlsx, .pptx, .odt, text, tables (CSV), web pages and pictures are.")
    return _textual(source, head)


def language_of(source: Source) -> str:
    """The language of code, as a fence names it; empty where nobody knows."""
    if source.ending in LANGUAGES:
        return LANGUAGES[source.ending]
    subtype = source.media_type.partition("/")[2].partition(";")[0].removeprefix("x-")
    return next((one for one in ("json", "xml", "javascript", "yaml", "python", "sh") if subtype.endswith(one)), "")


def _packed(source: Source) -> Kind:
    try:
        with zipfile.ZipFile(source.file) as archive:
            names = set(archive.namelist())
    except MemoryError:
        raise
    except Exception as error:
        raise damaged() from error
    for name, kind in _PACKED.items():
        if name in names:
            return kind
    if "META-INF/container.xml" in names:
        raise unsupported("Save the book as PDF or as web pages.")
    raise unsupported("Take the files out of the archive and send them one by one.")


def _is_encrypted_office(source: Source) -> bool:
    source.file.seek(0)
    return _ENCRYPTED_OFFICE in source.file.read(1024 * 1024) or _ENCRYPTED_OFFICE in source.whole()[-1024 * 1024 :]


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)  # noqa: PLR2004 - controls of ASCII
    if controls <= len(head) // 100:
        return True
    return (
        min(head[::2].count(0), head[1::2].count(0)) == 0
        and max(head[::2].count(0), head[1::2].count(0)) > len(head) // 4
    )


def _textual(source: Source, head: bytes) -> Kind:
    media_type = source.media_type.partition(";")[0].strip().lower()
    begins = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if (
        begins.startswith(_HTML_BEGINS)
        or media_type in {"text/html", "application/xhtml+xml"}
        or source.ending in _HTML
    ):
        return Kind.HTML
    if source.ending in _MARKDOWN or media_type == "text/markdown":
        return Kind.MARKDOWN
    if source.ending in _TABLES or media_type in {"text/csv", "text/tab-separated-values"}:
        return Kind.TABLE
    if language_of(source) or begins.startswith(b"<?xml"):
        return Kind.CODE
    return Kind.TEXT
