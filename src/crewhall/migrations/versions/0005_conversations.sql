-- Consumers of the log: how far they lag, and which agents are due a delivery.

grant select on messages to crewhall_definer;

-- The age in seconds of the oldest record (of the oldest act, for `audit`) that a consumer has not seen, committed or about
-- to be readable; null when it has seen all. Unlike `log_after` this looks past the horizon: a consumer that is woken too early learns that more is coming.
create function consumer_lag(of_consumer text) returns double precision language sql stable as $$
    select extract(epoch from clock_timestamp() - r.created_at)::double precision
    from consumer_checkpoints k
    cross join lateral (
        (select m.created_at from message_records m
         where k.consumer <> 'audit' and (m.position, m.conversation_id, m.seq) > (k.position, k.conversation_id, k.seq)
         order by m.position, m.conversation_id, m.seq limit 1)
        union all
        (select a.created_at from audit_log a where k.consumer = 'audit' and a.position > k.position
         order by a.position limit 1)) r
    where k.consumer = of_consumer
$$;
call make_definer('consumer_lag(text)');

-- Where the next batch of records after a checkpoint ends, and how many they are; no row when there is none.
create function log_batch_end(at_position bigint, at_conversation uuid, at_seq bigint, size integer)
returns table ("position" bigint, conversation_id uuid, seq bigint, length bigint) language sql stable as $$
    select r.position, r.conversation_id, r.seq, count(*) over ()
    from log_after(at_position, at_conversation, at_seq, size) r
    order by r.position desc, r.conversation_id desc, r.seq desc limit 1
$$;
call make_definer('log_batch_end(bigint, uuid, bigint, integer)');

-- How many messages of agents that address agents stand in a conversation before this one and after the last of a person
-- (counted over the newest 200 messages).
create function agent_rounds(in_conversation uuid, before_seq bigint) returns bigint language sql stable as $$
    with recent as materialized (
        select r.seq, r.author_type, r.parent_id is not null or cardinality(r.mentions) > 0 as addresses
        from message_records r
        where r.conversation_id = in_conversation and r.seq < before_seq and r.type = 'message'
        order by r.seq desc limit 200
    )
    select count(*) from recent
    where author_type = 'agent' and addresses
      and seq > coalesce((select max(seq) from recent where author_type = 'user'), 0)
$$;
call make_definer('agent_rounds(uuid, bigint)');

-- The deliveries that the records of one batch make due: to agents that are mentioned, replied to, or the partner of a
-- direct conversation; that may read it, take turns, and did not write the message. Each message once per agent, the
-- strongest reason first. What an agent writes reaches other agents only within the conversation's agent policy, so that
-- agents never talk to each other without end. Rows are looked up one by one (`limit 1`): whatever the planner believes
-- of the batch's size, it never scans the log.
create function due_deliveries(
    from_position bigint, from_conversation uuid, from_seq bigint,
    to_position bigint, to_conversation uuid, to_seq bigint)
returns table (org_id uuid, inbox_id uuid, agent_id uuid, reason text, message_id uuid, message json)
language sql stable as $$
    with batch as materialized (
        select * from message_records r
        where (r.position, r.conversation_id, r.seq) > (from_position, from_conversation, from_seq)
          and (r.position, r.conversation_id, r.seq) <= (to_position, to_conversation, to_seq)
          and r.type = 'message' and r.author_type <> 'system'
    ), targets as (
        select b.id, mentioned.agent_id, 'mention' as reason, 1 as rank
        from batch b cross join lateral unnest(b.mentions) as mentioned (agent_id)
        union all
        select b.id, p.author_id, 'reply', 2
        from batch b
        cross join lateral (
            select r.author_id, r.author_type from message_records r
            where r.id = b.parent_id and r.conversation_id = b.conversation_id limit 1) p
        where b.parent_id is not null and p.author_type = 'agent'
        union all
        select b.id, c.direct_agent_id, 'message', 3
        from batch b
        cross join lateral (select * from conversations k where k.id = b.conversation_id limit 1) c
        where c.kind = 'direct' and c.direct_agent_id is not null
    ), due as materialized (
        select distinct on (t.id, t.agent_id) t.id, t.agent_id, t.reason from targets t order by t.id, t.agent_id, t.rank
    )
    select b.org_id, inbox.id, a.id, d.reason, b.id, m.shown
    from due d
    join batch b on b.id = d.id
    cross join lateral (
        select * from agents k where k.org_id = b.org_id and k.id = d.agent_id and k.deleted_at is null limit 1) a
    cross join lateral (
        select k.id from conversations k
        where k.org_id = b.org_id and k.owner_agent_id = a.id and k.kind = 'agent' and k.deleted_at is null limit 1) inbox
    cross join lateral (
        select * from conversations k where k.id = b.conversation_id and k.deleted_at is null limit 1) c
    cross join lateral (
        select message_wire(k) as shown from messages k where k.id = b.id and k.deleted_at is null limit 1) m
    where a.id <> b.author_id
      and a.status in ('active', 'probation')
      and (c.type = 'public' or exists (
          select from conversation_members k
          where k.conversation_id = c.id and k.member_type = 'agent' and k.member_id = a.id
            and k.joined_at <= b.created_at))
      and (b.author_type = 'user' or (
          coalesce((c.agent_policy ->> 'multi_agent_enabled')::boolean, true)
          and agent_rounds(b.conversation_id, b.seq) < coalesce((c.agent_policy ->> 'max_agent_rounds')::integer, 2)))
    order by b.position, b.conversation_id, b.seq, a.id
