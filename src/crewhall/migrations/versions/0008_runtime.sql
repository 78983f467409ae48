-- Turns: why an agent may speak (triggers), whether it does (decisions), what it then does (runs and their steps), and
-- which process decides (leases over shards of conversations).

-- ---------------------------------------------------------------------------------------------- who decides

create function shard_of(conversation uuid) returns smallint language sql immutable parallel safe
    as $$ select (get_byte(decode(right(conversation::text, 2), 'hex'), 0) % 64)::smallint $$;

create table controller_shards (
    shard smallint primary key constraint controller_shards_shard check (shard between 0 and 63),
    controller_id uuid,
    region text not null default '' constraint controller_shards_region check (length(region) <= 64),
    epoch bigint not null default 0,
    lease_until timestamptz not null default '-infinity',
    public_key text,
    updated_at timestamptz not null default now()
);
comment on table controller_shards is 'no-rls: which process decides for which share of the conversations, no tenant data';
grant select, update on controller_shards to crewhall_app, crewhall_definer;
grant select on controller_shards to crewhall_read;
call keep_updated_at('controller_shards');
insert into controller_shards (shard) select generate_series(0, 63);

-- The keys of session tokens are derived from this, unless the operator's settings hold what they are derived from.
alter table installation add session_secret bytea not null
    default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- The lease as it is for one conversation. Whoever may read the conversation may read the key that verifies its tokens.
create view conversation_runtimes with (security_invoker = true) as
select c.org_id, c.id as conversation_id, s.shard, s.controller_id, s.region, s.epoch, s.lease_until, s.public_key,
       case when s.lease_until > now() then 'active' else 'idle' end as status,
       h.last_active_at, s.lease_until as idle_at, s.updated_at
from conversations c
join controller_shards s on s.shard = shard_of(c.id)
join conversation_heads h on h.conversation_id = c.id
where c.deleted_at is null;
grant select on conversation_runtimes to crewhall_app, crewhall_read;

-- ---------------------------------------------------------------------------------------------- why an agent may speak

