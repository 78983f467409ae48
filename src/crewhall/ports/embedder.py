"""Embedders: say what texts mean, as vectors that are near one another where the meaning is."""

import math
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from msgspec import Struct

from crewhall.kernel.errors import INVALID, define_error

TEXT_REFUSED = define_error("text_refused", 422, "The embedding model refuses the text")
Vector = list[float]
"""Of length 1, so that the cosine is the product."""
DIMENSIONS = (384, 1536)
"""The lengths of vectors that the database has tables for."""


class EmbeddingModel(Struct, frozen=True):
    """Which model says so: vectors of different ones are never compared. `most_tokens` is what it reads of a text."""

    name: str
    dimension: int
    most_tokens: int


class Embedder(Protocol):
    """Embeds texts. Safe to use from many tasks at once."""

    @property
    def model(self) -> EmbeddingModel:
        """The model that is asked."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Give a vector of each text, in their order. Texts too long are read from their beginning.

        Raises UNAVAILABLE where the model cannot be asked now, INVALID for an empty text, TEXT_REFUSED where the model
        takes others, and never one of these.
        """
        ...

    async def embed_query(self, text: str) -> Vector:
        """Give the vector of what somebody looks for; goes before whatever waits in `embed`."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return the texts as they can be sent; an empty one, which means nothing, is refused."""
    if any(not text.strip() for text in texts):
        raise INVALID("A text without words has no meaning: give one that says something.")
    return [text.encode(errors="replace").decode() for text in texts]


class WordEmbedder:
    """Takes texts for near that share words: the fake. Each word has a direction of its own, the same everywhere."""

    def __init__(self, name: str = "words", dimension: int = 384) -> None:
        self._model = EmbeddingModel(name, dimension, 256)
        self.asked: list[str] = []

    @property
    def model(self) -> EmbeddingModel:
        """See Embedder."""
        return self._model

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See Embedder."""
        self.asked += texts
        return [self._of(text) for text in check_texts(texts)]

    async def embed_query(self, text: str) -> Vector:
        """See Embedder."""
        return (await self.embed([text]))[0]

    async def close(self) -> None:
        """See Embedder."""

    def _of(self, text: str) -> Vector:
        made = [0.0] * self._model.dimension
        for word in re.findall(r"\w+", text.lower())[: self._model.most_tokens] or [text]:
            digest = blake2b(word.encode(errors="replace"), digest_size=32).digest()
            for place in range(0, 32, 4):
                number = int.from_bytes(digest[place : place + 4], "big")
                made[number % self._model.dimension] += 1.0 if number >> 31 else -1.0
        length = math.hypot(*made)
        return [one / length for one in made] if length else [1.0, *made[1:]]
