"""A real server that is not ours: llama.cpp gives embeddings over the wire as `OpenAIEmbedder` asks for them."""

import importlib.util
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crewhall.adapters.embedders.openai import OpenAIEmbedder
from crewhall.kernel.errors import INVALID, UNAVAILABLE, CrewhallError
from crewhall.runtime.local import find_weights
from crewhall.runtime.settings import TurnSettings
from tests.embedders.test_contract import CATS, cosine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="crewhall[local] is not installed"),
]
DIMENSION = 576
"""Of the weights that come in a package for tests; the settings allow what the database has tables for."""
KEY = "sesame"


@pytest.fixture(scope="module")
def address() -> Any:
    """The server, for this module: a model that was made for talking, asked for the mean of what it thinks."""
    import xllamacpp

    weights = find_weights(TurnSettings())
    if weights is None:
        pytest.skip("there are no weights to serve")
    asked: Any = xllamacpp.CommonParams()
    asked.model.path = str(weights.path)
    asked.embedding = True
    asked.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    asked.hostnames, asked.port, asked.api_keys = ["127.0.0.1"], 0, [KEY]
    asked.n_ctx = asked.n_batch = asked.n_ubatch = 2048
    asked.n_parallel, asked.n_gpu_layers, asked.cpuparams.n_threads, asked.verbosity = 1, 0, 1, -1
    asked.warmup = asked.ui = asked.endpoint_slots = False
    held = [xllamacpp.Server(asked)]
    yield f"{held[0].listening_address}/v1"
    held.clear()  # it stops when nothing refers to it


@pytest.fixture
async def embedder(address: str) -> AsyncIterator[OpenAIEmbedder]:
    made = OpenAIEmbedder(address, "smollm2", DIMENSION, key=KEY, most_tokens=500, wait_s=0)
    yield made
    await made.close()


async def test_what_is_alike_is_nearer_and_of_length_one(embedder: OpenAIEmbedder):
    vectors = await embedder.embed(CATS)
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-3) for vector in vectors)
    one, other, far = vectors
    assert cosine(one, other) > cosine(one, far) + 0.1
    asked = await embedder.embed_query("where does the cat sleep")
    assert min(cosine(asked, one), cosine(asked, other)) > cosine(asked, far)


async def test_each_text_has_its_vector_whatever_stands_beside_it(embedder: OpenAIEmbedder):
    texts = [f"{'a long story ' * (n % 4 * 9)}number {n}" for n in range(9)]
    together = await embedder.embed(texts)
    for text, vector in list(zip(texts, together, strict=True))[::4]:
        assert cosine((await embedder.embed([text]))[0], vector) == pytest.approx(1, abs=2e-3)
    with pytest.raises(CrewhallError) as refused:
        await embedder.embed([" \n"])
    assert refused.value.kind is INVALID


async def test_what_is_too_long_is_cut_or_said_to_be(address: str, embedder: OpenAIEmbedder):
    start = "apples and pears " * 200
    whole, longer = await embedder.embed([start, start + "quantum chromodynamics " * 200])
    assert cosine(whole, longer) == pytest.approx(1, abs=1e-2)
    uncut = OpenAIEmbedder(address, "smollm2", DIMENSION, key=KEY, most_tokens=100_000, wait_s=0)
    with pytest.raises(CrewhallError, match="too large") as refused:
        await uncut.embed([start * 20])
    await uncut.close()
    assert refused.value.kind is UNAVAILABLE, "it says 500: the worker finds out by asking for others"


async def test_a_wrong_key_and_a_wrong_length_are_said(address: str):
    for key, dimension, said in (("wrong", DIMENSION, "401"), (KEY, 384, f"length {DIMENSION}")):
        made = OpenAIEmbedder(address, "smollm2", dimension, key=key, wait_s=0)
        with pytest.raises(CrewhallError, match=said) as refused:
            await made.embed(["one"])
        await made.close()
        assert refused.value.kind is UNAVAILABLE
