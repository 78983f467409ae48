"""Models: what thinks for an agent, made from its `model_config`. Imports pydantic-ai: import it within the first turn.

`provider` is one of pydantic-ai's, an endpoint that the operator lists in CREWHALL_MODEL_ENDPOINTS (spoken to as OpenAI
is; agents name no addresses themselves), or `crewhall`: built in, for which `made_in` has the functions.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from pydantic import SecretStr
from pydantic_ai import RunContext
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import (
    Model,
    ModelRequestParameters,
    StreamedResponse,
    create_async_httpx2_client,
    infer_model,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.providers import Provider, infer_provider_class
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from crewhall.runtime.catalog import KEYED
from crewhall.runtime.chat_client import ChatClient
from crewhall.runtime.context import Context
from crewhall.runtime.endings import Ending, TurnEnded, failed
from crewhall.runtime.endpoints import Endpoint
from crewhall.runtime.gathering import Gatherer
from crewhall.runtime.guide import answer_as_guide
from crewhall.runtime.librarian import answer_as_librarian
from crewhall.runtime.local import LOCAL, LocalModel, find_weights
from crewhall.runtime.scribe import write_digest
from crewhall.runtime.settings import TurnSettings

BUILT_IN = "crewhall"
WRITERS: dict[str, Callable[[Context], str]] = {
    "guide": answer_as_guide,
    "librarian": answer_as_librarian,
    "scribe": write_digest,
}
"""The models that come with Crewhall: no weights, a function of what the agent was shown."""
SETTINGS = (
    "temperature", "max_tokens", "top_p", "seed", "presence_penalty", "frequency_penalty", "stop_sequences",
    "parallel_tool_calls",
)  # fmt: skip
"""The keys of `model_config` that are passed on; no address, header or free body is among them."""
PIECE = 24
"""Characters that a built-in model gives at a time: it streams as others do."""


class Models:
    """The models of one process. Each provider is made once, with its connections, and closed at the end."""

    def __init__(self, settings: TurnSettings, endpoints: dict[str, Endpoint]) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._providers: dict[str, Provider[Any]] = {}
        self._gatherer = Gatherer()
        self._stack = contextlib.AsyncExitStack()
        weights = find_weights(settings)
        self._local = None if weights is None else LocalModel(weights, settings.local_idle_minutes * 60)

    async def close(self) -> None:
        """Close every provider's connections."""
        await self._stack.aclose()
        if self._local is not None:
            await self._local.close()

    async def model(self, config: dict[str, Any], context: Context) -> Model:
        """Make the model that a configuration names; raises TurnEnded with what is missing."""
        provider, name = config.get("provider"), config.get("model")
        if not isinstance(provider, str) or not isinstance(name, str):
            raise _unavailable(f"{context.agent_name} has no model: choose a provider and a model in its settings.")
        if provider == BUILT_IN:
            return built_in(name, context)
        return await self.outside(provider, name)

    async def outside(self, provider: str, name: str) -> Model:
        """Make a model of a provider; raises TurnEnded with what is missing."""
        if provider in self._endpoints:
            return OpenAIChatModel(name, provider=await self._endpoint(provider))
        if provider == LOCAL:
            return self._local_chat(name)
        try:
            made = await self._provider(provider)
            return infer_model(f"{provider}:{name}", provider_factory=lambda _name: made)
        except (UserError, ImportError, ValueError) as error:
            if provider in KEYED and "API_KEY" in str(error):
                raise _unavailable(
                    f"There is no key for {provider}: set CREWHALL_{provider.upper()}_API_KEY on the server."
                ) from error
            raise _unavailable(
                f"The provider {provider} cannot be used here: {str(error).strip().splitlines()[0].rstrip('.')}. "
                "Who runs the server adds providers, keys and endpoints: /help/models says how."
            ) from error

    def settings(self, config: dict[str, Any]) -> ModelSettings:
        """What is asked of the model beside the words."""
        chosen = {"max_tokens": self._settings.model_answer_tokens}
        chosen |= {name: config[name] for name in SETTINGS if config.get(name) is not None}
        asked: ModelSettings = {**chosen, "timeout": self._settings.model_timeout_s}  # type: ignore[typeddict-item]
        # One place repeats requests, so that each is recorded, can be cancelled and counts for the breaker. Those that
        # are spoken to as OpenAI is have clients that never repeat; others are copied for the request.
        if config.get("provider") not in {"openai", *self._endpoints}:
            asked["max_retries"] = 0
        return asked

    def _local_chat(self, name: str) -> Model:
        if self._local is None:
            raise _unavailable("No local model is installed here. Who runs the server adds one as /help/models says.")
        if name != self._local.weights.name:
            raise _unavailable(f"The local model is called {self._local.weights.name}, not {name}.")
        return LocalChat(self._local)

    async def _endpoint(self, name: str) -> OpenAIProvider:
        if name not in self._providers:
            endpoint = self._endpoints[name]
            self._providers[name] = await self._spoken_to_as_openai(endpoint.url, endpoint.key or "none")
        found = self._providers[name]
        assert isinstance(found, OpenAIProvider)
        return found

    async def _provider(self, name: str) -> Provider[Any]:
        if name not in self._providers:
            kind = infer_provider_class(name)
            key: SecretStr | None = getattr(self._settings, f"{name}_api_key", None)
            given = {"api_key": key.get_secret_value()} if key else {}
            if kind is OpenAIProvider:
                self._providers[name] = await self._spoken_to_as_openai(None, given.get("api_key"))
            else:
                self._providers[name] = await self._stack.enter_async_context(kind(**given))
        return self._providers[name]

    async def _spoken_to_as_openai(self, url: str | None, key: str | None) -> OpenAIProvider:
        http = self._gatherer.watch(await self._stack.enter_async_context(create_async_httpx2_client()))
        provider = OpenAIProvider(base_url=url, api_key=key, http_client=http)
        return OpenAIProvider(openai_client=ChatClient.beside(provider.client))


class LocalChat(WrapperModel):
    """The local model, whose server is up while it is asked."""

    def __init__(self, local: LocalModel) -> None:
        self._local = local
        super().__init__(_chat_at(local.weights.name, OpenAIProvider(base_url="http://127.0.0.1:0/v1", api_key="none")))

    @contextlib.asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncIterator[StreamedResponse]:
        """See Model."""
        async with (
            self._local.running() as endpoint,
            OpenAIProvider(base_url=endpoint.url, api_key=endpoint.key or "none") as provider,
            _chat_at(self.model_name, provider).request_stream(
                messages, model_settings, model_request_parameters, run_context
            ) as stream,
        ):
            yield stream


def _chat_at(name: str, provider: OpenAIProvider) -> OpenAIChatModel:
    return OpenAIChatModel(name, provider=provider)


def built_in(name: str, context: Context) -> Model:
    """A model that comes with Crewhall, thinking about one context."""
    write = WRITERS.get(name)
    if write is None:
        raise _unavailable(f"Crewhall has no built-in model {name!r}: there are {', '.join(sorted(WRITERS))}.")

    async def stream(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
        text = await asyncio.to_thread(write, context)  # however much it reads, it holds nobody else up
        for at in range(0, len(text), PIECE):
            yield text[at : at + PIECE]

    return FunctionModel(stream_function=stream, model_name=name)


def _unavailable(detail: str) -> TurnEnded:
    return failed(Ending.MODEL_UNAVAILABLE, detail)
