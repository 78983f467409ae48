"""The product, served with a scripted model to think with."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.support.database import SharedCluster
from tests.support.openai import ScriptedModel
from tests.support.server import Server
from tests.turns_faces.scene import Scene
from tests.web.conftest import visitors

__all__ = ["visitors"]


@pytest.fixture(scope="package")
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as serving:
        yield serving


@pytest.fixture(scope="package")
async def server(cluster: SharedCluster, worker_id: str, model: ScriptedModel) -> AsyncIterator[Server]:
    """The running product, whose agents may name the provider `scripted`."""
    os.environ["CREWHALL_MODEL_ENDPOINTS"] = f"scripted={model.url},sk-test"
    try:
        async with Server(cluster.clone(f"turns_faces_{worker_id}")) as running:
            yield running
    finally:
        del os.environ["CREWHALL_MODEL_ENDPOINTS"]


@pytest.fixture
async def scene(server: Server, model: ScriptedModel) -> Scene:
    """A private group of an owner, a member and an agent that thinks with the scripted model."""
    return await Scene.make(server, model)
