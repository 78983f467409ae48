"""Log engines with conversations to write to, on Postgres and on Kafka."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from crewhall.adapters.kafka.settings import LogEngine, LogSettings, TopicLayout
from crewhall.kernel.actor import ActorType, system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.ids import new_id
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.kernel.signals import Signals
from crewhall.main.log import LogParts
from crewhall.ports.message_log import Author, MessageLog, NewRecord, topic_of
from tests.support.tails import tail

AUTHOR = Author(ActorType.USER, new_id(), "Ada")


class Engine:
    """A log engine with conversations to write to."""

    def __init__(self, log: MessageLog, db: Database | None = None) -> None:
        self.log = log
        self.db = db
        self.org = new_id()

    async def conversation(self) -> UUID:
        """Provision a conversation's topic."""
        conversation = new_id()
        if self.db is None:
            await self.log.create(None, self.org, conversation)  # type: ignore[arg-type]
            return conversation
        async with self.db.transaction(system_actor(self.org)) as tx:
            await tx.run(
                "insert into conversations (id, org_id, kind, type, name, topic, owner_type, owner_user_id) "
                "values (%(id)s, %(org)s, 'channel', 'public', %(name)s, %(topic)s, 'user', %(user)s)",
                {
                    "id": conversation,
                    "org": self.org,
                    "name": conversation.hex,
                    "topic": topic_of(conversation),
                    "user": AUTHOR.id,
                },
            )
            await self.log.create(tx, self.org, conversation)
        return conversation

    async def close(self, conversation: UUID) -> None:
        """Retire a conversation's topic."""
        if self.db is None:
            await self.log.retire(None, self.org, conversation)  # type: ignore[arg-type]
            return
        async with self.db.transaction(system_actor(self.org)) as tx:
            await self.log.retire(tx, self.org, conversation)

    def record(self, conversation: UUID, content: str = "hello", client_id: str | None = None) -> NewRecord:
        return NewRecord(
            org_id=self.org, conversation_id=conversation, author=AUTHOR, content=content, client_id=client_id
        )

    async def contents(self, conversation: UUID) -> list[tuple[int, str]]:
        records = await self.log.read(self.org, conversation, after=0, limit=10_000)
        return [(record.seq, record.content) for record in records]


def kafka_settings(bootstrap: str, *, shared: int = 0, prefix: str | None = None) -> LogSettings:
    """Settings for a broker, with names of topics that nobody else has; so many of them shared, or one each."""
    return LogSettings(
        log=LogEngine.KAFKA,
        kafka_bootstrap=bootstrap,
        kafka_prefix=prefix or f"t{tail()}",
        kafka_topics=TopicLayout.SHARED if shared else TopicLayout.PER_CONVERSATION,
        kafka_partitions=shared or 1,
    )


@asynccontextmanager
async def running(
    urls: DatabaseUrls, settings: LogSettings, *, projects: bool = True
) -> AsyncIterator[tuple[LogParts, Database, Signals]]:
    """The log of one process."""
    db, signals = Database(urls.app, pool_size=4), Signals(urls.app)
    parts = LogParts(db, signals, settings, projects=projects)
    await db.open()
    try:
        await parts.start()
        await signals.start()
        await parts.follow()
        yield parts, db, signals
    finally:
        await parts.stop()
        await signals.stop()
        await db.close()


@asynccontextmanager
async def engine_on(urls: DatabaseUrls, settings: LogSettings) -> AsyncIterator[Engine]:
    """An engine as a process has it, with an organization of its own."""
    async with running(urls, settings) as (parts, db, _):
        engine = Engine(parts.log, db)
        await found(db, engine.org)
        yield engine


async def found(db: Database, org: UUID) -> None:
    """Found an organization, and its person if there is none yet."""
    async with db.transaction(system_actor(org)) as tx:
        await tx.run(
            "insert into organizations (id, slug, name) values (%(id)s, %(slug)s, 'Acme')", {"id": org, "slug": org.hex}
        )
        await tx.run("select set_config('crewhall.actor', %(id)s, true)", {"id": str(AUTHOR.id)})
        await tx.run(
            "insert into users (id, handle, email, name) values (%(id)s, 'ada', 'ada@example.org', 'Ada')"
            " on conflict do nothing",
            {"id": AUTHOR.id},
        )
