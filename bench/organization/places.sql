-- Where people talk: channels, groups, direct conversations and the agents' inboxes, with who is a member of each.
-- Sizes fall like those of real ones: the first channel has a seventh of all messages, most have a few hundred.

create temp table place as
with numbered as (
    select n, s.conversations, s.messages, s.agents, s.people,
           case when n < s.conversations * 3 / 10 then 'channel' when n < s.conversations * 6 / 10 then 'group'
                when n < s.conversations - s.agents then 'direct' else 'agent' end as kind
    from shape s cross join generate_series(0, s.conversations - 1) n
), weighed as (
    select *, case when n = 0 then 1.0 else 1.0 / (n + 5) end as weight from numbered
)
select n, uuidv7(n * interval '1 minute' - interval '250 days') as id, kind, people, agents, conversations,
       n - (conversations * 6 / 10) as nth_direct, n - (conversations - agents) as nth_agent,
       greatest(20, floor(messages * weight / sum(weight) over ())::int) as size
from weighed;
alter table place add primary key (n);

insert into conversations (id, org_id, kind, type, name, title, description, topic, owner_type, owner_user_id,
                           owner_agent_id, direct_key, direct_agent_id, status, created_at)
select c.id, s.org, c.kind, case when c.kind = 'channel' and (c.n = 0 or c.n % 6 > 0) then 'public' else 'private' end,
       case when c.kind = 'channel' then 'hall-' || c.n end,
       case c.kind when 'group' then 'Group of matter ' || c.n when 'agent' then a.name end,
       'What concerns matter ' || c.n, 'bench.' || c.n,
       case when c.kind = 'agent' then 'agent' else 'user' end,
       case when c.kind <> 'agent' then case c.nth_direct % 3 when 0 then s.owner else busy.id end end,
       case when c.kind = 'agent' then a.id end,
       case when c.kind = 'direct' and c.nth_direct % 2 = 0
            then least('user:' || (case c.nth_direct % 3 when 0 then s.owner else busy.id end), 'user:' || other.id) || '|' ||
                 greatest('user:' || (case c.nth_direct % 3 when 0 then s.owner else busy.id end), 'user:' || other.id) end,
       case when c.kind = 'direct' and c.nth_direct % 2 = 1 then spoken.id end,
       case when c.kind = 'group' and c.n % 5 = 1 then 'archived' when c.kind = 'group' and c.n % 5 = 2 then 'idle'
            else 'active' end,
       now() - interval '250 days'
from place c cross join shape s
join person busy on busy.n = 1
join person other on other.n = 100 + greatest(c.nth_direct, 0)
left join hired spoken on spoken.n = greatest(c.nth_direct, 0) % c.agents
left join hired a on a.n = c.nth_agent;

insert into archivings (conversation_id, org_id, archived_at, archived_by_type, archived_by)
select c.id, c.org_id, now() - interval '2 days', 'user', c.owner_user_id
from conversations c where c.kind = 'group' and c.status = 'archived';

insert into conversation_heads (conversation_id, org_id, last_seq, message_count, is_open, last_active_at)
select c.id, c.org_id, p.size, p.size, c.status <> 'archived', now() - p.n * interval '3 minutes'
from place p join conversations c on c.id = p.id;

-- Everybody is in the first channel and those that an organization starts with; person 1 is in half of all places, the
-- owner in a sixth; nobody has added person 2 anywhere.
insert into conversation_members (conversation_id, org_id, member_type, member_id, role, joined_at, last_read_seq)
select c.id, c.org_id, 'user', m.person, case when m.person = c.owner_user_id then 'owner' else 'member' end,
       now() - interval '200 days', greatest(0, p.size - m.behind)
from place p join conversations c on c.id = p.id
cross join lateral (
    select w.id as person, w.n * 7 % 150 as behind from person w
    where p.n = 0 or (c.kind in ('channel', 'group') and w.n > 2
                      and w.n % 1000 = any (select (p.n * 37 + i) % 1000 from generate_series(1, 1 + 40 / (1 + p.n / 100)) i))
    union all select w.id, p.n % 150 from person w
    where p.n > 0 and (w.n = 1 and c.kind in ('channel', 'group') and p.n % 2 = 0
                       or w.n = 0 and c.kind in ('channel', 'group') and p.n % 4 = 1)
    union all select c.owner_user_id, p.n % 3 where c.kind = 'direct'
    union all select w.id, 0 from person w
    where c.kind = 'direct' and c.direct_key is not null and w.n = 100 + p.nth_direct) m
on conflict do nothing;
insert into conversation_members (conversation_id, org_id, member_type, member_id, role)
select c.id, c.org_id, 'agent', a.id, case when c.owner_agent_id = a.id then 'owner' else 'member' end
from place p join conversations c on c.id = p.id
join hired a on p.n = 0 or c.direct_agent_id = a.id or c.owner_agent_id = a.id
             or (c.kind in ('channel', 'group') and a.n % 100 = p.n % 100)
on conflict do nothing;
insert into conversation_members (conversation_id, org_id, member_type, member_id)
select c.id, c.org_id, 'user', w.id
from conversations c cross join shape s cross join person w
where c.org_id = s.org and c.is_default and w.n > 0 on conflict do nothing;

insert into visits (org_id, user_id, conversation_id, warmth)
select s.org, w.id, p.id, 1.0 / (1 + p.n) from shape s cross join place p cross join person w
where w.n in (0, 1) and p.n % 4 < 2;
insert into stars (org_id, user_id, conversation_id)
select s.org, w.id, p.id from shape s cross join place p cross join person w where w.n in (0, 1) and p.n % 40 = 0;

insert into agent_topics (id, org_id, agent_id, inbox_id, state, fed_seq)
select uuidv7(), s.org, h.id, c.id, 'ready', 0
from hired h cross join shape s join conversations c on c.owner_agent_id = h.id and c.kind = 'agent';
