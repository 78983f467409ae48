"""Hearing: what an agent says in its outbox is posted with its rights, as if it had come over HTTP.

What is refused goes to the topic of refused records, with the reason; what fails for now is heard again. A record
without a client id bears its place as one: so it is posted once, however often it is heard.
"""

import logging
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from crewhall.agents import AgentStatus, authenticates
from crewhall.conversations import Posting, PostMessage
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.errors import FORBIDDEN, INTERNAL, INVALID, TOO_MANY_REQUESTS, CrewhallError
from crewhall.ports.agent_topics import AgentTopics, HeardRecord, SentRecord
from crewhall.runtime.topic_records import VERSION, VERSION_HEADER, OutboxRecord, RefusedRecord

log = logging.getLogger(__name__)
FAILED: Final = 500
LONGEST_VALUE: Final = 256 * 1024
LONGEST_REFUSAL: Final = 500
_decoder = msgspec.json.Decoder(OutboxRecord)
_encoder = msgspec.json.Encoder()


class _Speaker(msgspec.Struct):
    org_id: UUID
    agent_id: UUID
    name: str
    status: AgentStatus
    is_gone: bool


class OutboxHearing:
    """Posts what agents say at Kafka."""

    def __init__(self, db: Database, posting: Posting, topics: AgentTopics) -> None:
        self._db = db
        self._posting = posting
        self._topics = topics

    async def take(self, record: HeardRecord) -> None:
        """Post a record, or refuse it; raises where neither is possible now."""
        async with self._db.transaction(None) as tx:
            speaker = await tx.find(_Speaker, "select * from find_outbox(%(topics)s)", {"topics": record.topics_id})
        if speaker is None or speaker.is_gone:
            return  # its topics go as well
        try:
            await self._post(speaker, record)
        except CrewhallError as error:
            if error.kind.status >= FAILED or error.kind is TOO_MANY_REQUESTS:
                raise
            await self._refuse(speaker, record, error)
        except (psycopg.Error, OSError, TimeoutError):
            raise
        except Exception:  # it would be so again, and nothing after it would ever be heard
            log.exception("a record of an outbox cannot be taken", extra={"topic": record.topic})
            await self._refuse(speaker, record, INTERNAL("Crewhall made nothing of this record. Its log says why."))
        else:
            await self._note(speaker, record, None)

    async def _post(self, speaker: _Speaker, record: HeardRecord) -> None:
        if not authenticates(speaker.status):
            raise FORBIDDEN(f"{speaker.name} is {speaker.status} and may say nothing. Ask its owner to activate it.")
        said = read_record(record)
        agent = Actor(type=ActorType.AGENT, id=speaker.agent_id, org_id=speaker.org_id, name=speaker.name)
        place = f"kafka:{record.topics_id}:{record.partition}:{record.offset}"
        data = PostMessage(
            content=said.content, kind=said.kind, title=said.title, parent_id=said.parent_id, metadata=said.metadata,
            client_id=said.client_id or place, role=said.role, files=said.files,
        )  # fmt: skip
        await self._posting.post(agent, said.conversation_id, data)

    async def _refuse(self, speaker: _Speaker, record: HeardRecord, error: CrewhallError) -> None:
        names = self._topics.names(record.topics_id)
        refused = RefusedRecord(
            code=error.code,
            detail=error.detail,
            status=error.kind.status,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            value=_text_of(record.value),
            fields=error.fields,
            refused_at=utc_now(),
        )
        sent = SentRecord(
            topic=names.refused,
            key=record.key or b"",
            value=_encoder.encode(refused),
            headers={VERSION_HEADER: VERSION, "crewhall-code": error.code},
        )
        await self._topics.send([sent])
        await self._note(speaker, record, f"{error.code}: {error.detail}"[:LONGEST_REFUSAL])

    async def _note(self, speaker: _Speaker, record: HeardRecord, refusal: str | None) -> None:
        async with self._db.transaction(system_actor(speaker.org_id), lazily=True) as tx:
            await tx.run(
                """
                update agent_topics
                set heard_at = now(), refused = refused + (%(refusal)s::text is not null)::integer,
                    last_refusal = coalesce(%(refusal)s, last_refusal),
                    last_refused_at = case when %(refusal)s::text is null then last_refused_at else now() end
                where id = %(id)s
                """,
                {"id": record.topics_id, "refusal": refusal and refusal.replace("\0", "\ufffd")},
            )


def read_record(record: HeardRecord) -> OutboxRecord:
    """Read what an agent says. Raises INVALID with what is wrong."""
    version = record.headers.get(VERSION_HEADER, VERSION.encode())
    if version != VERSION.encode():
        raise INVALID(
            f"Crewhall reads version {VERSION} of records; this says {version[:20].decode(errors='replace')!r}."
        )
    try:
        return _decoder.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise INVALID(f"This is no record of an outbox in version {VERSION}: {error}") from error


def _text_of(value: bytes | None) -> str | None:
    return None if value is None else value[:LONGEST_VALUE].decode(errors="replace")
