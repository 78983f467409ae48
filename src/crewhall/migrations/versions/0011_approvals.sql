-- Approvals: calls of tools that wait for a person. The tools' policy of an organization. For whom agents act: they can do no
-- more than whoever set them off. What agents remember of each person.

-- ---------------------------------------------------------------------------------------------- for whom an agent acts

-- Everybody for whom the transaction's agent acts, people and agents: it sees what all of them may see. Null: itself alone.
create function current_behalf() returns uuid[] language sql stable parallel safe
    as $$ select nullif(current_setting('crewhall.behalf', true), '')::uuid[] $$;

-- Whether somebody may read a conversation, whoever asks; as `access_conversation` has it.
create function may_reach(c conversations, who uuid) returns boolean language sql stable
set search_path = public, pg_temp as $$
    select exists (select from conversation_members m where m.conversation_id = c.id and m.member_id = who)
        or (c.type = 'public' and (
            exists (select from memberships k where k.org_id = c.org_id and k.user_id = who)
            or exists (select from agents g where g.org_id = c.org_id and g.id = who and g.deleted_at is null)))
        or (c.type = 'system' and exists (
            select from memberships k where k.org_id = c.org_id and k.user_id = who and k.role in ('owner', 'admin')))
$$;
create function all_may_reach(c conversations) returns boolean language sql stable
set search_path = public, pg_temp as $$
    select not exists (select from unnest(current_behalf()) as b (id) where not may_reach(c, b.id))
$$;
grant execute on function current_behalf(), may_reach(conversations, uuid), all_may_reach(conversations)
    to crewhall_app, crewhall_definer, crewhall_read;

create or replace function reachable_conversations() returns setof uuid language sql stable security definer
set search_path = public, pg_temp as $$
    select c.id from conversations c
    where c.org_id = any (current_orgs()) and c.deleted_at is null and c.kind <> 'agent'
      and (c.type = 'public' or (c.type = 'system' and current_actor_role() in ('owner', 'admin'))
           or exists (select from conversation_members m where m.conversation_id = c.id
                      and m.member_type = current_actor_type() and m.member_id = current_actor()))
      and (current_behalf() is null or all_may_reach(c))
$$;

-- Whether somebody may see an agent, whoever asks; as `may_see_agent` has it for the actor.
create function may_be_shown(a agents, who uuid) returns boolean language sql stable
set search_path = public, pg_temp as $$
    select case
        when exists (select from memberships k where k.org_id = a.org_id and k.user_id = who and k.role in ('owner', 'admin'))
            then true
        when exists (select from memberships k where k.org_id = a.org_id and k.user_id = who)
            then a.visibility = 'public' or a.owner_user_id = who
        else a.id = who or (a.visibility = 'public' and exists (
            select from agents me where me.id = who and me.org_id = a.org_id
               and (me.level = 'organization' or me.project_id = a.project_id)))
    end
$$;
grant execute on function may_be_shown(agents, uuid) to crewhall_app, crewhall_definer, crewhall_read;
create or replace function may_see_agent(a agents) returns boolean language sql stable as $$
    select case
        when current_actor_role() in ('owner', 'admin') then true
        when current_actor_type() = 'agent' then a.id = current_actor() or (a.visibility = 'public' and exists (
            select from agents me where me.id = current_actor() and me.org_id = a.org_id
               and (me.level = 'organization' or me.project_id = a.project_id)))
        else a.visibility = 'public' or a.owner_user_id = current_actor()
    end and (current_behalf() is null or not exists (
        select from unnest(current_behalf()) as b (id) where not may_be_shown(a, b.id)))
$$;

-- Whoever set a run off: the people whose words it answers; where an agent wrote them by itself, that agent. `waits` counts how
-- often it was put aside for a decision. A run that was is no longer the agent's open one here: others go on meanwhile, and
-- the lock of their jobs keeps them apart.
alter table runs add column behalf_of uuid[] not null default '{}', add column waits integer not null default 0;
drop index runs_open_key;
create unique index runs_open_key on runs (conversation_id, agent_id)
    where status in ('queued', 'running', 'waiting') and waits = 0;

create or replace function pending_places(of_shard smallint, size integer)
returns table (shard smallint, org_id uuid, conversation_id uuid, agent_id uuid, due_in double precision)
language sql stable as $$
    select shard_of(t.conversation_id), t.org_id, t.conversation_id, t.agent_id,
           extract(epoch from min(case when t.due_at = 'infinity' then t.created_at else t.due_at end) - clock_timestamp())
               ::double precision as due_in
    from turn_triggers t
    where (of_shard is null or shard_of(t.conversation_id) = of_shard)
      and (t.due_at < 'infinity' or not exists (
          select from runs r where r.conversation_id = t.conversation_id and r.agent_id = t.agent_id
            and r.status in ('queued', 'running', 'waiting') and r.waits = 0))
    group by 1, 2, 3, 4 order by due_in limit size
$$;
call make_definer('pending_places(smallint, integer)');

-- ---------------------------------------------------------------------------------------------- what tools may do

-- One row per organization that has settled anything; without one the defaults hold (runtime/judging.py).
create table tool_policies (
    org_id uuid primary key references organizations,
    policy jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid
);
call keep_updated_at('tool_policies');
call secure_tenant_table('tool_policies');

-- A call that waits for a person, or waited. `key` names the call within its run's journal. It is used once: `used_at` is when
-- the run went on with the decision.
create table approvals (
    id uuid primary key,
    org_id uuid not null,
    run_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    key text not null,
    tool text not null,
    risk text not null constraint approvals_risk check (risk in ('read', 'write', 'outside', 'destructive')),
    effect text not null,
    why text not null,
    arguments jsonb not null,
    approved_arguments jsonb,
    status text not null default 'waiting' constraint approvals_status check (status in (
        'waiting', 'approved', 'refused', 'expired', 'canceled')),
    reason text constraint approvals_reason check (length(reason) <= 2000),
    decided_by uuid,
    decided_at timestamptz,
    used_at timestamptz,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint approvals_decided check ((status = 'waiting') = (decided_at is null)),
    unique (run_id, key),
    foreign key (org_id, run_id) references runs (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index approvals_org on approvals (org_id, id desc);
create index approvals_waiting on approvals (org_id, id desc) where status = 'waiting';
create index approvals_expiry on approvals (expires_at) where status = 'waiting';
call keep_updated_at('approvals');
call secure_tenant_table('approvals');

-- The next approvals that run out, with the seconds until then.
create function next_approvals(size integer)
returns table (org_id uuid, id uuid, due_in double precision) language sql stable as $$
    select p.org_id, p.id, extract(epoch from p.expires_at - clock_timestamp())::double precision
    from approvals p where p.status = 'waiting' order by p.expires_at limit size
$$;
call make_definer('next_approvals(integer)');

-- ---------------------------------------------------------------------------------------------- what agents remember

-- What an agent keeps of one person. `version` rises with each change: who writes says which one it has read.
create table agent_states (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    user_id uuid not null references users,
    state jsonb not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, user_id, agent_id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index agent_states_agent on agent_states (org_id, agent_id);
call keep_updated_at('agent_states');
call secure_tenant_table('agent_states');
