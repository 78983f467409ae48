"""Sources at the edge."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.knowledge.sources.vocabulary import SourceState, SourceType, SyncOutcome
from crewhall.knowledge.vocabulary import DocumentStatus, Unit

Path = Annotated[str, Meta(min_length=1, max_length=2000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Cron = Annotated[str, Meta(min_length=1, max_length=200, description="Five fields, such as `0 6 * * *`.")]
Timezone = Annotated[str, Meta(min_length=1, max_length=100)]


class Counts(Struct, kw_only=True):
    """What a sync saw: `fresh` is new, `failed` could not be taken and stays as it was."""

    seen: int = 0
    fresh: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    failed: int = 0


class Source(Struct, kw_only=True):
    """What an agent looks things up in. `counts` and `failure`: of the sync under way, else of the last one."""

    id: UUID
    agent_id: UUID
    type: SourceType
    path: str
    name: str
    enabled: bool
    config: dict[str, Any]
    cron: str | None
    timezone: str | None
    state: SourceState
    item_count: int
    counts: Counts
    failure: str | None
    cut: Annotated[str | None, Meta(description="What a limit left out of it, the last time.")]
    watch_failure: Annotated[str | None, Meta(description="Why a folder that is to be watched is not.")]
    synced_at: datetime | None
    next_sync_at: datetime | None
    created_at: datetime


class SourceInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new source. `path`: an address, or the name that the operator gave a folder or a database, with more behind."""

    type: SourceType
    path: Path
    name: Name | None = None
    config: dict[str, Any] = {}
    cron: Cron | None = None
    timezone: Timezone | None = None
    enabled: bool = True


class SourcePatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to change of a source; a `cron` of null ends its schedule."""

    name: Name | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    cron: Cron | None | UnsetType = UNSET
    timezone: Timezone | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class SourceItem(Struct, kw_only=True):
    """What a source holds, and the document that it is; `failure` says why it could not be taken as it is now.

    `done` of `total` (in `unit`) is how far the document's stage has come.
    """

    id: UUID
    key: str
    name: str
    media_type: str | None
    size: int | None
    document_id: UUID | None
    title: str | None
    status: DocumentStatus | None
    done: int
    total: int | None
    unit: Unit | None
    failure: str | None
    seen_at: datetime
    changed_at: datetime | None


class SourceSync(Counts, kw_only=True):
    """A time that a source was gone through, and how it ended."""

    id: UUID
    started_at: datetime
    ended_at: datetime
    outcome: SyncOutcome
    error: str | None
    cut: str | None
