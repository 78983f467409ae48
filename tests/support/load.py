"""The load under which processes are killed and replaced: sixteen writers, six subscribers, one hall."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import psycopg

from crewhall.kernel.postgres.urls import DATABASE
from tests.identity.hall import PASSWORD
from tests.support.history import Entry, History, delivery_faults, faults
from tests.support.site import Site
from tests.support.subscribers import SocketSubscriber, StreamSubscriber, Subscriber
from tests.support.uploaders import FULL, Uploader, torn_files
from tests.support.waiting import PATIENCE
from tests.support.writers import HttpWriter, Place, SocketWriter, Somebody, Writer

PROGRESS_S = 60.0 * PATIENCE
"""So long posts may take, and so long those who catch up may stand still: a busy machine is slow, not stuck."""
STORED = """
select conversation_id::text, seq, id::text, type, author_id::text, client_id, coalesce(content, ''),
       coalesce(mentions, '{}')::text[], target_id::text
from message_records where conversation_id = any (%s) order by conversation_id, seq
"""
UNDELIVERED = """
select 'consumer turns at ' || position || ' ' || conversation_id || ' ' || seq from consumer_checkpoints
where consumer = 'turns' and consumer_lag('turns') is not null
union all select count(*) || ' triggers' from turn_triggers having count(*) > 0
union all select count(*) || ' open runs' from runs where completed_at is null having count(*) > 0
"""


@dataclass
class Load:
    """Writers and subscribers at work on a site."""

    site: Site
    place: Place
    random: random.Random
    owner: Somebody
    conversations: list[str]
    agent: Somebody
    inbox: str
    history: History
    writers: Sequence[Writer]
    subscribers: Sequence[Subscriber]
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: list[str] = field(default_factory=list)
    """Writers that had to wait when somebody looked last."""

    async def progress(self, posts: int) -> None:
        """Wait until that many more posts were acknowledged."""
        target = len(self.history.acks) + posts
        async with asyncio.timeout(PROGRESS_S):
            while len(self.history.acks) < target:  # looks are cheap; the writers stay simple
                await asyncio.sleep(0.002)

    async def everybody(self) -> None:
        """Wait until every writer has had another post acknowledged."""
        since = time.monotonic()
        async with asyncio.timeout(PROGRESS_S):
            while waiting := [one.name for one in self.writers if one.heard_at < since]:
                self.waiting = waiting
                await asyncio.sleep(0.01)

    async def takes_files(self, files: int) -> None:
        """Wait until that many more files were acknowledged."""
        target = len(self.history.kept) + files
        async with asyncio.timeout(PROGRESS_S):
            while len(self.history.kept) < target:
                await asyncio.sleep(0.02)

    async def refuses_files(self, files: int) -> None:
        """Wait until that many more files were refused because there is no room."""
        target = self.history.not_kept[FULL] + files
        async with asyncio.timeout(PROGRESS_S):
            while self.history.not_kept[FULL] < target:
                await asyncio.sleep(0.02)

    def longest_silence(self, since: float) -> float:
        """The longest time in which nobody's post was acknowledged."""
        heard = [since, *(ack.at for ack in self.history.acks if ack.at > since)]
        return max((later - earlier for earlier, later in itertools.pairwise(heard)), default=0.0)

    def longest_wait(self, since: float) -> float:
        """The longest that a single post waited, with all its tries."""
        return max((ack.took for ack in self.history.acks if ack.at > since), default=0.0)

    async def settle(self) -> list[str]:
        """Stop writing, wait for every subscriber and consumer, and return what is wrong.

        Fails when nobody of them comes any further for PROGRESS_S, and says who is behind.
        """
        since, before = time.monotonic(), None
        while behind := await self._behind():
            if behind != before:
                since, before = time.monotonic(), behind
            assert time.monotonic() - since < PROGRESS_S, "\n".join(["still behind:", *behind])
            await asyncio.sleep(0.02)
        stored = await asyncio.to_thread(self.stored)
        torn = await torn_files(self.history, self.place, self.owner.token)
        return faults(self.history, stored) + delivery_faults(stored, self.agent.id, self.inbox) + torn

    def stored(self) -> list[Entry]:
        """The log as the database has it."""
        with psycopg.connect(self.site.postgres.superuser_url(DATABASE)) as connection:
            rows = connection.execute(STORED, ([*self.conversations, self.inbox],)).fetchall()
        return [Entry(*row) for row in rows]

    def _heads(self) -> dict[str, int]:
        with psycopg.connect(self.site.postgres.superuser_url(DATABASE)) as connection:
            rows = connection.execute(
                "select conversation_id::text, last_seq from conversation_heads where conversation_id = any (%s)",
                ([*self.conversations, self.inbox],),
            ).fetchall()
        return {str(id): int(seq) for id, seq in rows}

    async def _behind(self) -> list[str]:
        """Who has not seen everything, and what is not delivered or answered yet."""
        heads = await asyncio.to_thread(self._heads)
        behind = [
            f"{one.name} has {one.last_seq(conversation)} of {heads[conversation]} in {conversation}"
            for one in self.subscribers
            for conversation in one.conversations
            if one.last_seq(conversation) < heads[conversation]
        ]
        return behind or await asyncio.to_thread(self._undelivered)

    def _undelivered(self) -> list[str]:
        with psycopg.connect(self.site.postgres.superuser_url(DATABASE)) as connection:
            return [str(row[0]) for row in connection.execute(UNDELIVERED).fetchall()]


