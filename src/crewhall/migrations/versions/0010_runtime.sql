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

create table turn_triggers (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    cause text not null constraint turn_triggers_cause check (cause in (
        'mention', 'reply', 'direct', 'auto', 'quick_task', 'run_now', 'schedule', 'webhook', 'api')),
    author_type text not null constraint turn_triggers_author_type check (author_type in ('user', 'agent', 'system')),
    author_id uuid not null,
    message_id uuid,
    message_seq bigint,
    prompt text,
    due_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint turn_triggers_asks check (message_id is not null or prompt is not null),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create unique index turn_triggers_message_key on turn_triggers (agent_id, message_id) where message_id is not null;
create index turn_triggers_due on turn_triggers (shard_of(conversation_id), due_at);
create index turn_triggers_place on turn_triggers (conversation_id, agent_id);
call secure_tenant_table('turn_triggers');

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
call secure_tenant_table('turn_decisions');
call make_append_only('turn_decisions');
