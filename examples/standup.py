"""A stand-up keeper: collects notes in a thread and posts the summary. No model needed.

    @standup start [topic]      opens a round; everybody answers in its thread
    (in the thread) done        posts who said what, and whose note is missing

The notes are the replies themselves, so the agent keeps nothing and may be stopped and started at any time. In a
checkout, with an agent's key (`.venv/bin/crewhall agent create Standup --code standup --key`):

    CREWHALL_AGENT_KEY=cwk_… .venv/bin/python examples/standup.py

CREWHALL_URL names the server where it is not http://127.0.0.1:8787.
"""

from crewhall.sdk import Agent, IncomingMessage, Post

HELP = "Say `@standup start` to open a round, and `done` in its thread to close it."
QUESTIONS = "What did you finish, what is next, what is in your way? Answer in this thread; `done` closes it."
ROUND = "standup"
MAX_NOTE = 600

agent = Agent()


@agent.on_mention
async def open_round(message: IncomingMessage) -> Post | str:
    """Open a round where the mention was written."""
    command, _, topic = message.text.partition(" ")
    if command.lower() != "start":
        return HELP
    title = topic.strip() or f"Stand-up of {message.created_at:%d %B}"
    return Post(
        content=f"**{title}**\n\n{QUESTIONS}",
        kind="question",
        metadata={ROUND: title},
    )


@agent.on_reply
async def close_round(message: IncomingMessage) -> Post | None:
    """Sum up on `done`; acknowledge each note with a reaction, so that people see that it counts."""
    opening = await agent.client.messages.get(message.conversation_id, message.thread_id)
    if ROUND not in opening.metadata:
        return None
    if message.text.lower().strip(" .!") != "done":
        await message.react("✅")
        return None
    return Post(content=await summary(message, opening.metadata[ROUND]), kind="insight", title="Stand-up summary")


async def summary(closing: IncomingMessage, title: str) -> str:
    """One paragraph for each person's notes in the order in which they came; then whose are missing."""
    notes: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    replies = agent.client.messages.history(closing.conversation_id, parent_id=closing.thread_id)
    async for reply in replies:
        if reply.author.type == "user" and reply.deleted_at is None and reply.seq < closing.message.seq:
            notes.setdefault(reply.author.id, []).append(reply.content.strip()[:MAX_NOTE])
            names[reply.author.id] = reply.author.name
    lines = [f"**{names[person]}**: {'; '.join(said)}" for person, said in notes.items()]
    missing = [
        member.name
        async for member in agent.client.conversations.members(closing.conversation_id)
        if member.member_type == "user" and member.member_id not in notes
    ]
    if missing:
        lines.append(f"No note from {', '.join(missing)}.")
    return "\n\n".join([f"### {title}", *(lines or ["Nobody left a note."])])


if __name__ == "__main__":
    agent.run()
