"""Rerankers: read a question and what was found together, and say how well each fits. None comes with Crewhall."""

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Ranks what was found anew. Safe to use from many tasks at once."""

    async def rank(self, question: str, texts: Sequence[str]) -> list[float]:
        """Say of each text how well it answers, more being better, in their order.

        Raises UNAVAILABLE where that cannot be said now: the order stays what it was.
        """
        ...


class WordReranker:
    """Takes a text for as good as the share of the question's words that it holds: the fake."""

    async def rank(self, question: str, texts: Sequence[str]) -> list[float]:
        """See Reranker."""
        asked = set(question.lower().split())
        return [len(asked & set(text.lower().split())) / max(1, len(asked)) for text in texts]
