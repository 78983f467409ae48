"""What a handler of an agent gets and may answer."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.records import AttachedFile, Author, Message

CLIENT_ID_REUSED = "client_id_reused"


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with more than text. `thread` puts it into the message's thread even where none was begun.

    `files` are ids of uploads to the message's conversation.
    """

    content: str = ""
    kind: str | None = None
    title: str | None = None
    metadata: dict[str, Any] | None = None
    files: Sequence[str] = ()
    thread: bool = False


class Voice(msgspec.Struct, frozen=True):
    """How an incoming message speaks for its agent."""

    post: Callable[[Message, Post, str], Awaitable[Message]]
    react: Callable[[Message, str], Awaitable[None]]
    typing: Callable[[Message], Awaitable[None]]
    name: str
    """The agent's code: what a mention says."""


class IncomingMessage:
    """A message for the agent, with ways to answer it. The fields of `message` are also its own."""

    def __init__(self, message: Message, reason: str, voice: Voice) -> None:
        self.message = message
        self.reason = reason
        self._voice = voice
        self._answers = 0

    @property
    def id(self) -> str:
        """The message's id."""
        return self.message.id

    @property
    def conversation_id(self) -> str:
        """The conversation that the message is in."""
        return self.message.conversation_id

    @property
    def author(self) -> Author:
        """Who wrote it."""
        return self.message.author

    @property
    def content(self) -> str:
        """The message as written, in Markdown."""
        return self.message.content

    @property
    def text(self) -> str:
        """The content without mentions of this agent."""
        mention = rf"(?<![\w.+/:@-])@{re.escape(self._voice.name)}(?![\w@-])[,:]?"
        return re.sub(mention, "", self.content, flags=re.IGNORECASE).strip()

    @property
    def files(self) -> list[AttachedFile]:
        """The files that came with it."""
        return self.message.files

    @property
    def created_at(self) -> datetime:
        """When it was written (UTC)."""
        return self.message.created_at

    @property
    def thread_id(self) -> str:
        """The first message of its thread: itself, unless it is a reply."""
        return self.message.parent_id or self.message.id

    async def reply(self, answer: str | Post) -> Message | None:
        """Answer where the message stands. Posted once, even if the agent crashes and handles the message again.

        None when an earlier life of the agent has answered already, in other words.
        """
        self._answers += 1
        client_id = f"answer:{self.id}" + (f":{self._answers}" if self._answers > 1 else "")
        post = Post(content=answer) if isinstance(answer, str) else answer
        try:
            return await self._voice.post(self.message, post, client_id)
        except CrewhallApiError as error:
            if error.code != CLIENT_ID_REUSED:
                raise
            return None

    async def react(self, emoji: str) -> None:
        """React with an emoji."""
        await self._voice.react(self.message, emoji)

    async def typing(self) -> None:
        """Show that an answer is being written."""
        await self._voice.typing(self.message)
