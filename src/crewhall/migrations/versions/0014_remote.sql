-- Runtimes: the address at which an agent is served, the calls that were made to it, what it answered.

-- One per agent while it is there. Its secret stands nowhere: it is derived from the installation's, this id and `secret_version`;
-- the version before it is good until `previous_until`. The figures are of the calls: `failures` in a row, since when.
create table agent_runtimes (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    base_url text not null constraint agent_runtimes_base_url check (length(base_url) between 8 and 2000),
    secret_version integer not null default 1,
    previous_until timestamptz,
    failures integer not null default 0,
    failing_since timestamptz,
    last_ok_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    created_by uuid,
    updated_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint agent_runtimes_failing check ((failures = 0) = (failing_since is null)),
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create unique index agent_runtimes_agent on agent_runtimes (org_id, agent_id) where deleted_at is null;
call keep_updated_at('agent_runtimes');
call secure_tenant_table('agent_runtimes');

-- Which runtime takes the run's turn; null: the agent thinks here, or in a program that comes by itself.
alter table runs add column runtime_id uuid, add foreign key (org_id, runtime_id) references agent_runtimes (org_id, id);
create index runs_runtime on runs (org_id, runtime_id, id desc) where runtime_id is not null;

-- Which runtime answered for an agent in a conversation, since when.
create view conversation_agent_runtimes with (security_invoker = true) as
select r.org_id, r.conversation_id, r.agent_id, r.runtime_id, min(r.created_at) as created_at
from runs r where r.runtime_id is not null group by r.org_id, r.conversation_id, r.agent_id, r.runtime_id;
grant select on conversation_agent_runtimes to crewhall_app, crewhall_read;

-- Each request that was made, the newest hundred of a runtime. `run_id` is null for a ping; `status` for no answer at all.
create table runtime_calls (
    id uuid primary key,
    org_id uuid not null,
    runtime_id uuid not null,
    run_id uuid,
    webhook_id text not null,
    is_ok boolean not null,
    status integer,
    duration_ms integer not null,
    error text,
    created_at timestamptz not null default now(),
    foreign key (org_id, runtime_id) references agent_runtimes (org_id, id),
    foreign key (org_id, run_id) references runs (org_id, id)
);
create index runtime_calls_runtime on runtime_calls (org_id, runtime_id, id desc);
create index runtime_calls_run on runtime_calls (org_id, run_id) where run_id is not null;
call secure_tenant_table('runtime_calls');

-- What a runtime answered about a run: the first counts. Null: it has nothing to say.
create table runtime_answers (
    run_id uuid primary key,
    org_id uuid not null,
    content text,
    created_at timestamptz not null default now(),
    foreign key (org_id, run_id) references runs (org_id, id)
);
call secure_tenant_table('runtime_answers');

-- Whose a turn's token is, before the tenant is known; the token itself is proved by its signature.
create function find_turn(run uuid)
returns table (org_id uuid, agent_id uuid, name text, conversation_id uuid) language sql stable rows 1 as $$
    select r.org_id, r.agent_id, a.name, r.conversation_id
    from runs r
    join agents a on a.id = r.agent_id and a.deleted_at is null and a.status in ('active', 'probation')
    join organizations o on o.id = r.org_id and o.deleted_at is null
    join agent_runtimes w on w.org_id = r.org_id and w.id = r.runtime_id and w.deleted_at is null
    where r.id = run and r.status = 'running'
$$;
call make_definer('find_turn(uuid)');

-- As before; one that is served at an address is there as long as that answers.
create or replace function presence_of(a agents) returns text language sql stable as $$
    select case when a.presence_until > now() then a.presence
                when a.status not in ('active', 'probation') then 'offline'
                when exists (select from agent_runtimes w where w.org_id = a.org_id and w.agent_id = a.id
                             and w.deleted_at is null)
                    then case when exists (select from agent_runtimes w where w.org_id = a.org_id and w.agent_id = a.id
                                           and w.deleted_at is null and w.failures = 0 and w.last_ok_at is not null)
                              then 'online' else 'offline' end
                when a.model_config ->> 'provider' is not null then 'online'
                else 'offline' end
$$;
