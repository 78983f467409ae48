"""Chunks: passages of a text that can be read by themselves, of a size that the embedding model reads whole.

The text is the blocks with an empty line between them. Chunks tile it: put together without the first `overlap`
characters of each they are the text, and `starts` and `ends` count in that. What `overlap` repeats is the last sentence
of the chunk before, or, where a chunk begins within a table or code, the table's header or the opening fence. Blocks
may come without end: only those of one chunk are held.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from crewhall.knowledge.cutting import LARGEST_OVERLAP, LONGEST_HEADER, Piece, cut, last_sentence
from crewhall.knowledge.passages import Block, BlockKind, Chunk
from crewhall.knowledge.tokens import MOST_TOKENS, size_of

ENOUGH = 110
"""Tokens with which a chunk may end before a smaller heading, or a paragraph that does not fit."""
TINY = 50
"""Tokens up to which a chunk goes on over a heading of the first two levels."""
HIGH_LEVEL = 2
BETWEEN = "\n\n"
LONGEST_HEADING = 200
DEEPEST = 6


class _Part(Struct):
    """A piece of a block in the chunk that is being made."""

    piece: Piece
    block: Block
    path: list[str]


def chunk(blocks: Iterable[Block]) -> Iterator[Chunk]:
    """The chunks of a text that comes as blocks."""
    chunker = Chunker()
    for block in blocks:
        yield from chunker.take(block)
    yield from chunker.end()


class Chunker:
    """Makes chunks of blocks that are handed over one by one."""

    def __init__(self) -> None:
        self._waiting: Block | None = None
        self._parts: list[_Part] = []
        self._size = 0
        self._overlap = ""
        self._path: list[tuple[int, str]] = []
        self._position = self._starts = 0
        self._page: int | None = None

    def take(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; gives the chunks that are done."""
        if not block.text:
            return
        before, self._waiting = self._waiting, block
        if before is not None:
            yield from self._add(before, before.text + BETWEEN)

    def end(self) -> Iterator[Chunk]:
        """Give what is left."""
        if self._waiting is not None:
            yield from self._add(self._waiting, self._waiting.text)
            self._waiting = None
        yield from self._give(len(self._parts))

    def _add(self, block: Block, text: str) -> Iterator[Chunk]:
        if block.kind is BlockKind.HEADING:
            yield from self._before_heading(block)
        pieces = cut(block.kind, text)
        path = [title for _, title in self._path]
        whole = sum(piece.size for piece in pieces)
        if self._size >= ENOUGH and self._size + whole > MOST_TOKENS:
            yield from self._give_body(pieces[0])
        for piece in pieces:
            if self._parts and self._size + piece.size > MOST_TOKENS:
                yield from self._give_body(piece)
            if self._size + piece.size > MOST_TOKENS:  # not even beside what is repeated
                self._size -= size_of(self._overlap)
                self._overlap = ""
            self._parts.append(_Part(piece, block, path))
            self._size += piece.size

    def _before_heading(self, block: Block) -> Iterator[Chunk]:
        level = block.level or DEEPEST
        has_body = any(part.block.kind is not BlockKind.HEADING for part in self._parts)
        if has_body and self._size > (TINY if level <= HIGH_LEVEL else ENOUGH):
            yield from self._give(len(self._parts))
        title = block.text.lstrip("#").strip()[:LONGEST_HEADING]
        self._path = [(above, name) for above, name in self._path if above < level] + [(level, title)]

    def _give_body(self, following: Piece) -> Iterator[Chunk]:
        """Give what is held, but keep headings at its end for what follows them."""
        count = len(self._parts)
        while count and self._parts[count - 1].block.kind is BlockKind.HEADING:
            count -= 1
        if count == 0 and self._size + following.size > MOST_TOKENS:
            count = len(self._parts)
        kept = self._parts[count:]
        last = self._parts[count - 1] if count else None
        yield from self._give(count)
        if last is None:
            return
        if kept:
            overlap = ""
        elif following.again and last.block.kind in {BlockKind.TABLE, BlockKind.CODE}:
            overlap = following.again
        else:
            overlap = last_sentence(last.piece.text) if last.block.kind is BlockKind.TEXT else ""
        size = size_of(overlap)
        self._overlap = overlap if size <= (LONGEST_HEADER if following.again else LARGEST_OVERLAP) else ""
        self._size += size_of(self._overlap)

    def _give(self, count: int) -> Iterator[Chunk]:
        """Give the first so many parts as a chunk."""
        parts, self._parts = self._parts[:count], self._parts[count:]
        if not parts:
            return
        own = "".join(part.piece.text for part in parts)
        self._page = next((part.block.page for part in parts if part.block.page), self._page)
        yield Chunk(
            position=self._position,
            content=self._overlap + own,
            overlap=len(self._overlap),
            page=self._page,
            heading=_path_of(parts),
            starts=self._starts,
            ends=self._starts + len(own),
        )
        self._position += 1
        self._starts += len(own)
        self._overlap = ""
        self._size = sum(part.piece.size for part in self._parts)


def _path_of(parts: list[_Part]) -> list[str]:
    """The headings above a chunk: of its first words, or those that all of it has where it begins with one."""
    bodies = [part.path for part in parts if part.block.kind is not BlockKind.HEADING] or [parts[0].path]
    path = bodies[0]
    if parts[0].block.kind is BlockKind.HEADING:
        for other in bodies[1:]:
            same = next((at for at, (one, two) in enumerate(zip(path, other, strict=False)) if one != two), None)
            path = path[: min(len(path), len(other)) if same is None else same]
    return path
