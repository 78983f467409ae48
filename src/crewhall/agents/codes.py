"""An agent's code: what people write after the @."""

import re
import unicodedata

from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id

MAX_BASE = 90


def code_from_name(name: str) -> str:
    """Return a code made from the name: ASCII letters and digits, joined by hyphens; one by chance if none are left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_BASE].strip("-")
    return slug or f"agent-{new_id().hex[-6:]}"


async def free_code(tx: Tx, name: str) -> str:
    """Return a code for the name that no agent of the organization has yet: scout, scout-2, scout-3."""
    base = code_from_name(name)
    taken = set(
        await tx.values(
            """
            select code from agents where org_id = any (current_orgs()) and deleted_at is null
               and (code = %(base)s or starts_with(code, %(base)s || '-'))
            """,
            {"base": base},
        )
    )
    if base not in taken:
        return base
    return next(code for number in range(2, len(taken) + 3) if (code := f"{base}-{number}") not in taken)
