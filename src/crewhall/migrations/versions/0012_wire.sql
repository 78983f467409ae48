-- Personal tokens, which people make for programs of theirs; and completions: what callers at the OpenAI door asked.

-- ---------------------------------------------------------------------------------------------- personal tokens

-- A login that a person made for a program: it has a name, one token, and an end that nothing puts off.
alter table logins add column name text constraint logins_name check (length(name) between 1 and 100);
alter table logins drop constraint logins_kind;
alter table logins add constraint logins_kind check (kind in ('browser', 'token', 'personal'));
alter table logins add constraint logins_personal check ((kind = 'personal') = (name is not null));
alter table login_tokens drop constraint login_tokens_kind;
alter table login_tokens
    add constraint login_tokens_kind check (kind in ('session', 'access', 'refresh', 'personal'));

-- As before, and for personal tokens, which are good in the organization that they were made in, and in no other.
create or replace function authenticate_login(token_digest bytea, wanted text)
    returns table (login_id uuid, user_id uuid, name text, org_id uuid, role text, expires_at timestamptz)
    language sql stable rows 1 as $$
    select l.id, u.id, u.name, m.org_id, m.role, least(t.expires_at, l.expires_at)
    from login_tokens t
    join logins l on l.id = t.login_id and l.revoked_at is null and l.expires_at > now()
    join users u on u.id = t.user_id and u.deleted_at is null
    left join lateral (
        select m.org_id, m.role
        from memberships m join organizations o on o.id = m.org_id and o.deleted_at is null
        where m.user_id = u.id
          and case when wanted is null then o.id = l.org_id else o.slug = wanted or o.id::text = lower(wanted) end
          and (t.kind <> 'personal' or o.id = l.org_id)
        order by (o.id::text = lower(wanted)) desc nulls last limit 1
    ) m on true
    where t.digest = token_digest and t.kind in ('session', 'access', 'personal') and t.expires_at > now()
$$;
call make_definer('authenticate_login(bytea, text)');

-- ---------------------------------------------------------------------------------------------- completions

-- What a caller asked of an agent beyond the words that it posts: its instructions, what was said elsewhere before, its own
-- tools, its settings. Written before the message, whose client id names it: whoever takes the turn finds it.
create table completions (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    author_type text not null constraint completions_author_type check (author_type in ('user', 'agent')),
    author_id uuid not null,
    request jsonb not null,
    created_at timestamptz not null default now(),
    unique (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index completions_conversation on completions (conversation_id, agent_id);
call secure_tenant_table('completions');

-- A call to a tool of the caller: the run waits until the caller has done it. Its id is what the caller is told.
create table outside_calls (
    id uuid primary key,
    org_id uuid not null,
    run_id uuid not null,
    key text not null,
    tool text not null,
    arguments text not null,
    result text,
    until timestamptz not null,
    created_at timestamptz not null default now(),
    answered_at timestamptz,
    constraint outside_calls_answered check ((result is null) = (answered_at is null)),
    unique (run_id, key),
    foreign key (org_id, run_id) references runs (org_id, id)
);
create index outside_calls_open on outside_calls (until) where result is null;
call secure_tenant_table('outside_calls');

-- The door asks the agent itself, by the trigger that says so: the message alone asks nothing of it.
create function leave_to_completion() returns trigger language plpgsql as $$
begin
    if exists (
        select from message_records r
        join completions c on c.id = substring(r.client_id from '^completion:([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?::[0-9]+)?$')::uuid
        where r.id = new.message_id and r.conversation_id = new.conversation_id and r.client_id like 'completion:%'
          and c.org_id = new.org_id and c.agent_id = new.agent_id
          and c.author_id = r.author_id and c.conversation_id = r.conversation_id
    ) then
        return null;
    end if;
    return new;
end $$;
create trigger left_to_completion before insert on turn_triggers for each row
    when (new.cause in ('mention', 'reply', 'direct', 'auto')) execute function leave_to_completion();

-- `waits` counts how often a run was put aside: for a decision, or for its caller. Such a run is no longer the agent's open one
-- here: others go on meanwhile, and the lock of their jobs keeps them apart.
alter table runs add column if not exists waits integer not null default 0;
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

-- Runs whose caller has not come back with what it was to do.
create function forsaken_runs() returns table (org_id uuid, run_id uuid) language sql stable as $$
    select distinct r.org_id, r.id from outside_calls k join runs r on r.id = k.run_id
    where k.result is null and k.until < now() and r.status = 'waiting'
$$;
call make_definer('forsaken_runs()');
