"""What each type of source takes: its path, and its configuration, checked before they are kept."""

import posixpath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from crewhall.kernel.errors import INVALID
from crewhall.kernel.outbound import Outbound
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.vocabulary import SourceType

Short = Annotated[str, Meta(min_length=1, max_length=200)]
MOST_DEPTH, MOST_ITEMS = 8, 10_000


class FileConfig(Struct, forbid_unknown_fields=True):
    """A file takes nothing."""


class FolderConfig(Struct, forbid_unknown_fields=True):
    """Which files below a folder: `patterns` such as `*.md`, at most so many; with `watch` changes are read at once."""

    patterns: Annotated[list[Short], Meta(max_length=20)] = []
    files: Annotated[int, Meta(ge=1, le=MOST_ITEMS)] = 1000
    watch: bool = True


class UrlConfig(Struct, forbid_unknown_fields=True):
    """One page, or with `depth` those that it leads to, below it on its host; at most `pages`, one in `delay_s`."""

    depth: Annotated[int, Meta(ge=0, le=MOST_DEPTH)] = 0
    pages: Annotated[int, Meta(ge=1, le=MOST_ITEMS)] = 100
    delay_s: Annotated[float, Meta(ge=0, le=60)] = 1.0


class DatabaseConfig(Struct, forbid_unknown_fields=True):
    """A query that reads; a row is a document, told by the column `key`, or with `whole` all of them are one."""

    query: Annotated[str, Meta(min_length=1, max_length=20_000)]
    key: Short | None = None
    title: Short | None = None
    whole: bool = False
    rows: Annotated[int, Meta(ge=1, le=MOST_ITEMS)] = 1000


class ApiConfig(Struct, forbid_unknown_fields=True):
    """Where the things are in an answer (`items`, such as `data.results`), and in each its `key`, `title` and `text`.

    `next`: where the answer says the address, or the cursor, of what follows; a cursor is sent as `cursor`. `headers`
    names what the operator has for this host.
    """

    items: Annotated[str, Meta(max_length=200)] = ""
    key: Short = "id"
    title: Short | None = None
    text: Annotated[list[Short], Meta(max_length=20)] = []
    next: Short | None = None
    cursor: Short | None = None
    headers: Short | None = None
    pages: Annotated[int, Meta(ge=1, le=1000)] = 100


Config = FileConfig | FolderConfig | UrlConfig | DatabaseConfig | ApiConfig
CONFIGS: dict[SourceType, type[Config]] = {
    SourceType.FILE: FileConfig,
    SourceType.FOLDER: FolderConfig,
    SourceType.URL: UrlConfig,
    SourceType.DATABASE: DatabaseConfig,
    SourceType.API: ApiConfig,
}


def read_config(kind: SourceType, given: dict[str, Any]) -> Config:
    """The configuration of a type. Raises INVALID with what is wrong with it."""
    try:
        return msgspec.convert(given, CONFIGS[kind])
    except msgspec.ValidationError as error:
        raise INVALID(f"config: {error}.", field="config") from None


def check_source(
    kind: SourceType, path: str, config: Config, *, slug: str, settings: SourceSettings, outbound: Outbound
) -> str:
    """Refuse what can never be gone through; gives the path as it is kept. Raises INVALID, OUTBOUND_REFUSED."""
    path = path.strip()
    if kind is SourceType.FILE:
        raise INVALID("Send the file itself: POST …/knowledge/files?name=….", field="type")
    if kind in {SourceType.URL, SourceType.API}:
        path = path.partition("#")[0]
        outbound.check(path)
    if kind is SourceType.FOLDER:
        name, _, below = path.strip("/").partition("/")
        below = posixpath.normpath(below) if below else ""
        if below.startswith((".", "/")):
            raise INVALID("path: a folder below the one that is named, such as handbook/policies.", field="path")
        settings.folder(slug, name)
        path = f"{name}/{below}" if below else name
    if isinstance(config, DatabaseConfig):
        settings.database(slug, path.partition("/")[0])
        if config.key is None and not config.whole:
            raise INVALID("config: name the column that tells rows apart (key), or make all one (whole).", field="key")
    if isinstance(config, ApiConfig) and config.headers is not None:
        settings.headers(slug, config.headers)
    return path
