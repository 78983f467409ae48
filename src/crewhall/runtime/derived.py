"""What is derived from the installation's secret, and so kept nowhere: webhooks' secrets, turns' tokens.

A turn's token is `cwn_`, the run's id and a signature. It is good while the run is under way, for what `opens` lists.
"""

import base64
import binascii
import hmac
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import FORBIDDEN, UNAUTHENTICATED
from crewhall.kernel.verified import Verified
from crewhall.kernel.webhook_signatures import SECRET_PREFIX
from crewhall.runtime.settings import TurnSettings

TURN_PREFIX = "cwn_"
ID_BYTES = 16


async def read_secret(tx: Tx, settings: TurnSettings) -> bytes:
    """What keys are derived from: the operator's, else the installation's own."""
    if settings.session_secret is not None:
        return settings.session_secret.get_secret_value().encode()
    return bytes(await tx.value("select session_secret from installation"))


def webhook_secret(root: bytes, runtime_id: UUID, version: int) -> str:
    """The secret that signs what a runtime is sent."""
    key = hmac.digest(root, b"crewhall webhook %s %d" % (runtime_id.bytes, version), "sha256")
    return SECRET_PREFIX + base64.b64encode(key).decode()


def turn_token(root: bytes, run_id: UUID) -> str:
    """The token that a run's runtime may use while the run is under way; the same at each attempt."""
    mark = hmac.digest(root, b"crewhall turn %s" % run_id.bytes, "sha256")
    return TURN_PREFIX + base64.urlsafe_b64encode(run_id.bytes + mark).decode()


def run_of(token: str, root: bytes) -> UUID | None:
    """The run whose token this is; None for what is none."""
    try:
        raw = base64.urlsafe_b64decode(token.removeprefix(TURN_PREFIX).encode("ascii"))
        run_id = UUID(bytes=raw[:ID_BYTES])
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    return run_id if hmac.compare_digest(turn_token(root, run_id).encode(), token.encode()) else None


def opens(run_id: UUID, conversation_id: UUID) -> tuple[str, ...]:
    """The requests that a turn's token is good for (see `Verified`): it reads and posts where the turn is, no more."""
    here = f"/api/v1/conversations/{conversation_id}"
    run = f"/api/v1/runs/{run_id}"
    return (
        f"GET {here}", f"GET {here}/members", f"GET {here}/messages*", f"POST {here}/messages",
        f"GET {run}", f"POST {run}/answer",
    )  # fmt: skip


class _Turn(msgspec.Struct):
    org_id: UUID
    agent_id: UUID
    name: str
    conversation_id: UUID


class TurnVerifier:
    """Tells whose a turn's token is, for `kernel.verified`."""

    def __init__(self, db: Database, settings: TurnSettings) -> None:
        self._db = db
        self._settings = settings

    async def verify(self, token: str, org: str | None, address: str | None) -> Verified:
        """Return the agent behind the token, within its turn. Raises UNAUTHENTICATED, FORBIDDEN."""
        async with self._db.transaction(None) as tx:
            run_id = run_of(token, await read_secret(tx, self._settings))
            turn = None if run_id is None else await tx.find(_Turn, "select * from find_turn(%(id)s)", {"id": run_id})
        if turn is None or run_id is None:
            raise UNAUTHENTICATED("This token is good while its turn is under way, and no longer.")
        if org is not None and org.lower() != str(turn.org_id):
            raise FORBIDDEN("This agent belongs to another organization. Leave X-Crewhall-Org out.")
        actor = Actor(
            type=ActorType.AGENT, id=turn.agent_id, org_id=turn.org_id, name=turn.name, address=address, run_id=run_id
        )
        tags = (f"run:{run_id}", f"agent:{turn.agent_id}", f"org:{turn.org_id}")
        return Verified(actor, tags, opens=opens(run_id, turn.conversation_id))
