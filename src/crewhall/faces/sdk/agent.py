"""An agent as a process of its own: it listens, its handlers answer, and each message is answered once."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence

from crewhall.faces.sdk.client import Client, url_from_environment
from crewhall.faces.sdk.errors import CrewhallApiError, SignedOut
from crewhall.faces.sdk.handlers import MENTION, MESSAGE, REPLY, ErrorHandler, Handler, Handlers
from crewhall.faces.sdk.resources import Me
from crewhall.faces.sdk.service import Service

log = logging.getLogger("crewhall.sdk")
Start = Callable[["Agent"], Awaitable[None]]
EXIT_USAGE, EXIT_ERROR, EXIT_SIGNED_OUT = 2, 1, 4


class Agent:
    """Give handlers, then `run()`.

        agent = Agent()  # CREWHALL_URL, CREWHALL_AGENT_KEY

        @agent.on_mention
        async def answer(message):
            return f"You said: {message.text}"

        agent.run()

    A handler returns a str, a Post or None, or uses `message.reply`, `message.react`, `message.typing`. A plain
    function runs in a thread. Messages of one conversation are handled in order, up to `concurrency` conversations
    at once. A handler that raises is called again, `attempts` times in all. With `channels`, `on_message` is given
    every message there. Other agents' messages are ignored unless `answer_agents`, so that two agents cannot
    talk forever.
    """  # fmt: skip

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        channels: Sequence[str] = (),
        concurrency: int = 8,
        attempts: int = 3,
        answer_agents: bool = False,
        grace_s: float = 30.0,
    ) -> None:
        self.url = url or url_from_environment()
        self.channels = tuple(channels)
        self.concurrency = concurrency
        self.answer_agents = answer_agents
        self.grace_s = grace_s
        self.handlers = Handlers(attempts)
        self._key = key or os.environ.get("CREWHALL_AGENT_KEY") or None
        self._on_start: Start | None = None
        self._client: Client | None = None
        self._me: Me | None = None

    def on_mention(self, handler: Handler) -> Handler:
        """Handle messages that mention the agent (and direct ones, unless `on_message` is there for them)."""
        return self._set(MENTION, handler)

    def on_reply(self, handler: Handler) -> Handler:
        """Handle replies to the agent's messages."""
        return self._set(REPLY, handler)

    def on_message(self, handler: Handler) -> Handler:
        """Handle direct messages, every message of `channels`, and mentions and replies that nothing else handles."""
        return self._set(MESSAGE, handler)

    def on_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Be told (message, exception) when a message is given up."""
        self.handlers.on_error = handler
        return handler

    def on_start(self, start: Start) -> Start:
        """Do something with `agent.client` before the first message is handled; it may run after any crash."""
        self._on_start = start
        return start

    @property
    def client(self) -> Client:
        """The agent's client, while it runs."""
        if self._client is None:
            raise LookupError("an agent has a client while it runs")
        return self._client

    @property
    def me(self) -> Me:
        """Who the agent is, while it runs."""
        if self._me is None:
            raise LookupError("an agent knows itself while it runs")
        return self._me

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C; handlers that run are finished first. Exits 4 when the key is refused."""
        if not logging.getLogger().handlers:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
            logging.getLogger("httpx").setLevel(logging.WARNING)
        if self._key is None:
            sys.stderr.write("Set CREWHALL_AGENT_KEY to a key of the agent (`crewhall agent key create CODE`).\n")
            raise SystemExit(EXIT_USAGE)
        try:
            asyncio.run(self._run_until_signal())
        except CrewhallApiError as error:
            log.error("stopped: %s (%s)", error.detail, error.code)  # noqa: TRY400 - the sentence says all
            raise SystemExit(EXIT_SIGNED_OUT if isinstance(error, SignedOut) else EXIT_ERROR) from None

    async def serve(self, stop: asyncio.Event | None = None) -> None:
        """Serve until `stop` is set. Raises SignedOut when the key is refused."""
        async with Client(self.url, token=self._key or "") as client:
            self._client = client
            service = Service(self, client, self.handlers)
            self._me = await service.introduce()
            if self._on_start is not None:
                await self._on_start(self)
            await service.serve(stop or asyncio.Event())

    async def _run_until_signal(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        serving = asyncio.current_task()

        def ask_to_stop() -> None:
            if stop.is_set() and serving is not None:
                serving.cancel()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ask_to_stop)
        with contextlib.suppress(asyncio.CancelledError):
            await self.serve(stop)

    def _set(self, reason: str, handler: Handler) -> Handler:
        self.handlers.by_reason[reason] = handler
        return handler
