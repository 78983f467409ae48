"""The same error has the same code on every face: REST, socket, event stream, command line, an agent's outbox."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from crewhall.conversations import ConversationParts
from crewhall.kernel.ids import new_id
from crewhall.ports.agent_topics import HeardRecord, SentRecord, TopicNames
from crewhall.runtime.topic_hearing import OutboxHearing
from tests.cli.conftest import Cli, QuickCli
from tests.identity.hall import Member, Org
from tests.support.server import AgentClient, Server, frames_until, token_of, until_closed


@dataclass
class Attempt:
    """Who tries what, where. `body` is a post's; a read has none."""

    who: httpx.AsyncClient
    conversation: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass
class Scene:
    """An organization with a channel of each kind, and a stranger to them. `topics_id`: what the agent's are called."""

    server: Server
    org: Org
    member: Member
    agent: AgentClient
    topics_id: UUID
    public: str
    private: str
    archived: str
    deleted: str
    elsewhere: str
    system: str
    folder: Path

    def terminal(self, token: str) -> Cli:
        """A command line of whom the token names."""
        return QuickCli(self.folder, self.server.address, CREWHALL_TOKEN=token)

    def owner(self, conversation: str, **body: Any) -> Attempt:
        return Attempt(self.org.owner.api, conversation, body)

    def of_agent(self, attempt: Attempt) -> Attempt:
        """What somebody else attempts, by the agent; to it the name of a person is another's."""
        body = attempt.body | ({"role": "user"} if "role" in attempt.body else {})
        return replace(attempt, who=self.agent.api, body=body)

    def stranger(self, conversation: str, **body: Any) -> Attempt:
        return Attempt(self.member.api, conversation, body)


