"""Knowledge: passages that may help to answer a question, with where they stand, so that they can be cited."""

from typing import Protocol
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of text. `url` is where it can be read in full; a higher `score` fits better, within one answer.

    `document_id` is the document that it stands in, for which rights are checked anew when it is opened.
    """

    id: str
    title: str
    url: str
    text: str
    score: float
    document_id: UUID | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and who asks: an agent with those for whom it acts. Only what each of them may read is for it."""

    asker: Actor
    text: str


class Knowledge(Protocol):
    """Finds passages."""

    async def find(self, question: Question, most: int) -> list[Passage]:
        """Return at most so many passages, best first; none where nothing fits. May raise UNAVAILABLE."""
        ...


class MemoryKnowledge:
    """Knows the passages that it is given, each as good as the share of the question's words in it: the fake."""

    def __init__(self, passages: list[Passage] | None = None) -> None:
        self.passages = passages or []
        self.asked: list[Question] = []

    async def find(self, question: Question, most: int) -> list[Passage]:
        """See Knowledge."""
        self.asked.append(question)
        words = set(question.text.lower().split())
        found = [
            msgspec.structs.replace(one, score=len(shared) / len(words))
            for one in self.passages
            if (shared := words & set(f"{one.title} {one.text}".lower().split()))
        ]
        return sorted(found, key=lambda one: -one.score)[:most]