@contextlib.asynccontextmanager
async def load_on(site: Site, seed: int, through: Place | None = None, *, uploads: bool = False) -> AsyncIterator[Load]:
    """Start the load on a running site; it ends with the block, its last posts acknowledged.

    Clients go to the site's server, or `through` something that stands before several. `uploads`: files are sent, too.
    """
    print(f"CREWHALL_TEST_SEED={seed}")  # shown with whatever fails from here on
    load = await _prepare(site, seed, through or site.server, uploads=uploads)
    following = [asyncio.create_task(subscriber.run()) for subscriber in load.subscribers]
    writing = asyncio.gather(*[writer.run(load.enough) for writer in load.writers])
    try:
        yield load
        load.enough.set()
        async with asyncio.timeout(PROGRESS_S):
            await writing
        wrong = await load.settle()
        assert not wrong, "\n".join(wrong)
    except BaseException:
        await site.say_where_tasks_wait()
        raise
    finally:
        writing.cancel()
        for task in following:
            task.cancel()
        await asyncio.gather(writing, *following, return_exceptions=True)


async def _prepare(site: Site, seed: int, place: Place, *, uploads: bool) -> Load:
    chance = random.Random(seed)
    owner = Somebody((await site.call(token := await site.sign_in(), "GET", "/me"))["user"]["id"], token)
    run = chance.getrandbits(32)
    people = [owner, *[await _invite(site, owner, f"p{run}-{n}@example.org") for n in range(3)]]
    agent, inbox = await _hire(site, owner, code := f"scout-{run}")
    conversations = [
        (await site.call(owner.token, "POST", "/conversations", kind="channel", name=f"c{run}-{n}"))["id"]
        for n in range(3)
    ]
    history = History()
    authors = [*(people * 4)[:14], agent, agent]
    writers: list[Writer] = [
        (HttpWriter if n % 2 else SocketWriter)(f"w{n}", one, conversations, code, place, history)
        for n, one in enumerate(authors)
    ]
    if uploads:
        writers.append(Uploader("uploader", people[2], conversations[0], place, history, seed))
    subscribers: list[Subscriber] = [
        SocketSubscriber("socket-person", people[1].token, conversations, place, history),
        SocketSubscriber("socket-owner", owner.token, conversations, place, history),
        SocketSubscriber("socket-agent", agent.token, [inbox], place, history),
        *[
            StreamSubscriber(f"stream-{n}", people[n].token, [conversation], place, history)
            for n, conversation in enumerate(conversations)
        ],
    ]
    return Load(site, place, chance, owner, conversations, agent, inbox, history, writers, subscribers)


async def _invite(site: Site, owner: Somebody, email: str) -> Somebody:
    token = (await site.call(owner.token, "POST", "/invitations"))["token"]
    joined = await site.call(
        None, "POST", "/invitations/accept", token=token, email=email, name="Pat", password=PASSWORD
    )
    return Somebody(joined["login"]["user"]["id"], joined["login"]["access_token"])


async def _hire(site: Site, owner: Somebody, code: str) -> tuple[Somebody, str]:
    agent = await site.call(owner.token, "POST", "/agents", name=code, code=code)
    key = (await site.call(owner.token, "POST", f"/agents/{agent['id']}/credentials"))["key"]
    shown = await site.call(owner.token, "GET", f"/agents/{agent['id']}")
    return Somebody(agent["id"], key), shown["inbox_id"]
