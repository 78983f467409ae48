"""Searches that only leave something out, asked as what is left: then an index leads to it.

Left as they are, all that one who writes most has written would be walked to find the little that others did.
"""

from typing import LiteralString

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.ports.message_log import MessageKind

MOST_AUTHORS = 200
"""As many others are asked of one by one, each a look at an index; where there are more, what they wrote is near."""
# From one author to the next by the index, whatever each has written.
_AUTHORS: LiteralString = """
with recursive author as (
    (select s.author_id as id from message_search s where s.org_id = %(org)s order by s.author_id limit 1)
    union all
    select (select s.author_id from message_search s
            where s.org_id = %(org)s and s.author_id > a.id order by s.author_id limit 1)
    from author a where a.id is not null
)
select id from author where id is not null limit %(limit)s
"""


async def name_the_others(tx: Tx, actor: Actor, asked: Params) -> Params | None:
    """What `Filters.asked` gave, with the others named where it but leaves out authors, or plain messages.

    None where nobody is left. What is left out is left out all the same.
    """
    if any(asked[name] for name in ("places", "authors", "kinds", "holds")):
        return asked
    if MessageKind.MESSAGE in (asked["not_kinds"] or ()):
        return {**asked, "kinds": [kind for kind in MessageKind if kind not in asked["not_kinds"]] or None}
    if not asked["not_authors"]:
        return asked
    known = await tx.values(_AUTHORS, {"org": actor.org, "limit": MOST_AUTHORS + len(asked["not_authors"]) + 1})
    others = [one for one in known if one not in asked["not_authors"]]
    if len(others) > MOST_AUTHORS:
        return asked
    return {**asked, "authors": others} if others else None
