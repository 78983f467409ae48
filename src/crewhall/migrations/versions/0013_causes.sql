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
