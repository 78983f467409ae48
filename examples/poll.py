"""A poll keeper: asks a channel, counts reactions, says the result. No model needed.

    @poll Where do we meet? | Berlin | Lisbon | online     opens a poll; people vote with the emoji
    (in the poll's thread) close                           posts the result

Reply `result` for the count so far. The votes are the reactions themselves, so the agent keeps nothing and may be
stopped and started at any time. In a checkout, with an agent's key (`.venv/bin/crewhall agent create Poll --code poll
--key`):

    CREWHALL_AGENT_KEY=cwk_… .venv/bin/python examples/poll.py

CREWHALL_URL names the server where it is not http://127.0.0.1:8787.
"""

from crewhall.sdk import Agent, IncomingMessage, Message, Post

EMOJI = ("🇦", "🇧", "🇨", "🇩", "🇪", "🇫", "🇬", "🇭")
HELP = "Ask like this: `@poll Where do we meet? | Berlin | Lisbon | online` (two to eight choices)."
FEWEST = 2
BAR = 10

agent = Agent()


@agent.on_mention
async def open_poll(message: IncomingMessage) -> Post | None:
    """Post the poll and put one reaction of each kind below it, so that a vote is one click."""
    question, *choices = [part.strip() for part in message.text.split("|")]
    if not question or not FEWEST <= len(choices) <= len(EMOJI) or not all(choices):
        return Post(content=HELP)
    lines = [f"{emoji} {choice}" for emoji, choice in zip(EMOJI, choices, strict=False)]
    poll = {"question": question, "choices": choices}
    posted = await message.reply(
        Post(content="\n\n".join([f"**{question}**", *lines]), kind="question", metadata={"poll": poll})
    )
    if posted is not None:
        for emoji in EMOJI[: len(choices)]:
            await agent.client.messages.react(posted.conversation_id, posted.id, emoji)
    return None


@agent.on_reply
async def count(message: IncomingMessage) -> str | None:
    """Answer `result` and `close` in the thread of a poll."""
    word = message.text.lower().strip(" .!?")
    if word not in {"result", "close"}:
        return None
    poll = await agent.client.messages.get(message.conversation_id, message.thread_id)
    if "poll" not in poll.metadata:
        return None
    return result_of(poll, is_final=word == "close")


def result_of(poll: Message, *, is_final: bool) -> str:
    """The votes by choice, most first; the agent's own reactions do not count."""
    votes = {
        choice: sum(1 for reactor in poll.reactions.get(emoji, []) if reactor.id != agent.me.actor.id)
        for emoji, choice in zip(EMOJI, poll.metadata["poll"]["choices"], strict=False)
    }
    most = max(votes.values())
    total = sum(votes.values())
    ranked = sorted(votes.items(), key=lambda vote: -vote[1])
    lines = [f"{choice}: **{number}** {'▇' * round(BAR * number / max(total, 1))}" for choice, number in ranked]
    leaders = [choice for choice, number in ranked if number == most]
    if not total:
        verdict = "Nobody has voted yet."
    elif len(leaders) > 1:
        verdict = f"A tie between {' and '.join(leaders)}."
    else:
        verdict = f"{'Decided' if is_final else 'Leading'}: **{leaders[0]}**."
    return "\n\n".join([*lines, verdict])


if __name__ == "__main__":
    agent.run()
