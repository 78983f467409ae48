"""Embedders that tests share: one process of the built-in model, one scripted address."""

from collections.abc import AsyncIterator

import pytest

from crewhall.adapters.embedders.local import LocalEmbedder
from tests.support.openai import ScriptedModel


@pytest.fixture(scope="package")
async def built_in() -> AsyncIterator[LocalEmbedder]:
    embedder = LocalEmbedder()
    yield embedder
    await embedder.close()


@pytest.fixture
async def address() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as scripted:
        yield scripted
