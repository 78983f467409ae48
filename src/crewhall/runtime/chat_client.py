"""The client of OpenAI's protocol, its requests for an answer sent as they are. Imports pydantic-ai's client library.

The library looks at each message of a request for fields that its protocol names otherwise; there are none in those of
a chat, and with twenty messages that took as long as everything else it does (docs/adr/0031).
"""

from functools import cached_property

from openai import AsyncOpenAI, AsyncStream, NotGiven, Omit, RequestOptions, Timeout
from openai.resources.chat import AsyncChat, AsyncCompletions
from openai.types.chat import ChatCompletion, ChatCompletionChunk


class ChatClient(AsyncOpenAI):
    """As its parent; whoever asks by it repeats requests themselves."""

    @classmethod
    def beside(cls, client: AsyncOpenAI) -> "ChatClient":
        """A client of the same address, key and connections."""
        http = client._client  # noqa: SLF001 - as its `copy` does
        return cls(api_key=client.api_key, base_url=client.base_url, http_client=http, max_retries=0)

    @cached_property
    def chat(self) -> AsyncChat:
        """See AsyncOpenAI."""
        return _Chat(self)


class _Chat(AsyncChat):
    @cached_property
    def completions(self) -> AsyncCompletions:
        return _Completions(self._client)


class _Completions(AsyncCompletions):
    async def create(  # type: ignore[override]
        self,
        *,
        stream: bool | Omit = False,
        extra_headers: dict[str, str] | None = None,
        extra_query: dict[str, object] | None = None,
        extra_body: dict[str, object] | None = None,
        timeout: Timeout | NotGiven | float | None = None,  # noqa: ASYNC109 - as its parent's
        **asked: object,
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]:
        given = {name: value for name, value in asked.items() if not isinstance(value, Omit | NotGiven)}
        options: RequestOptions = {}
        if extra_headers:
            options["headers"] = extra_headers
        if extra_query:
            options["params"] = extra_query
        if extra_body:
            options["extra_json"] = extra_body
        if not isinstance(timeout, NotGiven):
            options["timeout"] = timeout
        return await self._client.post(
            "/chat/completions",
            body=given | {"stream": bool(stream)},
            cast_to=ChatCompletion,
            options=options,
            stream=bool(stream),
            stream_cls=AsyncStream[ChatCompletionChunk],
        )
