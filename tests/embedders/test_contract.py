"""The contract of every embedder: the built-in model, an address over the wire, and the fake pass the same tests."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.adapters.embedders.openai import OpenAIEmbedder
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.ports.embedder import Embedder, Vector, WordEmbedder
from tests.support.openai import ScriptedModel

CATS = ["The cat sleeps on the warm sofa.", "A cat on the sofa sleeps all day.", "Invoices are due within thirty days."]


@pytest.fixture(params=["built-in", "address", "fake"])
async def embedder(request: pytest.FixtureRequest, built_in: LocalEmbedder) -> AsyncIterator[Embedder]:
    if request.param == "built-in":
        yield built_in
    elif request.param == "fake":
        yield WordEmbedder()
    else:
        async with ScriptedModel() as address:
            made = OpenAIEmbedder(address.url, "words-384", 384)
            yield made
            await made.close()


def cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_vectors_have_length_one_and_the_dimension_of_the_model(embedder: Embedder):
    for vector in await embedder.embed(CATS):
        assert len(vector) == embedder.model.dimension
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)


async def test_what_is_alike_is_near(embedder: Embedder):
    one, other, far = await embedder.embed(CATS)
    asked = await embedder.embed_query("where does the cat sleep")
    assert cosine(one, other) > cosine(one, far) + 0.2
    assert min(cosine(asked, one), cosine(asked, other)) > cosine(asked, far)


async def test_each_text_has_its_vector_whatever_stands_beside_it(embedder: Embedder):
    texts = [f"{'a long story ' * (n % 7 * 9)}number {n}" for n in range(13)]
    together = await embedder.embed(texts)
    for text, vector in list(zip(texts, together, strict=True))[::4]:
        assert cosine((await embedder.embed([text]))[0], vector) == pytest.approx(1, abs=2e-3)
    assert cosine(await embedder.embed_query(texts[0]), together[0]) == pytest.approx(1, abs=2e-3)


async def test_what_is_too_long_is_read_from_its_beginning(embedder: Embedder):
    start = "apples and pears " * 400
    whole, longer = await embedder.embed([start * 5, start * 5 + "quantum chromodynamics " * 900])
    assert cosine(whole, longer) == pytest.approx(1, abs=1e-2)


async def test_nothing_is_nothing_and_empty_texts_are_refused(embedder: Embedder):
    assert await embedder.embed([]) == []
    for asked in (embedder.embed(["fine", " \n"]), embedder.embed_query("")):
        with pytest.raises(CrewhallError) as refused:
            await asked
        assert refused.value.kind is INVALID


async def test_strange_letters_do_no_harm(embedder: Embedder):
    vectors = await embedder.embed(["東京タワー", "\ud800 half of a pair", "NUL \0 within", "🧀" * 300, "ÀÉÎ"])
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-3) for vector in vectors)


async def test_many_may_ask_at_once(embedder: Embedder):
    alone = await embedder.embed(CATS)
    several = await asyncio.gather(*(embedder.embed(CATS) for _ in range(4)))
    for found in several:
        assert all(cosine(one, other) > 0.998 for one, other in zip(found, alone, strict=True))
