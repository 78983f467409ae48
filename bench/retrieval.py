"""`python -m bench.retrieval`: how well search finds the section whose title is asked, in real documents.

Titles of sections ask; the text below them, without the title, answers. Half of the documents are for choosing by
(`--dev`), the other half for reporting; nothing is tuned on the half that is reported. Every chunk of both halves
is searched. Prints recall@1, @5, @10 and nDCG@10 of full text alone, of vectors alone, and of both.
"""

import argparse
import asyncio
import math
import sys
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from uuid import UUID

import msgspec
import psycopg

from bench.ground import Ground, temporary_home
from bench.library import Piece, Shelf, settle
from bench.sections import Section, read_sections
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Database
from crewhall.knowledge.search import KnowledgeSearch, Ranking
from crewhall.knowledge.wording import embedded_text

DEPTH = 10
CHOSEN = 60
"""Chunks of each answer that are looked at for their sections: several may be of the same."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="ask the half that may be tuned on")
    parser.add_argument("--most", type=int, default=6000, help="sections at most, whole documents")
    return parser.parse_args()


def chosen_sections(most: int) -> list[Section]:
    """Sections of whole documents, the documents in an order without meaning, up to so many."""
    by_document: dict[str, list[Section]] = {}
    for section in read_sections():
        by_document.setdefault(section.document, []).append(section)
    kept: list[Section] = []
    for document in sorted(by_document, key=lambda name: sha256(name.encode()).digest()[1:]):
        if len(kept) + len(by_document[document]) <= most:
            kept += by_document[document]
    return kept


def questions_of(sections: Sequence[Section], *, is_dev: bool) -> list[Section]:
    """The sections whose titles ask for them alone."""
    titles = [section.title.lower() for section in sections]
    return [one for one in sections if one.asks and one.is_dev == is_dev and titles.count(one.title.lower()) == 1]


async def keep(ground: Ground, sections: Sequence[Section], embedder: LocalEmbedder) -> dict[UUID, Section]:
    """Embed every chunk (once: what was embedded before is remembered), and keep it; gives the sections by chunk."""
    known = _Known(Path(gettempdir()) / "crewhall-bench-embeddings")
    (channel,) = await ground.channels("library", 1)
    found: dict[UUID, Section] = {}
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        shelf = Shelf(ground, connection, channel, embedder.model.name)
        documents: dict[str, list[Section]] = {}
        for section in sections:
            documents.setdefault(section.document, []).append(section)
        for done, (title, own) in enumerate(documents.items()):
            print(f"\r{done}/{len(documents)} documents", end="", file=sys.stderr, flush=True)
            pieces = [(one, text) for one in own for text in one.chunks()]
            meanings = await known.embed(embedder, [embedded_text(title, one.above, text) for one, text in pieces])
            made = [Piece(text, one.above, meaning) for (one, text), meaning in zip(pieces, meanings, strict=True)]
            found |= dict(zip(shelf.put(title, made), [one for one, _ in pieces], strict=True))
        settle(connection)
    print(file=sys.stderr)
    return found


class _Known:
    """Vectors of texts that were embedded before, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    async def embed(self, embedder: LocalEmbedder, texts: Sequence[str]) -> list[str]:
        path = self._folder / sha256("\0".join([embedder.model.name, *texts]).encode()).hexdigest()
        if path.exists():
            return msgspec.json.decode(path.read_bytes(), type=list[str])
        made = ["[" + ",".join(f"{x:.5g}" for x in one) + "]" for one in await embedder.embed(texts)]
        path.write_bytes(msgspec.json.encode(made))
        return made


class Score:
    """How well one way of searching does, over many questions."""

    def __init__(self) -> None:
        self.places: list[int | None] = []

    def add(self, found: Sequence[Section], wanted: Section) -> None:
        """Count an answer: sections, best first."""
        self.places.append(found.index(wanted) + 1 if wanted in found else None)

    def recall(self, depth: int) -> float:
        """The share of questions whose section is among the first."""
        return sum(place is not None and place <= depth for place in self.places) / len(self.places)

    def ndcg(self) -> float:
        """With one right answer the gain is 1 / log2(1 + its place)."""
        gains = [1 / math.log2(1 + place) for place in self.places if place is not None and place <= DEPTH]
        return sum(gains) / len(self.places)


def sections_in(ids: Sequence[UUID], by_chunk: dict[UUID, Section]) -> list[Section]:
    """The sections of chunks, each where it comes first."""
    return list(dict.fromkeys(by_chunk[one] for one in ids if one in by_chunk))[:DEPTH]


async def measure(ground: Ground, options: argparse.Namespace) -> None:
    embedder = LocalEmbedder(threads=2)
    db = Database(ground.urls.app)
    await db.open()
    try:
        sections = chosen_sections(options.most)
        by_chunk = await keep(ground, sections, embedder)
        asked = questions_of(sections, is_dev=options.dev)
        search = KnowledgeSearch(db, [embedder])
        actor = Actor(ActorType.USER, UUID(ground.user_id), UUID(ground.org_id), role=Role.OWNER)
        ways: dict[str, Callable[[str], Awaitable[list[UUID]]]] = {
            "full text": lambda q: search.ranked(actor, q, {Ranking.WORDS}, CHOSEN),
            "vectors": lambda q: search.ranked(actor, q, {Ranking.MEANING}, CHOSEN),
            "hybrid": lambda q: search.ranked(actor, q, {Ranking.WORDS, Ranking.MEANING}, CHOSEN),
        }
        scores = {name: Score() for name in ways}
        for question in asked:
            for name, way in ways.items():
                scores[name].add(sections_in(await way(question.title), by_chunk), question)
        sources = sorted({one.document.partition(":")[0] for one in sections})
        half = "the half that may be tuned on" if options.dev else "the half that is reported"
        print(f"{len(asked)} questions of {half}, {len(by_chunk)} chunks of {len(sections)} sections.")
        print(f"From {', '.join(sources)}.\n")
        print("| | recall@1 | recall@5 | recall@10 | nDCG@10 |\n|---|---|---|---|---|")
        for name, score in scores.items():
            figures = [score.recall(1), score.recall(5), score.recall(10), score.ndcg()]
            print(f"| {name} | {' | '.join(f'{figure:.3f}' for figure in figures)} |")
    finally:
        await embedder.close()
        await db.close()


async def main() -> None:
    with temporary_home() as home:
        async with Ground(home) as ground:
            await measure(ground, arguments())


if __name__ == "__main__":
    asyncio.run(main())
