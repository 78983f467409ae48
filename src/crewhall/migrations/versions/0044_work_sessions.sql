-- Work sessions: when agents work, at what, and what they leave to whoever goes on.

-- `previous_id`: the agent's session before. `pulled`: what its start told, in numbers and ids, never words of others. `roles`: the
-- snapshot that the next start compares with. `heard_at`: the last sign of life that is known; `silent_at`: when it is looked at again.
create table work_sessions (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    project_id uuid,
    previous_id uuid,
    status text not null default 'started' constraint work_sessions_status check (status in ('started', 'logging', 'stopped')),
    goal text constraint work_sessions_goal check (length(goal) between 1 and 500),
    started_at timestamptz not null default clock_timestamp(),
    stopped_at timestamptz,
    duration_seconds integer generated always as (floor(extract(epoch from stopped_at - started_at))::integer) stored,
    stop_reason text constraint work_sessions_stop_reason check (stop_reason in ('stopped', 'crashed', 'superseded')),
    stopped_by_type text constraint work_sessions_stopped_by_type check (stopped_by_type in ('user', 'agent', 'system')),
    stopped_by uuid,
    stopped_by_name text,
    hand_off text constraint work_sessions_hand_off check (length(hand_off) between 1 and 10000),
    tasks_worked_on uuid[] not null default '{}' constraint work_sessions_tasks check (cardinality(tasks_worked_on) <= 200),
    log_count integer not null default 0 constraint work_sessions_log_count check (log_count between 0 and 1000),
    heard_at timestamptz not null default clock_timestamp(),
    silent_at timestamptz not null,
    pulled jsonb not null default '{}',
    roles jsonb not null default '{}',
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id) on delete cascade,
    foreign key (org_id, project_id) references projects (org_id, id) on delete set null (project_id),
    constraint work_sessions_ended check (
        (status = 'stopped') = (stopped_at is not null) and (stopped_at is null) = (stop_reason is null)
        and (stopped_at is null) = (stopped_by is null) and (stopped_by is null) = (stopped_by_type is null)
        and (stopped_by is null) = (stopped_by_name is null)),
    constraint work_sessions_moments check (stopped_at >= started_at)
);
create unique index work_sessions_open_key on work_sessions (agent_id) where stopped_at is null;
create index work_sessions_agent on work_sessions (org_id, agent_id, started_at desc, id desc);
create index work_sessions_org on work_sessions (org_id, started_at desc, id desc);
create index work_sessions_project on work_sessions (org_id, project_id, started_at desc, id desc);
create index work_sessions_silent on work_sessions (silent_at) where stopped_at is null;

-- A session begins open and stays whose it is; once it is stopped nothing of it changes, whoever asks. Only that its project is purged it
-- cannot help: the foreign key takes the project away, and the application has no right to.
create function check_work_session() returns trigger language plpgsql as $$
declare
    moves text[] := '{project_id,duration_seconds,updated_at}'; -- a generated column is not there yet
begin
    if tg_op = 'INSERT' then
        if new.stopped_at is not null then
            raise exception 'a work session begins open' using errcode = '23514', constraint = 'work_sessions_begin';
        end if;
        return new;
    end if;
    if old.stopped_at is not null and not (old.project_id is not null and new.project_id is null
                                           and to_jsonb(new) - moves = to_jsonb(old) - moves) then
        raise exception 'a stopped work session never changes' using errcode = '42501', constraint = 'work_sessions_stopped';
    end if;
    if (new.id, new.org_id, new.agent_id, new.started_at) is distinct from (old.id, old.org_id, old.agent_id, old.started_at) then
        raise exception 'a work session stays whose it is' using errcode = '23514', constraint = 'work_sessions_whose';
    end if;
    return new;
end $$;
create trigger check_work_session before insert or update on work_sessions for each row execute function check_work_session();
call keep_updated_at('work_sessions');
call secure_tenant_table('work_sessions');
revoke update, delete on work_sessions from crewhall_app;
grant update (status, stopped_at, stop_reason, stopped_by_type, stopped_by, stopped_by_name, hand_off, tasks_worked_on, log_count,
              heard_at, silent_at, pulled, roles, updated_at) on work_sessions to crewhall_app;

-- ---------------------------------------------------------------------------------------------- events

-- What an agent tells of while it is at work belongs to its session, whoever writes it down and however late. No foreign key: it
-- would lock sessions whenever a month is attached, and a month that was detached would keep them for ever.
create function session_of_event() returns trigger language plpgsql as $$
begin
    select case when s.stopped_at is null or s.stopped_at >= new."timestamp" then s.id end into new.session_id
    from work_sessions s
    where s.org_id = new.org_id and s.agent_id = new.author_id and s.started_at <= new."timestamp"
    order by s.started_at desc, s.id desc limit 1;
    return new;
end $$;
call make_definer('session_of_event()');
create trigger session_of before insert on events for each row
    when (new.session_id is null and new.author_type = 'agent') execute function session_of_event();

-- A session takes its events along, when the one purge function removes it; to everybody else the events refuse.
create function forget_events_of_session() returns trigger language plpgsql as $$
begin
    delete from events e where e.org_id = old.org_id and e.session_id = old.id;
    return old;
end $$;
call make_definer('forget_events_of_session()');
create trigger forget_events before delete on work_sessions for each row execute function forget_events_of_session();

-- ---------------------------------------------------------------------------------------------- silence

-- The next open session that is to be looked at, with the seconds until then.
create function next_silent_session() returns table (org_id uuid, id uuid, due_in double precision) language sql stable as $$
    select s.org_id, s.id, extract(epoch from s.silent_at - clock_timestamp())::double precision
    from work_sessions s where s.stopped_at is null order by s.silent_at limit 1
$$;
call make_definer('next_silent_session()');

-- When an agent gave a sign of life last: a heartbeat or an open socket, a use of one of its keys (counted anyway, for every request),
-- a turn that is under way. Asked when its silence is due, never before.
create function heard_of_agent(of_agent uuid) returns timestamptz language sql stable as $$
    select greatest(
        (select a.last_heartbeat_at from agents a where a.org_id = (current_orgs())[1] and a.id = of_agent),
        (select max(c.last_used_at) from agent_credentials c where c.org_id = (current_orgs())[1] and c.agent_id = of_agent),
        (select max(case when r.status in ('queued', 'running', 'waiting') then now() else r.updated_at end) from (
            select n.status, n.updated_at from runs n where n.org_id = (current_orgs())[1] and n.agent_id = of_agent
            order by n.id desc limit 20) r))
$$;
call make_definer('heard_of_agent(uuid)');
