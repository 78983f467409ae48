-- What sets turns off beside messages: schedules, quick tasks, incoming webhooks.

-- ---------------------------------------------------------------------------------------------- schedules

-- A task that an agent is given again and again. It fires with the rights of `maker_id` as they are then, and only who made it
-- changes what it does. Paused: `pause_reason` says why, and nothing is due. `trigger_id` is what it last asked for; a run
-- of that bears it as its exchange.
create table schedules (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    conversation_id uuid not null,
    maker_id uuid not null references users,
    name text not null constraint schedules_name check (length(name) between 1 and 100),
    prompt text not null constraint schedules_prompt check (length(prompt) between 1 and 40000),
    cron text not null constraint schedules_cron check (length(cron) <= 200),
    timezone text not null constraint schedules_timezone check (length(timezone) <= 100),
    pause_reason text constraint schedules_pause_reason check (pause_reason in (
        'by_hand', 'maker_left', 'no_access', 'closed', 'unfit', 'over')),
    next_due_at timestamptz,
    last_due_at timestamptz,
    last_outcome text constraint schedules_last_outcome check (last_outcome in ('fired', 'missed', 'skipped', 'refused')),
    last_fired_at timestamptz,
    trigger_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    constraint schedules_due check ((pause_reason is null) = (next_due_at is not null)),
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index schedules_org on schedules (org_id, id desc);
create index schedules_agent on schedules (org_id, agent_id);
create index schedules_due on schedules (next_due_at) where next_due_at is not null;
call keep_updated_at('schedules');
call secure_tenant_table('schedules');

-- The schedules that are due next, with the seconds until then.
create function next_schedules(size integer)
returns table (org_id uuid, id uuid, due_in double precision) language sql stable as $$
    select s.org_id, s.id, extract(epoch from s.next_due_at - clock_timestamp())::double precision
    from schedules s where s.next_due_at is not null order by s.next_due_at limit size
$$;
call make_definer('next_schedules(integer)');

-- When an agent works is one thing, what it does then another: a cron expression stands on a schedule.
update agents set scheduling_config = scheduling_config - 'cron' where scheduling_config ? 'cron';

-- ---------------------------------------------------------------------------------------------- quick tasks

-- What an agent is often asked, at one click. In order of `order_index`, then as they were made.
create table agent_quick_tasks (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    title text not null constraint agent_quick_tasks_title check (length(title) between 1 and 100),
    prompt text not null constraint agent_quick_tasks_prompt check (length(prompt) between 1 and 20000),
    category text constraint agent_quick_tasks_category check (length(category) between 1 and 50),
    icon text constraint agent_quick_tasks_icon check (length(icon) between 1 and 16),
    order_index integer not null default 0,
    enabled boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index agent_quick_tasks_agent on agent_quick_tasks (org_id, agent_id, order_index, id);
call keep_updated_at('agent_quick_tasks');
call secure_tenant_table('agent_quick_tasks');

-- A quick task is given by a message: its client id names the agent that it is for. The message alone makes the trigger, so
-- that no task is posted and then forgotten; this says what it is.
create function note_quick_task() returns trigger language plpgsql as $$
begin
    if exists (
        select from message_records r
        where r.id = new.message_id and r.conversation_id = new.conversation_id
          and r.client_id like 'task:' || new.agent_id || ':%'
    ) then
        new.cause := 'quick_task';
    end if;
    return new;
end $$;
create trigger quick_task_noted before insert on turn_triggers for each row
    when (new.cause in ('mention', 'direct') and new.author_type = 'user') execute function note_quick_task();

-- ---------------------------------------------------------------------------------------------- incoming webhooks

-- An address that other services call, signed. Each call posts, wakes an agent, or both, with the rights that `maker_id` has then.
create table hooks (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid,
    maker_id uuid not null references users,
    name text not null constraint hooks_name check (length(name) between 1 and 100),
    prompt text constraint hooks_prompt check (length(prompt) between 1 and 20000),
    posts boolean not null default true,
    pause_reason text constraint hooks_pause_reason check (pause_reason in (
        'by_hand', 'maker_left', 'no_access', 'closed', 'unfit', 'over')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    constraint hooks_do_something check (posts or agent_id is not null),
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index hooks_org on hooks (org_id, id desc);
call keep_updated_at('hooks');
call secure_tenant_table('hooks');

-- What a hook's calls are signed with. It must verify, so it is kept; the application writes it and can never read it again:
-- `admit_hook_call` compares inside the database.
create table hook_secrets (
    id uuid primary key,
    org_id uuid not null,
    hook_id uuid not null,
    secret bytea not null constraint hook_secrets_length check (length(secret) between 24 and 64),
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    foreign key (org_id, hook_id) references hooks (org_id, id) on delete cascade
);
create index hook_secrets_hook on hook_secrets (org_id, hook_id);
call secure_tenant_table('hook_secrets');
revoke select on hook_secrets from crewhall_app, crewhall_read;
grant select (id, org_id, hook_id, expires_at, created_at) on hook_secrets to crewhall_app, crewhall_read;

-- Calls and what became of them. What was taken is kept for a while, so that a delivery is taken once; of the others the
-- newest.
create table hook_calls (
    id uuid primary key,
    org_id uuid not null,
    hook_id uuid not null,
    delivery text not null constraint hook_calls_delivery check (length(delivery) between 1 and 128),
    outcome text not null constraint hook_calls_outcome check (outcome in (
        'taken', 'repeated', 'bad_signature', 'stale', 'paused', 'refused')),
    message_id uuid,
    trigger_id uuid,
    address text,
    created_at timestamptz not null default now(),
    foreign key (org_id, hook_id) references hooks (org_id, id) on delete cascade
);
create unique index hook_calls_taken on hook_calls (hook_id, delivery) where outcome = 'taken';
create index hook_calls_hook on hook_calls (org_id, hook_id, id desc);
create index hook_calls_others on hook_calls (org_id, hook_id, id desc) where outcome <> 'taken';
call secure_tenant_table('hook_calls');

create function hmac_sha256(key bytea, message bytea) returns bytea language plpgsql immutable strict as $$
declare
    padded bytea := case when length(key) > 64 then sha256(key) else key end;
    inner_key bytea;
    outer_key bytea;
begin
    padded := padded || decode(repeat('00', 64 - length(padded)), 'hex');
    inner_key := padded;
    outer_key := padded;
    for at in 0..63 loop
        inner_key := set_byte(inner_key, at, get_byte(padded, at) # 54);
        outer_key := set_byte(outer_key, at, get_byte(padded, at) # 92);
    end loop;
    return sha256(outer_key || sha256(inner_key || message));
end $$;

-- Notes a call that was not taken, and forgets all but the newest fifty of those.
create function note_hook_call(call_id uuid, of_org uuid, of_hook uuid, named text, became text, come_from text)
returns void language sql volatile as $$
    insert into hook_calls (id, org_id, hook_id, delivery, outcome, address)
    values (call_id, of_org, of_hook, named, became, come_from);
    delete from hook_calls k where k.org_id = of_org and k.hook_id = of_hook and k.outcome <> 'taken' and k.id < (
        select min(n.id::text)::uuid from (
            select l.id from hook_calls l
            where l.org_id = of_org and l.hook_id = of_hook and l.outcome <> 'taken' order by l.id desc limit 50) n);
$$;

-- Before the tenant is known: whose hook is called, if the call is signed with one of its secrets, is fresh, and the hook is
-- not paused; else nothing, whatever the reason, which is noted for who looks after the hook. Digests are compared, not the
-- signatures themselves: how long that takes tells nothing of them.
create function admit_hook_call(
    call_id uuid, of_hook uuid, named text, signed bytea, given bytea[], is_fresh boolean, come_from text)
returns table (org_id uuid, maker_id uuid) language plpgsql volatile as $$
#variable_conflict use_column
declare
    hook hooks;
    became text;
begin
    select * into hook from hooks h where h.id = of_hook;
    if not found then
        return;
    end if;
    became := case
        when not exists (
            select from hook_secrets s
            where s.org_id = hook.org_id and s.hook_id = of_hook and coalesce(s.expires_at, 'infinity') > now()
              and sha256(hmac_sha256(s.secret, signed)) in (select sha256(g) from unnest(given) as g)) then 'bad_signature'
        when hook.pause_reason is not null then 'paused'
        when not is_fresh then 'stale' end;
    if became is not null then
        perform note_hook_call(call_id, hook.org_id, of_hook, named, became, come_from);
        return;
    end if;
    return query select hook.org_id, hook.maker_id;
end $$;
call make_definer('admit_hook_call(uuid, uuid, text, bytea, bytea[], boolean, text)');

-- ---------------------------------------------------------------------------------------------- what is deleted with others

-- What belongs to an agent or a conversation that is deleted would be seen by nobody, and so deleted by nobody.
create function forget_agent_causes() returns trigger language plpgsql as $$
begin
    delete from schedules where org_id = new.org_id and agent_id = new.id;
    return null;
end $$;
create trigger causes_forgotten after update of deleted_at on agents for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function forget_agent_causes();

create function forget_conversation_causes() returns trigger language plpgsql as $$
begin
    delete from schedules where org_id = new.org_id and conversation_id = new.id;
    delete from hooks where org_id = new.org_id and conversation_id = new.id;
    return null;
end $$;
create trigger causes_forgotten after update of deleted_at on conversations for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function forget_conversation_causes();
