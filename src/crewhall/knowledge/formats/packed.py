"""Office files are zip archives of XML: looked through before a library unpacks anything of them."""

import re
import zipfile
import zlib

from crewhall.knowledge.formats.source import MIB, Source, damaged, encrypted, too_large

MOST_ENTRIES = 20_000
MOST_RATIO, SMALL = 200, 4 * MIB
"""How much smaller than its content an entry may be. What is small enough may be as small as it likes."""
LARGEST_XML = 256 * MIB
_DOCTYPE = re.compile(rb"<!DOCTYPE|<\0!\0D\0O\0C\0T\0Y\0P\0E\0", re.IGNORECASE)
_BEGINNING = 4096
_MEDIA = ("media/", "embeddings/", "fonts/")


def check(source: Source) -> None:
    """Refuse what would unpack to more than is read, and what defines entities. Raises Refused."""
    source.file.seek(0)
    try:
        with zipfile.ZipFile(source.file) as archive:
            entries = archive.infolist()
            _check_sizes(entries, source)
            for entry in entries:
                _check_begin(archive, entry)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError, zlib.error) as error:
        raise damaged() from error
    finally:
        source.file.seek(0)


def _check_sizes(entries: list[zipfile.ZipInfo], source: Source) -> None:
    if len(entries) > MOST_ENTRIES:
        raise too_large(f"more than {MOST_ENTRIES:,} parts")
    if len({entry.filename for entry in entries}) < len(entries):
        raise damaged()
    if sum(entry.file_size for entry in entries) > source.bounds.unpacked:
        raise too_large(f"more than {source.bounds.unpacked // MIB} MiB once it is unpacked")
    end = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.flag_bits & 0x1:
            raise encrypted()
        if entry.file_size > SMALL and entry.file_size > MOST_RATIO * max(1, entry.compress_size):
            raise too_large(f"a part that grows to more than {MOST_RATIO} times its size")
        if entry.header_offset < end:
            raise damaged()
        end = entry.header_offset + entry.compress_size


def _check_begin(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    if not entry.filename.endswith((".xml", ".rels")) or any(one in entry.filename for one in _MEDIA):
        return
    if entry.file_size > LARGEST_XML:
        raise too_large(f"a part of more than {LARGEST_XML // MIB} MiB")
    with archive.open(entry) as opened:
        if _DOCTYPE.search(opened.read(_BEGINNING)):
            raise damaged()
