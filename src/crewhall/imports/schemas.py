"""Imports at the edge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from crewhall.imports.vocabulary import SENTENCES, ChannelFate, ImportedType, ImportSource, ImportStatus, LeftOut


class LeftOutCount(Struct, frozen=True):
    """So much was not taken, for this reason."""

    reason: LeftOut
    count: int
    sentence: str


class Report(Struct, kw_only=True, omit_defaults=True):
    """What an import found, and what of it was taken."""

    people: int = 0
    matched: int = 0
    channels: int = 0
    messages: int = 0
    replies: int = 0
    reactions: int = 0
    pins: int = 0
    files: int = 0
    fresh: int = 0
    taken: int = 0
    taken_messages: int = 0
    taken_files: int = 0
    left_out: dict[str, int] = msgspec.field(default_factory=dict)

    def leave_out(self, reason: LeftOut, count: int = 1) -> None:
        """Count something that is not taken."""
        if count:
            self.left_out[reason] = self.left_out.get(reason, 0) + count


class ImportCounts(Struct, kw_only=True):
    """What an archive holds. `fresh`: records (messages, reactions, pins) that are not here yet."""

    people: int
    matched: Annotated[int, Meta(description="People of it who are members here, by their mail address.")]
    placeholders: Annotated[int, Meta(description="All others: names for what they wrote. Nobody signs in as one.")]
    channels: int
    messages: int
    replies: int
    reactions: int
    pins: int
    files: int
    fresh: int


class Import(Struct, kw_only=True):
    """An archive that is looked through, or taken in. `failure` says why it ended."""

    id: UUID
    source: ImportSource
    status: ImportStatus
    name: str
    size: int
    failure: str | None
    counts: ImportCounts
    taken: Annotated[int, Meta(description="Records that were taken in so far; it ends at `counts.fresh`.")]
    taken_messages: int
    taken_files: int
    left_out: Annotated[list[LeftOutCount], Meta(description="What is not taken, and why.")]
    created_by: UUID
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ImportChannel(Struct, kw_only=True):
    """What becomes of one channel: `target` is the name it has here."""

    external_id: str
    name: str
    type: ImportedType
    is_archived: bool
    fate: ChannelFate
    target: str
    conversation_id: UUID | None
    messages: int
    fresh: int
    taken: int
    late: int
    finished_at: datetime | None


class ImportRow(Struct, kw_only=True):
    """An import as it is stored."""

    id: UUID
    source: ImportSource
    status: ImportStatus
    name: str
    size: int
    blob_key: str
    failure: str | None
    report: Report
    attempt: int
    created_by: UUID
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def shown(self) -> Import:
        """As the API shows it."""
        report = self.report
        return Import(
            id=self.id,
            source=self.source,
            status=self.status,
            name=self.name,
            size=self.size,
            failure=self.failure,
            counts=ImportCounts(
                people=report.people,
                matched=report.matched,
                placeholders=report.people - report.matched,
                channels=report.channels,
                messages=report.messages,
                replies=report.replies,
                reactions=report.reactions,
                pins=report.pins,
                files=report.files,
                fresh=report.fresh,
            ),
            taken=report.taken,
            taken_messages=report.taken_messages,
            taken_files=report.taken_files,
            left_out=[
                LeftOutCount(reason, report.left_out[reason], SENTENCES[reason])
                for reason in LeftOut
                if report.left_out.get(reason)
            ],
            created_by=self.created_by,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
        )
