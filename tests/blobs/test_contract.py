"""The contract of every blob store: a folder, a bucket on the wire, and the fake pass the same tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crewhall.adapters.blobs.bucket import BucketBlobs
from crewhall.adapters.blobs.folder import FolderBlobs
from crewhall.adapters.blobs.making import BlobSettings, make_blobs
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.ports.blobs import BLOB_MISSING, Blobs, MemoryBlobs
from tests.support.small_disk import small_disk_or_skip

LONG = bytes(range(256)) * 4096 * 6
"""Longer than one part of an upload to a bucket."""


@pytest.fixture(params=["folder", "bucket", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "blobs")
    if request.param == "memory":
        return MemoryBlobs()
    return BucketBlobs(request.getfixturevalue("bucket"))


def key() -> str:
    return f"{new_id()}/{new_id()}"


async def pieces(data: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def whole(blobs: Blobs, name: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.read(name, start, end)])


async def test_what_was_written_is_read_whole_and_in_part(blobs: Blobs):
    name = key()
    await blobs.write(name, pieces(LONG))
    assert await whole(blobs, name) == LONG
    assert await whole(blobs, name, 5, 300_000) == LONG[5:300_000]
    assert await whole(blobs, name, len(LONG) - 3) == LONG[-3:]
    assert await whole(blobs, name, 7, 7) == b""


async def test_a_piece_at_a_time_is_read(blobs: Blobs):
    name = key()
    await blobs.write(name, pieces(LONG))
    assert max([len(piece) async for piece in blobs.read(name)]) < len(LONG) / 2


async def test_what_breaks_off_is_not_kept(blobs: Blobs):
    class Broken(Exception):
        """The sender went away."""

    async def breaking() -> AsyncIterator[bytes]:
        async for piece in pieces(LONG):
            yield piece
        raise Broken

    name = key()
    with pytest.raises(Broken):
        await blobs.write(name, breaking())
    with pytest.raises(CrewhallError) as refused:
        await whole(blobs, name)
    assert refused.value.kind is BLOB_MISSING


async def test_what_was_deleted_is_missing_and_deleting_again_is_no_error(blobs: Blobs):
    name, other = key(), key()
    await blobs.write(name, pieces(b"one"))
    await blobs.write(other, pieces(b"other"))
    await blobs.delete(name)
    await blobs.delete(name)
    with pytest.raises(CrewhallError) as refused:
        await whole(blobs, name)
    assert refused.value.kind is BLOB_MISSING
    assert await whole(blobs, other) == b"other"


async def test_a_folder_leaves_nothing_half_written_and_nobody_else_reads_it(tmp_path: Path):
    blobs = FolderBlobs(tmp_path / "blobs")
    await blobs.write("a/b", pieces(b"x"))
    (kept,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert kept.name == "b"
    assert kept.stat().st_mode & 0o077 == 0
    with pytest.raises(ValueError, match=r"\.\."):
        await blobs.delete("../b")


async def test_a_store_that_is_away_says_so(tmp_path: Path):
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(CrewhallError) as refused:
        await FolderBlobs(tmp_path / "taken").write("a/b", pieces(b"x"))
    assert refused.value.kind is UNAVAILABLE


def test_the_setting_names_a_folder_or_a_bucket(tmp_path: Path):
    default = make_blobs(BlobSettings(), tmp_path)
    assert isinstance(default, FolderBlobs)
    assert default.folder == tmp_path / "blobs"
    named = make_blobs(BlobSettings(blobs=str(tmp_path / "elsewhere")), tmp_path)
    assert isinstance(named, FolderBlobs)
    assert named.folder == tmp_path / "elsewhere"
    assert isinstance(make_blobs(BlobSettings(blobs="s3://attic"), tmp_path), BucketBlobs)
    with pytest.raises(CrewhallError, match="CREWHALL_BLOBS names"):
        make_blobs(BlobSettings(blobs="ftp://attic"), tmp_path)


async def test_a_folder_without_room_says_so_keeps_nothing_and_takes_files_again_once_there_is():
    with small_disk_or_skip(1024 * 1024) as disk:
        blobs, name, other = FolderBlobs(disk.folder / "blobs"), key(), key()
        await blobs.write(name, pieces(b"kept"))
        disk.fill()
        with pytest.raises(CrewhallError) as refused:
            await blobs.write(other, pieces(LONG[:300_000]))
        assert (refused.value.code, refused.value.kind.status) == ("storage_full", 507)
        assert "Tell an admin" in refused.value.detail
        assert await whole(blobs, name) == b"kept"
        with pytest.raises(CrewhallError) as missing:
            await whole(blobs, other)
        assert missing.value.kind is BLOB_MISSING
        assert list(disk.folder.rglob("*.unfinished")) == []
        disk.free()
        await blobs.write(other, pieces(LONG[:300_000]))
        assert await whole(blobs, other) == LONG[:300_000]
