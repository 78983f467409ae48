"""An agent for tests: shows that it has seen a mention; with HOLD it then waits, without it it answers WORDS."""

import asyncio
import os

from crewhall.sdk import Agent, IncomingMessage

agent = Agent()


@agent.on_mention
async def answer(message: IncomingMessage) -> str:
    """Answer in the words of this life."""
    await message.react("👀")
    if "HOLD" in os.environ:
        await asyncio.Event().wait()
    await asyncio.sleep(float(os.environ.get("THINK", "0")))
    return os.environ.get("WORDS", "") + message.text


agent.run()
