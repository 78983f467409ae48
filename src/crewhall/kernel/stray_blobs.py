"""Keys of bytes that nothing refers to, noted before the bytes are written: nothing is left behind of what breaks off.

Whatever is due is removed by `conversations.sweeping`.
"""

from uuid import UUID

from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id


async def note_stray(tx: Tx, org_id: UUID, *, days: int = 1) -> str:
    """Note a new key, under which bytes may be written once this is committed, for so long; give the key."""
    key = f"{org_id}/{new_id()}"
    await tx.run(
        """
        insert into stray_blobs (key, org_id, due_at)
        values (%(key)s, %(org)s, now() + make_interval(days => %(days)s))
        """,
        {"key": key, "org": org_id, "days": days},
    )
    return key


async def drop_stray(tx: Tx, keys: list[str]) -> None:
    """Something refers to these keys from now on."""
    await tx.run("delete from stray_blobs where key = any (%(keys)s)", {"keys": keys})


async def let_go(tx: Tx, org_id: UUID, key: str) -> None:
    """Nothing refers to this key any more: its bytes are to be removed."""
    await tx.run(
        """
        insert into stray_blobs (key, org_id, due_at) values (%(key)s, %(org)s, now())
        on conflict (key) do update set due_at = excluded.due_at
        """,
        {"key": key, "org": org_id},
    )
