"""A private channel with a secret, and who may and may not read it."""

from typing import Any
from uuid import UUID

from crewhall.conversations.members import add_member
from crewhall.conversations.opening import open_conversation
from crewhall.conversations.schemas import NewConversation, NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.kernel.actor import Actor
from tests.identity.hall import Member, Org
from tests.support.openai import Say, Use
from tests.support.waiting import until
from tests.taking.hall import SCRIPTED, Asked, TakingHall

READS = ["read_messages", "search_messages", "list_conversations", "post_message", "ask_agent", "recall", "remember"]
SECRET = "the heron flies at dawn"


async def channel(hall: TakingHall, org: Org, name: str, *members: Actor | Member, private: bool = True) -> UUID:
    listed = [NewMember(MemberType.USER if isinstance(one, Member) else MemberType.AGENT, one.id) for one in members]
    new = NewConversation(
        kind="channel",
        name=name,
        type="private" if private else "public",
        members=listed,
    )
    async with hall.db.transaction(org.owner.actor) as tx:
        return (await open_conversation(tx, org.owner.actor, hall.log, new)).id


class Ground:
    """A private channel with a secret: the owner, an insider and the agent are in it; an outsider is not."""

    def __init__(self, hall: TakingHall, org: Org) -> None:
        self.hall, self.org = hall, org

    async def make(self) -> "Ground":
        hall, org = self.hall, self.org
        self.agent = await hall.hire(org, model_config=SCRIPTED, tools=READS)
        self.insider, self.outsider = await org.add("member"), await org.add("admin")
        self.secret = await channel(hall, org, "secret", self.agent, self.insider)
        self.square = await channel(hall, org, "square", self.agent, private=False)
        await hall.say(org.owner.actor, self.secret, SECRET)
        await self._index()
        return self

    async def _index(self) -> None:
        """Let search see everything, as soon as no transaction beside can still write before it."""

        async def is_seen() -> bool:
            async with self.hall.db.transaction(None) as tx:
                await tx.value("select derive_search(500)")
                return await tx.value("select consumer_lag('search')") is None

        await until(is_seen)

    async def quoting(self, model: Any, *who: Member, agent: Actor | None = None) -> tuple[Asked, list[dict[str, Any]]]:
        """A turn in public, set off by them, that tries everything to quote the secret; gives the results."""
        there = {"conversation_id": str(self.secret)}
        model.play(
            Use([("read_messages", there), ("search_messages", {"query": "heron"}), ("list_conversations", {}),
                 ("post_message", there | {"content": "found"})]),
            Say("Well."),
        )  # fmt: skip
        asked_one = agent or self.agent
        for one in who:
            await self.hall.say(one.actor, self.square, f"@{asked_one.name} quote #secret")
        asked = await self.hall.decided(self.org, self.square, asked_one)
        assert (await asked.take()).reason == "answered"
        return asked, [step.body for step in await asked.steps() if step.kind == "result"]


async def share(hall: TakingHall, owner: Member, session: UUID, reader: Member) -> None:
    async with hall.db.transaction(owner.actor) as tx:
        await add_member(tx, owner.actor, session, NewMember(MemberType.USER, reader.id))
