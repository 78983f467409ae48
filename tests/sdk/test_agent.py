"""Agents: which handler a message goes to, in which order, and what becomes of errors."""

import asyncio

from crewhall.sdk import Agent, Client, IncomingMessage, Post
from tests.identity.hall import Org
from tests.sdk.scene import answers_of, messages, read_to, scene, serving, until_online
from tests.support.server import Server
from tests.support.waiting import until


async def test_a_mention_is_answered_where_it_stands(server: Server, org: Org, ada: Client) -> None:
    channel, hired = await scene(server, org)
    agent = Agent(server.address, hired.key)

    @agent.on_mention
    async def answer(message: IncomingMessage) -> str:
        await message.typing()
        return f"{message.author.name} said: {message.text}"

    async with serving(agent):
        asked = await ada.messages.post(channel, f"@{hired.code}: hello")
        said = await messages(ada, channel, lambda said: len(said) == 2)
        assert (said[1].content, said[1].kind, said[1].parent_id) == ("Ada Lovelace said: hello", "answer", None)
        assert (said[1].metadata, said[1].client_id) == ({"answers": asked.id}, f"answer:{asked.id}")
        await ada.messages.post(channel, f"and here @{hired.code}", parent_id=asked.id)
        said = await messages(ada, channel, lambda said: len(said) == 4)
        assert (said[3].content, said[3].parent_id) == ("Ada Lovelace said: and here", asked.id)


async def test_replies_and_direct_messages_have_handlers_of_their_own(server: Server, org: Org, ada: Client) -> None:
    channel, hired = await scene(server, org)
    agent = Agent(server.address, hired.key)
    agent.on_mention(lambda _: Post(content="mention", thread=True, title="T", metadata={"n": 1}))
    agent.on_reply(lambda _: "reply")
    agent.on_message(lambda _: "message")
    async with serving(agent):
        asked = await ada.messages.post(channel, f"@{hired.code}")
        said = await messages(ada, channel, lambda said: len(said) == 2)
        assert (said[1].content, said[1].parent_id, said[1].title) == ("mention", asked.id, "T")
        assert said[1].metadata == {"n": 1, "answers": asked.id}
        own = (await hired.api.post(f"/conversations/{channel}/messages", json={"content": "I begin"})).json()
        await ada.messages.post(channel, "go on", parent_id=own["id"])
        said = await messages(ada, channel, lambda said: len(said) == 5)
        assert (said[4].content, said[4].parent_id) == ("reply", own["id"])
        direct = await ada.conversations.direct("agent", hired.id)
        await ada.messages.post(direct.id, "just us")
        said = await messages(ada, direct.id, lambda said: len(said) == 2)
        assert said[1].content == "message"


async def test_without_a_handler_for_messages_a_direct_one_is_as_good_as_a_mention(
    server: Server, org: Org, ada: Client
) -> None:
    hired = await server.hire(org)
    agent = Agent(server.address, hired.key)
    agent.on_mention(lambda _: "here")
    async with serving(agent):
        direct = await ada.conversations.direct("agent", hired.id)
        await ada.messages.post(direct.id, "hello?")
        said = await messages(ada, direct.id, lambda said: len(said) == 2)
        assert said[1].content == "here"


async def test_a_followed_channel_gives_every_message_from_now_on_and_each_once(
    server: Server, org: Org, ada: Client
) -> None:
    channel, hired = await server.channel(org.owner), await server.hire(org)
    name = (await ada.conversations.get(channel)).name or ""
    await ada.messages.post(channel, "before it joined")
    agent = Agent(server.address, hired.key, channels=[f"#{name}"])
    started = asyncio.Event()

    @agent.on_start
    async def start(_: Agent) -> None:
        started.set()

    agent.on_mention(lambda message: "mention " + message.text)
    agent.on_message(lambda message: "message " + message.text)
    async with serving(agent):

        async def has_joined() -> bool:
            return hired.id in {member.member_id async for member in ada.conversations.members(channel)}

        await until(has_joined)
        assert started.is_set()
        await ada.messages.post(channel, "one")
        await ada.messages.post(channel, f"@{hired.code} two")
        await messages(ada, channel, lambda said: len(answers_of(said, hired)) == 2)
        await ada.messages.post(channel, "three")
        said = await messages(ada, channel, lambda said: "message three" in answers_of(said, hired))
    assert sorted(answers_of(said, hired)) == ["mention two", "message one", "message three"]
    await ada.messages.post(channel, "while it was away")
    async with serving(agent):
        said = await messages(ada, channel, lambda said: "message while it was away" in answers_of(said, hired))
        assert len(answers_of(said, hired)) == 4