-- Pending only: what is decided for good leaves a row in turn_decisions instead. A trigger that asks nothing beyond its
-- message bears the message's id, so that each message is one trigger per agent; `message_seq` is the message's, or that of
-- the conversation when it was asked. `due_at` is infinity while a run of the
-- agent is open there; `waits_for` is the reason of the last decision to wait.
create table turn_triggers (
    id uuid not null,
    org_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    cause text not null constraint turn_triggers_cause check (cause in (
        'mention', 'reply', 'direct', 'auto', 'quick_task', 'run_now', 'schedule', 'webhook', 'api')),
    author_type text not null constraint turn_triggers_author_type check (author_type in ('user', 'agent', 'system')),
    author_id uuid not null,
    message_id uuid,
    message_seq bigint not null,
    prompt text,
    waits_for text,
    due_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    primary key (agent_id, id),
    constraint turn_triggers_asks check (prompt is not null or id is not distinct from message_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index turn_triggers_due on turn_triggers (shard_of(conversation_id), due_at);
create index turn_triggers_place on turn_triggers (conversation_id, agent_id);
call secure_tenant_table('turn_triggers');

-- What waits for a time is decided anew when the agent's hours or standing, or the conversation's policy, change.
create function reconsider_triggers() returns trigger language plpgsql as $$
declare
    shards text;
begin
    with again as (
        update turn_triggers t set due_at = now()
        where (t.agent_id = new.id or t.conversation_id = new.id) and t.due_at > now() and t.due_at < 'infinity'
        returning shard_of(t.conversation_id) as shard
    )
    select string_agg(distinct a.shard::text, ',') into shards from again a;
    if shards is not null then
        perform pg_notify('crewhall_triggers', shards);
    end if;
    return null;
end $$;
create trigger reconsider after update of status, scheduling_config on agents for each row
    when (old.status <> new.status or old.scheduling_config <> new.scheduling_config)
    execute function reconsider_triggers();
create trigger reconsider after update of agent_policy on conversations for each row
    when (old.agent_policy <> new.agent_policy)
    execute function reconsider_triggers();

-- ---------------------------------------------------------------------------------------------- runs

create table runs (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    status text not null default 'queued' constraint runs_status check (status in (
        'queued', 'running', 'waiting', 'succeeded', 'failed', 'canceled', 'stopped')),
    cause text not null constraint runs_cause check (cause in (
        'mention', 'reply', 'direct', 'auto', 'quick_task', 'run_now', 'schedule', 'webhook', 'api')),
    author_type text not null constraint runs_author_type check (author_type in ('user', 'agent', 'system')),
    author_id uuid not null,
    exchange_id uuid not null,
    message_id uuid,
    message_seq bigint,
    prompt text,
    parent_id uuid,
    is_remote boolean not null default false,
    attempt integer not null default 0,
    seen_seq bigint,
    model text,
    requests integer not null default 0,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost numeric(14, 6),
    reason text,
    detail text,
    answer_id uuid,
    metadata jsonb not null default '{}',
    cancel_requested_at timestamptz,
    canceled_by uuid,
    started_at timestamptz,
    completed_at timestamptz,
    canceled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint runs_ended check ((status in ('queued', 'running', 'waiting')) = (completed_at is null)),
    unique (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create unique index runs_open_key on runs (conversation_id, agent_id) where status in ('queued', 'running', 'waiting');
create index runs_conversation on runs (org_id, conversation_id, id desc);
create index runs_agent on runs (org_id, agent_id, id desc);
create index runs_org on runs (org_id, id desc);
create index runs_exchange on runs (org_id, exchange_id);
create index runs_seen on runs (conversation_id, agent_id, seen_seq) where seen_seq is not null and prompt is null;
call keep_updated_at('runs');
call secure_tenant_table('runs');

-- The journal: what a run saw, asked, was answered, called and got back, each recorded before the next. Only the run's
-- present attempt may write.
create table run_steps (
    run_id uuid not null,
    ordinal integer not null constraint run_steps_ordinal check (ordinal >= 0),
    org_id uuid not null,
    attempt integer not null,
    kind text not null constraint run_steps_kind check (kind in (
        'context', 'request', 'answer', 'call', 'result', 'approval', 'failure', 'post')),
    key text,
    digest bytea,
    body jsonb not null,
    duration_ms integer,
    created_at timestamptz not null default clock_timestamp(),
    primary key (run_id, ordinal),
    foreign key (org_id, run_id) references runs (org_id, id)
);
call secure_tenant_table('run_steps');
call make_append_only('run_steps');

-- ---------------------------------------------------------------------------------------------- decisions

create table turn_decisions (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    outcome text not null constraint turn_decisions_outcome check (outcome in ('speak', 'wait', 'silent')),
    reason text not null,
    cause text not null,
    author_type text not null,
    author_id uuid not null,
    message_id uuid,
    message_seq bigint,
    run_id uuid,
    until timestamptz,
    epoch bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id),
    foreign key (org_id, run_id) references runs (org_id, id)
);
create index turn_decisions_conversation on turn_decisions (org_id, conversation_id, id desc);
create index turn_decisions_agent on turn_decisions (org_id, agent_id, id desc);
create index turn_decisions_unasked on turn_decisions (conversation_id, agent_id, message_seq)
    where outcome = 'speak' and (author_type = 'agent' or cause = 'auto');
create index turn_decisions_run on turn_decisions (org_id, run_id) where run_id is not null;
call secure_tenant_table('turn_decisions');
call make_append_only('turn_decisions');

-- Only who holds the shard decides: a decision under an epoch that has passed is refused, and with it the run that it made.
create function refuse_stale_decider() returns trigger language plpgsql as $$
begin
    perform from controller_shards s where s.shard = shard_of(new.conversation_id) and s.epoch = new.epoch for share;
    if not found then
        raise exception 'epoch % has passed: another process decides for this conversation', new.epoch
            using errcode = 'CW005';
    end if;
    return new;
end $$;
create trigger fenced before insert on turn_decisions for each row execute function refuse_stale_decider();

-- ---------------------------------------------------------------------------------------------- the log's consumer

-- It goes on where the deliveries of before stopped: nothing is asked twice, nothing is missed.
insert into consumer_checkpoints (consumer, position, conversation_id, seq)
select 'turns', k.position, k.conversation_id, k.seq from consumer_checkpoints k where k.consumer = 'deliveries';
delete from consumer_checkpoints where consumer = 'deliveries';
drop function due_deliveries(bigint, uuid, bigint, bigint, uuid, bigint);
drop function log_batch_end(bigint, uuid, bigint, integer);
drop function agent_rounds(uuid, bigint);

-- Writes one trigger per agent and message of the next records: for whom it mentions, to whom it replies, whose direct
-- conversation it stands in, and who answers unasked there. Gives the number of records read and the shards in which
-- something waits to be decided. One process at a time: the checkpoint's row is locked, and moves in the same transaction.
-- Rows are looked up one by one (`limit 1`): whatever the planner believes of the batch's size, it never scans the log.
create function derive_triggers(size integer) returns table (seen integer, places jsonb) language plpgsql volatile as $$
#variable_conflict use_column
declare
    checkpoint consumer_checkpoints;
    horizon bigint := log_horizon();
begin
    select * into checkpoint from consumer_checkpoints where consumer = 'turns' for update skip locked;
    if not found then
        return query select 0, '[]'::jsonb;
        return;
    end if;
    return query
    with batch as materialized (
        select r.position, r.conversation_id, r.seq, r.org_id, r.id, r.type, r.author_type, r.author_id, r.parent_id,
               r.mentions, r.created_at
        from message_records r
        where (r.position, r.conversation_id, r.seq) > (checkpoint.position, checkpoint.conversation_id, checkpoint.seq)
          and r.position < horizon
        order by r.position, r.conversation_id, r.seq limit size
    ), said as materialized (
        select * from batch b where b.type = 'message' and b.author_type <> 'system'
    ), places as materialized (
        select c.id, c.direct_agent_id, c.answers_all
        from (select distinct s.conversation_id from said s) s
        cross join lateral (
            select k.id, case when k.kind = 'direct' then k.direct_agent_id end as direct_agent_id,
                   coalesce((k.agent_policy ->> 'auto_trigger')::boolean, false) as answers_all
            from conversations k where k.id = s.conversation_id limit 1) c
        where c.direct_agent_id is not null or c.answers_all
    ), targets as (
        select s.id, mentioned.agent_id, 'mention' as cause, 1 as rank
        from said s cross join lateral unnest(s.mentions) as mentioned (agent_id)
        union all
        select s.id, p.author_id, 'reply', 2
        from said s
        cross join lateral (
            select r.author_id, r.author_type from message_records r
            where r.id = s.parent_id and r.conversation_id = s.conversation_id limit 1) p
        where s.parent_id is not null and p.author_type = 'agent'
        union all
        select s.id, p.direct_agent_id, 'direct', 3
        from said s join places p on p.id = s.conversation_id
        where p.direct_agent_id is not null
        union all
        select s.id, m.member_id, 'auto', 4
        from said s
        join places p on p.id = s.conversation_id and p.answers_all
        join conversation_members m on m.conversation_id = p.id and m.member_type = 'agent'
    ), concerned as materialized (
        select distinct on (t.id, t.agent_id) t.id, t.agent_id, t.cause from targets t order by t.id, t.agent_id, t.rank
    ), written as (
        insert into turn_triggers (id, org_id, conversation_id, agent_id, cause, author_type, author_id, message_id,
                                   message_seq, created_at)
        select s.id, s.org_id, s.conversation_id, a.id, t.cause, s.author_type, s.author_id, s.id, s.seq, s.created_at
        from concerned t
        join said s on s.id = t.id
        cross join lateral (
            select k.id from agents k where k.org_id = s.org_id and k.id = t.agent_id and k.deleted_at is null limit 1) a
        where a.id <> s.author_id
        on conflict do nothing
        returning org_id, conversation_id, agent_id
    ), last as (
        select b.position, b.conversation_id, b.seq from batch b
        order by b.position desc, b.conversation_id desc, b.seq desc limit 1
    ), moved as (
        update consumer_checkpoints k
        set position = l.position, conversation_id = l.conversation_id, seq = l.seq, updated_at = now()
        from last l where k.consumer = 'turns'
    )
    select (select count(*) from batch)::integer,
           (select coalesce(jsonb_agg(distinct to_jsonb(w)), '[]') from written w);
end $$;
call make_definer('derive_triggers(integer)');

-- ---------------------------------------------------------------------------------------------- what the scheduler reads

-- Where something waits to be decided, of one shard or of all, with the seconds until it may be; the most urgent first. What
-- waits for the end of an open run is left out: that end wakes the scheduler.
create function pending_places(of_shard smallint, size integer)
returns table (shard smallint, org_id uuid, conversation_id uuid, agent_id uuid, due_in double precision)
language sql stable as $$
    select shard_of(t.conversation_id), t.org_id, t.conversation_id, t.agent_id,
           extract(epoch from min(case when t.due_at = 'infinity' then t.created_at else t.due_at end) - clock_timestamp())
               ::double precision as due_in
    from turn_triggers t
    where (of_shard is null or shard_of(t.conversation_id) = of_shard)
      and (t.due_at < 'infinity' or not exists (
          select from runs r where r.conversation_id = t.conversation_id and r.agent_id = t.agent_id
            and r.status in ('queued', 'running', 'waiting')))
    group by 1, 2, 3, 4 order by due_in limit size
$$;
call make_definer('pending_places(smallint, integer)');

-- How much somebody has said in a conversation up to a seq since a person last spoke there: `rounds` counts its messages and
-- stops at `most`; `person_seq` is that person's last message (0 where the count stopped before one was met); `spoke_at` is
-- when it last spoke, if that is not before `since`. Walks back from the newest record no further than that takes.
create function voice_of(in_conversation uuid, who uuid, upto bigint, most integer, since timestamptz)
returns table (rounds integer, person_seq bigint, spoke_at timestamptz) language plpgsql stable as $$
#variable_conflict use_column
declare
    entry record;
    counted integer := 0;
    person bigint;
    spoken timestamptz;
begin
    for entry in
        select r.seq, r.author_type, r.author_id, r.created_at from message_records r
        where r.conversation_id = in_conversation and r.seq <= upto and r.type = 'message'
        order by r.seq desc
    loop
        if entry.author_id = who then
            spoken := coalesce(spoken, entry.created_at);
            counted := counted + case when person is null then 1 else 0 end;
        elsif entry.author_type = 'user' then
            person := coalesce(person, entry.seq);
        end if;
        exit when (person is not null or counted >= most) and (spoken is not null or entry.created_at < since);
    end loop;
    return query select counted, coalesce(person, 0), spoken;
end $$;

-- ---------------------------------------------------------------------------------------------- presence

-- An agent that thinks here is there as long as it takes turns; one that thinks elsewhere, as long as it says so.
create or replace function presence_of(a agents) returns text language sql stable as $$
    select case when a.presence_until > now() then a.presence
                when a.model_config ->> 'provider' is not null and a.status in ('active', 'probation') then 'online'
                else 'offline' end
$$;
