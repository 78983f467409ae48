"""`python -m bench.answering`: whether agents are given what answers, and nothing where nothing answers.

The questions of `bench.retrieval`, each asked twice: as it is, and with its answer's whole source (CMake, Python, …)
out of reach, so that nothing fits it. Prints, for thresholds of how well a passage has to fit: how many of the first
kind are given a right passage, and how many of the second kind anything at all. `--dev` asks the half to choose by.
"""

import argparse
import asyncio
from collections.abc import Callable
from functools import partial
from uuid import UUID

from bench.ground import Ground, temporary_home
from bench.retrieval import arguments, chosen_sections, keep, questions_of
from bench.sections import Section
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Database
from crewhall.knowledge.finding import GIVEN_FROM, KINDS, LOOKED_AT, QUOTED_FROM, WORDS_WEIGH, as_words
from crewhall.knowledge.schemas_search import MOST_FOUND, Finding, Searched
from crewhall.knowledge.search import KnowledgeSearch

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
STEPS = tuple(step / 100 for step in range(20, 150, 5))
MOST = 5
Asked = list[tuple[Section, list[Finding]]]
"""Questions, each with what is found for it, best first."""


def source_of(section: Section) -> str:
    """Whose documentation a section is of."""
    return section.document.partition(":")[0]


async def measure(ground: Ground, options: argparse.Namespace) -> None:
    embedder = LocalEmbedder(threads=2)
    db = Database(ground.urls.app)
    await db.open()
    try:
        sections = chosen_sections(options.most)
        by_chunk = await keep(ground, sections, embedder)
        search = KnowledgeSearch(db, [embedder])
        actor = Actor(ActorType.USER, UUID(ground.user_id), UUID(ground.org_id), role=Role.OWNER)
        asked: Asked = []
        for question in questions_of(sections, is_dev=options.dev):
            found = await search.search(actor, as_words(question.title), Searched(kinds=KINDS), limit=MOST_FOUND)
            asked.append((question, [one for one in found.found if one.id in by_chunk]))
        report(asked, by_chunk, is_dev=options.dev)
    finally:
        await embedder.close()
        await db.close()


def report(asked: Asked, by_chunk: dict[UUID, Section], *, is_dev: bool) -> None:
    """Print what becomes of the questions: at what is set, or, to choose by, at everything that might be."""
    print(f"{len(asked)} questions of {'the half that may be tuned on' if is_dev else 'the half that is reported'}.")
    for weight in WEIGHTS if is_dev else (WORDS_WEIGH,):
        print(f"\nBy likeness + {weight} × words:")
        print_rows(asked, by_chunk, STEPS if is_dev else (GIVEN_FROM, QUOTED_FROM), partial(by_both, weight))
    print("\nBy words alone:")
    print_rows(asked, by_chunk, STEPS if is_dev else (GIVEN_FROM, QUOTED_FROM), by_words)


def by_both(weight: float, one: Finding) -> float:
    return (one.likeness or 0.0) + weight * (one.words or 0.0)


def by_words(one: Finding) -> float:
    return one.words or 0.0


def print_rows(
    asked: Asked, by_chunk: dict[UUID, Section], steps: tuple[float, ...], fit: Callable[[Finding], float]
) -> None:
    """A row for each threshold."""
    print("| from | a right passage is given | the first one is right, of those given | given though nothing answers |")
    print("|---|---|---|---|")
    for least in steps:
        right, first, given, wrong = 0, 0, 0, 0
        for question, found in asked:
            best = sorted((one for one in found[:LOOKED_AT] if fit(one) >= least), key=fit, reverse=True)[:MOST]
            sections = [by_chunk[one.id] for one in best]
            right += question in sections
            first += question in sections[:1]
            given += bool(best)
            others = [one for one in found if source_of(by_chunk[one.id]) != source_of(question)][:LOOKED_AT]
            wrong += any(fit(one) >= least for one in others)
        if given:
            shares = (right / len(asked), first / given, wrong / len(asked))
            print(f"| {least:.2f} | " + " | ".join(f"{share:.3f}" for share in shares) + " |")


async def main() -> None:
    with temporary_home() as home:
        async with Ground(home) as ground:
            await measure(ground, arguments())


if __name__ == "__main__":
    asyncio.run(main())