async def test_it_answers_neither_itself_nor_other_agents_unless_told(server: Server, org: Org, ada: Client) -> None:
    channel, hired = await scene(server, org)
    policy = {"agent_policy": {"agent_cooldown_seconds": 0}}
    (await org.owner.api.patch(f"/conversations/{channel}", json=policy)).raise_for_status()
    other = await server.hire(org)
    await other.api.post(f"/conversations/{channel}/join")
    agent = Agent(server.address, hired.key)
    agent.on_mention(lambda message: f"@{hired.code} @{other.code} heard {message.text}")
    async with serving(agent):
        await other.api.post(f"/conversations/{channel}/messages", json={"content": f"@{hired.code} idle talk"})
        await ada.messages.post(channel, f"@{hired.code} Ada")
        await messages(ada, channel, lambda said: len(said) == 3)
        await ada.messages.post(channel, f"@{hired.code} Grace")
        said = await messages(ada, channel, lambda said: len(said) == 5)
        assert [text.split()[-1] for text in answers_of(said, hired)] == ["Ada", "Grace"]
    talkative = Agent(server.address, hired.key, answer_agents=True)
    talkative.on_mention(lambda message: f"heard {message.text}")
    async with serving(talkative):
        await other.api.post(f"/conversations/{channel}/messages", json={"content": f"@{hired.code} business"})
        said = await messages(ada, channel, lambda said: len(said) == 7)
        assert said[-1].content == "heard business"


async def test_thrown_out_of_a_channel_it_goes_on_elsewhere(server: Server, org: Org, ada: Client) -> None:
    channel, hired = await scene(server, org)
    private = await server.channel(org.owner, type="private")
    await ada.conversations.add_member(private, "agent", hired.id)
    agent = Agent(server.address, hired.key, channels=[private])
    agent.on_message(lambda message: message.text)
    async with serving(agent):
        await until_online(ada, hired)
        await ada.messages.post(private, "while it is in")
        await messages(ada, private, lambda said: len(said) == 2)
        await ada.conversations.remove_member(private, "agent", hired.id)
        await ada.messages.post(private, "behind its back")
        await ada.messages.post(channel, f"@{hired.code} elsewhere")
        said = await messages(ada, channel, lambda said: len(said) == 2)
        assert answers_of(said, hired) == ["elsewhere"]
        await read_to(ada, hired, 1)
    said = [message async for message in ada.messages.history(private)]
    assert answers_of(said, hired) == ["while it is in"]


async def test_order_holds_within_a_conversation_and_others_do_not_wait(server: Server, org: Org, ada: Client) -> None:
    slow, hired = await scene(server, org)
    quick = await server.channel(org.owner)
    await hired.api.post(f"/conversations/{quick}/join")
    agent = Agent(server.address, hired.key, concurrency=2)
    gate = asyncio.Event()

    @agent.on_mention
    async def answer(message: IncomingMessage) -> str:
        if message.conversation_id == slow:
            await gate.wait()
        return message.text

    async with serving(agent):
        for n in range(5):
            await ada.messages.post(slow, f"@{hired.code} {n}")
        await ada.messages.post(quick, f"@{hired.code} quick")
        await messages(ada, quick, lambda said: len(said) == 2)
        gate.set()
        said = await messages(ada, slow, lambda said: len(said) == 10)
        assert answers_of(said, hired) == ["0", "1", "2", "3", "4"]


async def test_a_failing_handler_is_tried_again_then_reported_and_passed_by(
    server: Server, org: Org, ada: Client
) -> None:
    channel, hired = await scene(server, org)
    agent = Agent(server.address, hired.key, attempts=3)
    calls: list[str] = []
    given_up: list[tuple[str, str]] = []

    @agent.on_mention
    async def answer(message: IncomingMessage) -> str:
        calls.append(message.text)
        if message.text == "never" or (message.text == "twice" and calls.count("twice") < 3):
            raise ValueError(message.text)
        return message.text

    @agent.on_error
    async def report(message: IncomingMessage, error: Exception) -> None:
        given_up.append((message.text, str(error)))

    async with serving(agent):
        for word in ("twice", "never", "fine"):
            await ada.messages.post(channel, f"@{hired.code} {word}")
        said = await messages(ada, channel, lambda said: len(said) == 5)
        await read_to(ada, hired, 3)
    assert answers_of(said, hired) == ["twice", "fine"]
    assert given_up == [("never", "never")]
    assert calls == ["twice"] * 3 + ["never"] * 3 + ["fine"]
