"""An address that speaks as OpenAI's does: what passes is asked again, what does not is said."""

import pytest

from crewhall.adapters.embedders import EmbedderSettings, make_embedders
from crewhall.adapters.embedders.openai import OpenAIEmbedder, asked_wait
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from crewhall.kernel.settings import BAD_SETTING, load_settings
from tests.support.openai import Fail, ScriptedModel


async def test_what_passes_is_asked_again(address: ScriptedModel):
    embedder = OpenAIEmbedder(address.url, "words-384", 384, key="sesame", wait_s=0.001)
    address.refuse_embeddings.extend([Fail(429, headers={"retry-after": "0.001"}), Fail(503), Fail(500)])
    assert len(await embedder.embed(["one", "two"])) == 2
    assert len(address.requests) == 4
    assert set(address.keys) == {"sesame"}
    await embedder.close()


@pytest.mark.parametrize(("model", "refusals", "said"), [
    ("words-384", [Fail(401, {"message": "no such key"})], "401"),
    ("words-384", [Fail(503)] * 9, "503"),
    ("words-8", [], "length 8"),
])  # fmt: skip
async def test_what_does_not_pass_is_said(address: ScriptedModel, model, refusals, said):
    embedder = OpenAIEmbedder(address.url, model, 384, wait_s=0)
    address.refuse_embeddings.extend(refusals)
    with pytest.raises(CrewhallError, match=said) as refused:
        await embedder.embed(["one"])
    assert refused.value.kind is UNAVAILABLE
    assert len(address.requests) == (5 if len(refusals) > 1 else 1)
    await embedder.close()


async def test_nobody_there_is_said(address: ScriptedModel):
    embedder = OpenAIEmbedder("http://127.0.0.1:9/v1", "words-384", 384)
    with pytest.raises(CrewhallError, match="cannot be reached"):
        await embedder.embed_query("one")
    await embedder.close()


async def test_many_texts_are_asked_in_batches(address: ScriptedModel):
    embedder = OpenAIEmbedder(address.url, "words-1536", 1536)
    assert len(await embedder.embed([f"number {n}" for n in range(130)])) == 130
    assert [len(one["input"]) for one in address.requests] == [64, 64, 2]
    await embedder.close()


def test_waits_are_as_asked_for():
    assert asked_wait("7", 1) == 7
    assert asked_wait(None, 1) == asked_wait("soon", 1) == 1
    assert asked_wait("Wed, 21 Oct 2015 07:28:00 GMT", 1) == 0


def test_the_settings_choose():
    (built_in,) = make_embedders(load_settings(EmbedderSettings))
    assert built_in.model.dimension == 384
    outside, also = make_embedders(load_settings(EmbedderSettings, embeddings_url="https://models.example/v1"))
    assert (outside.model.dimension, also.model) == (1536, built_in.model)
    with pytest.raises(CrewhallError, match="384, 1536") as refused:
        load_settings(EmbedderSettings, embeddings_dimension=12)
    assert refused.value.kind is BAD_SETTING
