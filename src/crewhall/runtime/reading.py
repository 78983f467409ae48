"""A conversation read for a turn: no more of it than the turn can make use of, however long it and its messages are."""

from typing import LiteralString

from crewhall.kernel.db import Tx
from crewhall.runtime.context import BYTES_PER_TOKEN, MOST_LINES, Line, Place, Reading
from crewhall.runtime.runs import Run
from crewhall.runtime.summaries import find_summary

MOST_READ = 2000
"""Messages that are read at once to be summed up or shown."""
MOST_ROOMS = 4
"""How much is read at once, as a multiple of what there is room for: what is shown and summed up takes three."""
MOST_MEMBERS = 40

_PLACE: LiteralString = """
select c.kind, c.name, c.title, g.name as organization, h.last_seq,
       array(
           select coalesce(u.name || ' (@' || u.handle || case k.role when 'reader' then ', reads along)' else ')' end,
                           a.name || ' (@' || a.code || ', agent)')
           from conversation_members k
           left join users u on k.member_type = 'user' and u.id = k.member_id
           left join agents a on k.member_type = 'agent' and a.id = k.member_id
           where k.conversation_id = c.id and coalesce(u.name, a.name) is not null
           order by k.joined_at, k.member_id limit %(most)s) as members,
       c.readers > 0 as is_shared
from conversations c
join organizations g on g.id = c.org_id
join conversation_heads h on h.conversation_id = c.id
where c.id = %(conversation)s
"""

# The newest messages behind the summary, and the thread that was asked in, however old. Not what Crewhall itself said;
# what webhooks posted bears their own ids. What was asked comes first, then its thread, then the newest, until there is
# enough to read; of a very long message the beginning.
_LINES: LiteralString = """
with chosen as (
    (select r.id from message_records r
     where r.conversation_id = %(conversation)s and r.seq <= %(seen)s and r.seq > %(after)s and r.type = 'message'
     order by r.seq desc limit %(most)s)
    union
    (select r.id from message_records r
     where r.parent_id = %(parent)s and r.seq <= %(seen)s and r.type = 'message'
     order by r.seq desc limit %(most_in_thread)s)
    union
    select %(parent)s::uuid where %(parent)s::uuid is not null
    union
    select %(message)s::uuid where %(message)s::uuid is not null
),
sized as (
    select m.seq, m.id, m.author_type, m.author_id, m.author_name as name, coalesce(u.handle, a.code) as handle,
           left(m.content, %(most_of_one)s) || attached_words(m.metadata) as content, m.created_at, p.seq as thread,
           sum(least(octet_length(m.content), %(most_of_one)s)) over (
               order by (m.id in (%(message)s, %(parent)s)) is true desc, (p.id = %(parent)s) is true desc, m.seq desc
               rows between unbounded preceding and 1 preceding) as before
    from chosen c
    join messages m on m.id = c.id
    left join users u on m.author_type = 'user' and u.id = m.author_id
    left join agents a on m.author_type = 'agent' and a.id = m.author_id
    left join message_records p on p.id = m.parent_id
    where m.conversation_id = %(conversation)s and m.deleted_at is null
      and (m.author_type <> 'system' or m.author_id <> '00000000-0000-0000-0000-000000000000')
)
select seq, id, author_type, author_id, name, handle, content, created_at, thread
from sized where coalesce(before, 0) < %(most_bytes)s order by seq
"""


async def read_conversation(tx: Tx, run: Run, *, sums_up: bool, room: int, up_to_seq: int | None = None) -> Reading:
    """Read the conversation of a run as it is now, or up to a seq; with the agent's summary of it if it `sums_up`.

    `room` is how many tokens of it the agent is shown: some times as much is read, the newest.
    """
    place = await tx.one(Place, _PLACE, {"conversation": run.conversation_id, "most": MOST_MEMBERS})
    seen = place.last_seq if up_to_seq is None else up_to_seq
    summary = await find_summary(tx, run.conversation_id, run.agent_id, seen) if sums_up else None
    most, most_of_one = MOST_READ if sums_up else MOST_LINES, room * BYTES_PER_TOKEN
    values = {
        "conversation": run.conversation_id,
        "seen": seen,
        "after": summary.up_to_seq if summary else 0,
        "most": most,
        "most_in_thread": MOST_LINES,
        "most_of_one": most_of_one,
        "most_bytes": most_of_one * MOST_ROOMS,
        "parent": run.parent_id,
        "message": run.message_id,
    }
    lines = await tx.all(Line, _LINES, values)
    read = sum(min(len(line.content.encode()), most_of_one) for line in lines)
    is_cut = len(lines) >= most or read >= most_of_one * MOST_ROOMS
    return Reading(place=place, seen_seq=seen, lines=lines, summary=summary, is_cut=is_cut)
