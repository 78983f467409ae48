"""An agent's code: what people write after the @."""

import re
import unicodedata

from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT
from crewhall.kernel.ids import new_id

MAX_BASE = 90
MEMBER_HAS_IT = "A member of your organization has this name as a handle, and both are written after the @."


def code_from_name(name: str) -> str:
    """Return a code made from the name: ASCII letters and digits, joined by hyphens; one by chance if none are left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_BASE].strip("-")
    return slug or f"agent-{new_id().hex[-6:]}"


async def free_code(tx: Tx, name: str) -> str:
    """Return a code for the name that neither an agent nor a member of the organization has: scout, scout-2."""
    return await _free_like(tx, code_from_name(name))


async def check_code_apart(tx: Tx, code: str) -> None:
    """Raise CONFLICT with a `suggestion` where a member of the organization has the code as a handle.

    The database refuses whoever comes second all the same (migration 0007): this is for the sentence.
    """
    held = await tx.value(
        """
        select exists (select from users u join memberships m on m.user_id = u.id
                       where m.org_id = any (current_orgs()) and u.handle = %(code)s and u.deleted_at is null)
        """,
        {"code": code},
    )
    if held:
        suggestion = await _free_like(tx, code[:MAX_BASE])
        raise CONFLICT(f"{MEMBER_HAS_IT} Choose another: {suggestion} is free.", field="code", suggestion=suggestion)


async def _free_like(tx: Tx, base: str) -> str:
    taken = set(
        await tx.values(
            """
            select code from agents where org_id = any (current_orgs()) and deleted_at is null
               and (code = %(base)s or starts_with(code, %(base)s || '-'))
            union all
            select u.handle from users u join memberships m on m.user_id = u.id
            where m.org_id = any (current_orgs()) and u.deleted_at is null
               and (u.handle = %(base)s or starts_with(u.handle, %(base)s || '-'))
            """,
            {"base": base},
        )
    )
    if base not in taken:
        return base
    return next(code for number in range(2, len(taken) + 3) if (code := f"{base}-{number}") not in taken)