@pytest.fixture(scope="module")
async def scene(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    org, other = await server.make_org(), await server.make_org("Other")
    owner = org.owner
    channels = (await owner.api.get("/conversations", params={"kind": "channel"})).raise_for_status().json()["items"]
    archived, deleted = await server.channel(owner), await server.channel(owner, name="gone")
    (await owner.api.put(f"/conversations/{archived}/archive")).raise_for_status()
    (await owner.api.request("DELETE", f"/conversations/{deleted}", json={"confirm": "gone"})).raise_for_status()
    made = Scene(
        server=server,
        org=org,
        member=await org.add("member"),
        agent=(agent := await server.hire(org)),
        topics_id=await topics_of(server, org, agent),
        public=await server.channel(owner),
        private=await server.channel(owner, type="private"),
        archived=archived,
        deleted=deleted,
        elsewhere=await server.channel(other.owner),
        system=next(channel["id"] for channel in channels if channel["type"] == "system"),
        folder=tmp_path_factory.mktemp("terminal"),
    )
    first = {"content": "the first", "client_id": "used"}
    for who in (owner.api, agent.api):
        (await who.post(f"/conversations/{made.public}/messages", json=first)).raise_for_status()
    return made


async def topics_of(server: Server, org: Org, agent: AgentClient) -> UUID:
    """Note topics for the agent, of which no Kafka knows."""
    async with server.db.transaction(org.owner.actor) as tx:
        topics_id = new_id()
        await tx.run(
            "insert into agent_topics (id, org_id, agent_id, inbox_id, state, fed_seq)"
            " select %(id)s, org_id, owner_agent_id, id, 'ready', 0 from conversations"
            " where owner_agent_id = %(agent)s and kind = 'agent'",
            {"id": topics_id, "agent": agent.id},
        )
    return topics_id


async def by_rest(scene: Scene, attempt: Attempt) -> str:
    path = f"/conversations/{attempt.conversation}/messages"
    if attempt.body:
        answer = await attempt.who.post(path, json={"client_id": uuid4().hex, **attempt.body})
    else:
        answer = await attempt.who.get(path)
    return code_of(answer)


async def by_stream(scene: Scene, attempt: Attempt) -> str:
    return code_of(await attempt.who.get(f"/conversations/{attempt.conversation}/stream"))


async def by_socket(scene: Scene, attempt: Attempt) -> str:
    what = (
        {"type": "post", "client_id": uuid4().hex, **attempt.body}
        if attempt.body
        else {"type": "subscribe", "after": 0}
    )
    async with scene.server.live(token_of(attempt.who)) as socket:
        await socket.send(msgspec.json.encode({"conversation": attempt.conversation, **what}).decode())
        (frame,) = await frames_until(socket, "error")
        return str(frame["code"])


async def by_cli(scene: Scene, attempt: Attempt) -> str:
    said = dict(attempt.body)
    words = ["say", attempt.conversation, said.pop("content")] if attempt.body else ["history", attempt.conversation]
    for name, value in said.items():
        option = {"client_id": "--client-id", "parent_id": "--reply-to", "kind": "--kind"}[name]
        words += [option, value]
    result = await scene.terminal(token_of(attempt.who)).run(*words)
    code = CODE.search(result.err)
    assert code, result
    assert result.code == (4 if code[1] == "unauthenticated" else 1)
    return code[1]


class RefusedTopic:
    """Topics of agents of which one is read: that of refused records."""

    bootstrap = "nowhere"

    def __init__(self) -> None:
        self.sent: list[SentRecord] = []

    def names(self, topics_id: UUID) -> TopicNames:
        return TopicNames("", "inbox", f"{topics_id}.outbox", "refused", "readers")

    async def send(self, records: Sequence[SentRecord]) -> None:
        self.sent += records


async def by_outbox(scene: Scene, attempt: Attempt) -> str:
    topics = RefusedTopic()
    posting = scene.server.services.part(ConversationParts).posting
    said = {"client_id": uuid4().hex, **attempt.body, "conversation_id": attempt.conversation}
    record = HeardRecord(
        topics_id=scene.topics_id, topic=topics.names(scene.topics_id).outbox, partition=0, offset=0, key=None,
        value=msgspec.json.encode(said), headers={},
    )  # fmt: skip
    await OutboxHearing(scene.server.db, posting, topics).take(record)  # type: ignore[arg-type]
    (refused,) = topics.sent
    code = msgspec.json.decode(refused.value)["code"]
    assert refused.headers["crewhall-code"] == code
    return str(code)


def code_of(answer: httpx.Response) -> str:
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert problem["type"].endswith("/" + problem["code"])
    return str(problem["code"])


CODE = re.compile(r"\[(\w+)\]\s")
Face = Callable[[Scene, Attempt], Awaitable[str]]

POSTS: dict[str, tuple[str, Callable[[Scene], Attempt]]] = {
    "to nothing": ("not_found", lambda scene: scene.owner(str(uuid4()), content="x")),
    "to a deleted conversation": ("not_found", lambda scene: scene.owner(scene.deleted, content="x")),
    "to another tenant": ("not_found", lambda scene: scene.owner(scene.elsewhere, content="x")),
    "to a private one of others": ("not_found", lambda scene: scene.stranger(scene.private, content="x")),
    "to a system channel": ("forbidden", lambda scene: scene.owner(scene.system, content="x")),
    "to an archived one": ("conversation_closed", lambda scene: scene.owner(scene.archived, content="x")),
    "in another's name": ("forbidden", lambda scene: scene.owner(scene.public, content="x", role="assistant")),
    "with a used client id": (
        "client_id_reused",
        lambda scene: scene.owner(scene.public, content="x", client_id="used"),
    ),
    "in reply to nothing": ("invalid", lambda scene: scene.owner(scene.public, content="x", parent_id=str(uuid4()))),
    "of nothing": ("invalid", lambda scene: scene.owner(scene.public, content="  ")),
    "of too much": ("invalid", lambda scene: scene.owner(scene.public, content="x" * 40_001)),
    "of an unknown kind": ("invalid", lambda scene: scene.owner(scene.public, content="x", kind="shout")),
    "of an unknown field": ("invalid", lambda scene: scene.owner(scene.public, content="x", colour="red")),
}
READS: dict[str, tuple[str, Callable[[Scene], Attempt]]] = {
    "nothing": ("not_found", lambda scene: scene.owner(str(uuid4()))),
    "a deleted conversation": ("not_found", lambda scene: scene.owner(scene.deleted)),
    "another tenant's": ("not_found", lambda scene: scene.owner(scene.elsewhere)),
    "a private one of others": ("not_found", lambda scene: scene.stranger(scene.private)),
    "a system channel of the admins": ("not_found", lambda scene: scene.stranger(scene.system)),
}


UNSAID = {"in another's name", "of an unknown field"}
"""What the command line has no words for."""


@pytest.mark.rule("X4")
@pytest.mark.parametrize("face", [by_rest, by_socket, by_cli])
@pytest.mark.parametrize("case", POSTS)
async def test_a_refused_post_has_one_code(scene: Scene, case: str, face: Face):
    if face is by_cli and case in UNSAID:
        assert not set(POSTS[case][1](scene).body) <= {"content", "client_id", "parent_id", "kind", "title"}
        return
    code, attempt = POSTS[case]
    assert await face(scene, attempt(scene)) == code


NO_MEMBER = {"to a system channel": "not_found"}
"""What an agent is told otherwise than the owner: it does not see what it is no member of."""


@pytest.mark.rule("X4")
@pytest.mark.parametrize("case", POSTS)
async def test_a_refused_record_of_an_outbox_has_the_code_of_a_refused_post(scene: Scene, case: str):
    code, attempt = POSTS[case]
    wanted = NO_MEMBER.get(case, code)
    for face in (by_rest, by_outbox):
        assert await face(scene, scene.of_agent(attempt(scene))) == wanted


@pytest.mark.rule("X4")
@pytest.mark.parametrize("face", [by_rest, by_socket, by_stream, by_cli])
@pytest.mark.parametrize("case", READS)
async def test_a_refused_read_has_one_code(scene: Scene, case: str, face: Face):
    code, attempt = READS[case]
    assert await face(scene, attempt(scene)) == code


@pytest.mark.rule("X4")
async def test_a_post_and_a_read_that_are_allowed_pass_on_every_face(scene: Scene):
    owner = scene.org.owner.api
    (await owner.post(f"/conversations/{scene.public}/messages", json={"content": "by REST"})).raise_for_status()
    async with scene.server.live(token_of(owner)) as socket:
        post = {"type": "post", "conversation": scene.public, "client_id": uuid4().hex, "content": "by socket"}
        await socket.send(msgspec.json.encode(post).decode())
        (*_, ack) = await frames_until(socket, "ack")
        await socket.send(msgspec.json.encode({"type": "subscribe", "conversation": scene.public, "after": 0}).decode())
        records = [frame for frame in await frames_until(socket, "resumed") if frame["type"] == "record"]
    shown = (await owner.get(f"/conversations/{scene.public}/messages")).raise_for_status().json()["items"]
    assert [record["record"]["id"] for record in records] == [item["id"] for item in shown]
    assert shown[-1]["id"] == ack["id"]
    async with owner.stream("GET", f"/conversations/{scene.public}/stream", params={"after": 0}) as answer:
        ids = []
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                ids.append(int(line[4:]))
            if '"type":"resumed"' in line:
                break
    assert ids == [item["seq"] for item in shown]
    terminal = scene.terminal(token_of(owner))
    said = await terminal.ok("say", scene.public, "by the command line")
    assert [item["id"] for item in (await terminal.ok("history", scene.public))["items"]] == [
        *(item["id"] for item in shown), said["id"]
    ]  # fmt: skip


@pytest.mark.rule("X4")
@pytest.mark.parametrize("token", ["cwt_nobody", "cwk_nobody", "other"])
async def test_who_is_not_signed_in_is_told_so_on_every_face(scene: Scene, token: str):
    unknown = scene.server.client(token)
    attempt = Attempt(unknown, scene.public, {"content": "x"})
    assert await by_rest(scene, attempt) == "unauthenticated"
    assert await by_stream(scene, attempt) == "unauthenticated"
    assert await by_cli(scene, attempt) == "unauthenticated"
    async with scene.server.live(token) as socket:
        closed = await until_closed(socket)
    assert (closed.code, closed.reason) == (4401, "unauthenticated")