$$;
call make_definer('due_deliveries(bigint, uuid, bigint, bigint, uuid, bigint)');

-- The names of channels, as the API states them.
alter table conversations add constraint conversations_name_form check (name ~ '^[a-z0-9][a-z0-9_-]*$');

-- ---------------------------------------------------------------------------------------------- audit in words

-- Whoever and whatever an act speaks of, as they are called: {id: {kind, name}}. Who left and what was deleted is named too.
-- Only for functions that have checked who asks.
create function names_in_act(act audit_log) returns jsonb language sql stable as $$
    with spoken_of as materialized (
        select v::uuid as id
        from unnest(array[act.actor_id::text, act.resource_id, act.details ->> 'agent_id', act.details ->> 'member_id',
                          act.details ->> 'forked_from']) as v
        where v ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    )
    select coalesce(jsonb_object_agg(n.id, jsonb_build_object('kind', n.kind, 'name', n.name)), '{}')
    from (
        select u.id, 'user' as kind, u.name from spoken_of join users u using (id)
        union all
        select a.id, 'agent', a.name from spoken_of join agents a using (id) where a.org_id = act.org_id
        union all
        select c.id, case c.kind when 'agent' then 'inbox' else c.kind end, coalesce(c.name, c.title)
        from spoken_of join conversations c using (id) where c.org_id = act.org_id
        union all
        select i.id, 'invitation', i.email from spoken_of join invitations i using (id) where i.org_id = act.org_id
    ) n
$$;
revoke all on function names_in_act(audit_log) from public;
grant execute on function names_in_act(audit_log) to crewhall_definer;

-- The names that entries of the audit log speak of, for owners and admins of their organization.
create function audit_names(entries uuid[]) returns table (id uuid, names jsonb) language sql stable as $$
    select a.id, names_in_act(a) from audit_log a
    where a.id = any (entries) and a.org_id = any (current_orgs()) and current_actor_role() in ('owner', 'admin')
$$;
call make_definer('audit_names(uuid[])');

-- The next acts of every organization after a checkpoint, each with the #audit in which it is to be told (null where that is
-- missing). A transaction's acts come together, so that its position is checkpoint enough.
create function audit_after(at_position bigint, size integer)
returns table ("position" bigint, org_id uuid, channel_id uuid, id uuid, actor_type text, actor_id uuid, action text,
               resource_type text, resource_id text, details jsonb, created_at timestamptz, names jsonb)
language sql stable as $$
    select a.position, a.org_id, c.id, a.id, a.actor_type, a.actor_id, a.action, a.resource_type, a.resource_id, a.details,
           a.created_at, names_in_act(a.act)
    from (select w.*, w as act from audit_log w
          where w.position > at_position and w.position < (select log_horizon())
          order by w.position fetch first (size) rows with ties) a
    left join conversations c
      on c.org_id = a.org_id and c.kind = 'channel' and c.type = 'system' and c.name = 'audit' and c.deleted_at is null
    order by a.position, a.id
$$;
call make_definer('audit_after(bigint, integer)');
