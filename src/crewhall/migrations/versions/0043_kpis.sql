-- KPIs and trust: news of what may count, evidence of what does, and the figures that are calculated of it.

-- ---------------------------------------------------------------------------------------------- news

-- What is to be looked at. It is noted in the transaction in which something happened, which waits for nobody over it; the
-- calculation of the organization takes it, and what it led to is evidence.
create table kpi_news (
    id uuid primary key,
    org_id uuid not null references organizations,
    kind text not null constraint kpi_news_kind check (kind in ('task', 'mirror', 'review', 'trust', 'metric', 'request')),
    subject text not null constraint kpi_news_subject check (length(subject) <= 500),
    agent_id uuid,
    detail jsonb not null default '{}' constraint kpi_news_detail check (jsonb_typeof(detail) = 'object'),
    created_at timestamptz not null default clock_timestamp(),
    due_at timestamptz not null default clock_timestamp(),
    foreign key (org_id, agent_id) references agents (org_id, id) on delete cascade
);
create index kpi_news_due on kpi_news (due_at);
create index kpi_news_org on kpi_news (org_id, id);
create index kpi_news_agent on kpi_news (org_id, agent_id) where agent_id is not null;
call secure_tenant_table('kpi_news');

-- Whose news is due next, for the worker of every process: an id and a moment alone.
create function next_kpi_news() returns table (org_id uuid, due_in double precision) language sql stable as $$
    select n.org_id, extract(epoch from n.due_at - clock_timestamp())::float8 from kpi_news n order by n.due_at limit 1
$$;
call make_definer('next_kpi_news()');

-- ---------------------------------------------------------------------------------------------- evidence

-- What counts for (or against) an agent, each thing once. What does not hold any more is taken back by a row of its own
-- (`amount` -1): what stands is what adds up to more than nothing. `about`: what it follows from, looked at as a whole; `subject`: the
-- thing; `cause`: what a bug is of. Without an agent it is nobody's yet. `since`: of a task, when it became the agent's. A row
-- of kind `calculation` says where a calculation stood (all before it was counted), at which moment, and who asked for it.
create table kpi_evidence (
    position bigint generated always as identity primary key,
    org_id uuid not null references organizations,
    agent_id uuid,
    kind text not null constraint kpi_evidence_kind check (kind in (
        'task_assigned', 'task_completed', 'pull_merged', 'pull_rejected', 'approved_first', 'approved', 'changes_requested',
        'checks_failed', 'bug', 'deployment_failed', 'reworked', 'trust_set', 'metric', 'calculation')),
    about text not null,
    subject text not null,
    cause text,
    amount smallint not null default 1 constraint kpi_evidence_amount check (abs(amount) = 1),
    value numeric(18, 4),
    since timestamptz,
    at timestamptz not null,
    created_at timestamptz not null default clock_timestamp(),
    foreign key (org_id, agent_id) references agents (org_id, id) on delete cascade
);
create index kpi_evidence_new on kpi_evidence (org_id, agent_id, position);
create index kpi_evidence_about on kpi_evidence (org_id, about);
create index kpi_evidence_cause on kpi_evidence (org_id, cause) where cause is not null;
create index kpi_evidence_at on kpi_evidence (org_id, agent_id, kind, at desc);
create index kpi_evidence_since on kpi_evidence (org_id, agent_id, since) where since is not null;
call secure_tenant_table('kpi_evidence');
call make_append_only('kpi_evidence');

-- ---------------------------------------------------------------------------------------------- figures

-- One row for an agent and a moment. Every term of the rules stands in it; `evidence` is their n, `start` where trust begins (50, or what
-- a person set), `counted` the kinds of evidence that made the row, each with how often.
create table kpis (
    agent_id uuid not null,
    recorded_at timestamptz not null,
    org_id uuid not null,
    position bigint not null,
    asked_by text,
    counted jsonb not null default '{}' constraint kpis_counted check (jsonb_typeof(counted) = 'object'),
    tasks_assigned integer not null,
    tasks_completed integer not null,
    tasks_ripe integer not null,
    ripe_completed integer not null,
    first_approvals integer not null,
    approvals integer not null,
    change_requests integer not null,
    failing_pulls integer not null,
    bugs integer not null,
    deployment_failures integer not null,
    reworks integer not null,
    average_task_minutes integer,
    rejected_in_row integer not null,
    recent_bugs integer not null,
    custom jsonb not null default '{}' constraint kpis_custom check (jsonb_typeof(custom) = 'object'),
    quality numeric(5, 2) not null constraint kpis_quality check (quality between 0 and 100),
    completion numeric(5, 4) not null constraint kpis_completion check (completion between 0 and 1),
    overall numeric(5, 4) not null constraint kpis_overall check (overall between 0 and 1),
    tasks_trend text not null constraint kpis_tasks_trend check (tasks_trend in ('up', 'down', 'stable')),
    quality_trend text not null constraint kpis_quality_trend check (quality_trend in ('up', 'down', 'stable')),
    overall_trend text not null constraint kpis_overall_trend check (overall_trend in ('improving', 'declining', 'stable')),
    term_quality numeric(6, 3) not null,
    term_completion numeric(6, 3) not null,
    term_bugs numeric(6, 3) not null,
    term_deployments numeric(6, 3) not null,
    term_trend numeric(6, 3) not null,
    deviation numeric(6, 5),
    term_steadiness numeric(6, 3) not null,
    term_sum numeric(6, 3) not null constraint kpis_term_sum check (term_sum between 0 and 100),
    start numeric(5, 2) not null constraint kpis_start check (start between 0 and 100),
    evidence integer not null,
    trust numeric(5, 2) not null constraint kpis_trust check (trust between 0 and 100),
    concerns text[] not null default '{}' constraint kpis_concerns check (concerns <@ array['low_trust', 'low_quality', 'rejected_pulls', 'recent_bugs']),
    primary key (agent_id, recorded_at),
    foreign key (org_id, agent_id) references agents (org_id, id) on delete cascade
) partition by range (recorded_at);
create index kpis_of_agent on kpis (org_id, agent_id, recorded_at desc);
call secure_tenant_table('kpis');
call make_append_only('kpis');

-- This month and the next three, of every table that has months.
create or replace function ensure_partitions() returns integer language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    month date := date_trunc('month', now() at time zone 'UTC');
    made integer;
begin
    select count(*) filter (where ensure_partition(p.parent, (month + n.n * interval '1 month')::date)) into made
    from unnest(array['credential_usage', 'events', 'kpis']) as p (parent) cross join generate_series(0, 3) as n (n);
    return made;
end $$;
select ensure_partitions();

-- What has been counted so far, so that a calculation reads only what is new. `ripe_at`: up to when tasks are old enough to count for
-- completion. `past`: of the last rows overall, quality, tasks completed and how overall moved, oldest first. `start`, `start_evidence`: what
-- trust a person set, and how much evidence there was then. `excused`: concerns that stood when a person ended probation.
create table kpi_sums (
    agent_id uuid primary key,
    org_id uuid not null,
    position bigint not null default 0,
    ripe_at timestamptz,
    recorded_at timestamptz,
    tasks_assigned integer not null default 0,
    tasks_completed integer not null default 0,
    tasks_ripe integer not null default 0,
    ripe_completed integer not null default 0,
    first_approvals integer not null default 0,
    approvals integer not null default 0,
    change_requests integer not null default 0,
    failing_pulls integer not null default 0,
    bugs integer not null default 0,
    deployment_failures integer not null default 0,
    reworks integer not null default 0,
    minutes bigint not null default 0,
    timed integer not null default 0,
    past jsonb not null default '[]',
    custom jsonb not null default '{}',
    start numeric(5, 2) not null default 50,
    start_evidence integer not null default 0,
    concerns text[] not null default '{}',
    excused text[] not null default '{}',
    foreign key (org_id, agent_id) references agents (org_id, id) on delete cascade
) with (fillfactor = 50);
create index kpi_sums_agent on kpi_sums (org_id, agent_id);
call secure_tenant_table('kpi_sums');
create index agents_by_trust on agents (org_id, trust_score desc, id) where deleted_at is null;

-- A rebuild's way to begin anew: the administrator's alone.
create function forget_kpis(of_agent uuid) returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
    gone integer;
begin
    perform set_config('crewhall.purging', 'on', true);
    delete from kpis k where k.agent_id = of_agent;
    get diagnostics gone = row_count;
    perform set_config('crewhall.purging', '', true);
    return gone;
end $$;
alter function forget_kpis(uuid) owner to crewhall_definer;
revoke all on function forget_kpis(uuid) from public;
grant execute on function forget_kpis(uuid) to crewhall_admin;

-- ---------------------------------------------------------------------------------------------- metrics of roles

-- What a role is measured by besides. `role_title`: whose agents have it, all where it is empty. `source`: posted by programs and the agents
-- themselves, or how many events of a type an agent told in the last 30 days.
create table kpi_metrics (
    id uuid primary key,
    org_id uuid not null references organizations,
    name text not null constraint kpi_metrics_name check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    label text not null constraint kpi_metrics_label check (length(label) between 1 and 80),
    unit text not null default '' constraint kpi_metrics_unit check (length(unit) <= 20),
    role_title text not null default '' constraint kpi_metrics_role_title check (length(role_title) <= 255),
    source text not null constraint kpi_metrics_source check (source in ('posted', 'events')),
    event_type text constraint kpi_metrics_event_type check (length(event_type) <= 100),
    lowest numeric(14, 4),
    highest numeric(14, 4),
    created_at timestamptz not null default now(),
    created_by uuid,
    unique (org_id, name),
    constraint kpi_metrics_counted check ((source = 'events') = (event_type is not null)),
    constraint kpi_metrics_range check (lowest <= highest)
);
call secure_tenant_table('kpi_metrics');

-- ---------------------------------------------------------------------------------------------- what follows from what

-- Something that holds, as evidence says it.
create type kpi_claim as (
    agent_id uuid, kind text, subject text, cause text, value numeric, since timestamptz, at timestamptz);

-- The agent that has this name at GitHub, by its settings.
create function agent_of_login(login text) returns uuid language sql stable as $$
    select a.id from agents a
    where a.org_id = (current_orgs())[1] and a.deleted_at is null
      and lower(a.settings ->> 'github_login') = lower(login)
    order by a.id limit 1
$$;
call make_definer('agent_of_login(text)');
create index agents_github_login on agents (org_id, lower(settings ->> 'github_login'))
    where settings ->> 'github_login' is not null;

-- Whose a pull request is: its author's, if that is an agent; else the assignee's of the first task that it closes.
create function agent_of_pull(of_repository uuid, of_number integer) returns uuid language sql stable as $$
    select coalesce(agent_of_login(p.author), (
        select t.assigned_agent_id
        from jsonb_to_recordset(coalesce(p.data -> 'closes', '[]')) as c (repository text, number integer)
        join github_repositories r on r.org_id = p.org_id
         and case when c.repository = '' then r.id = of_repository else lower(r.full_name) = lower(c.repository) end
        join tasks t on t.org_id = p.org_id and t.project_id = r.project_id and t.github_issue_number = c.number
        where t.assigned_agent_id is not null and t.deleted_at is null
        order by c.repository, c.number limit 1))
    from github_items p
    where p.org_id = (current_orgs())[1] and p.repository_id = of_repository and p.kind = 'pull_request'
      and p.number = of_number and p.deleted_at is null
$$;
call make_definer('agent_of_pull(uuid, integer)');

create index github_items_merged on github_items (org_id, repository_id, (data ->> 'merge_sha'))
    where kind = 'pull_request' and data ->> 'merge_sha' is not null;
create index github_items_closing on github_items using gin ((data -> 'closes') jsonb_path_ops) with (fastupdate = off)
    where kind = 'pull_request';

-- What follows for its agent from a pull request, its reviews, checks, pushes and deployments as the mirror has them now.
-- Nobody's own reviews count, nor those of agents of the organization. Checks count as they are at its last commit.
create function evidence_of_pull(of_repository uuid, of_number integer) returns setof kpi_claim language sql stable as $$
    with pull as (
        select p.*, agent_of_pull(of_repository, of_number) as agent, format('pull:%s:%s', of_repository, of_number) as about,
               coalesce(p.data ->> 'merged_at', p.data ->> 'closed_at')::timestamptz as ended_at
        from github_items p
        where p.org_id = (current_orgs())[1] and p.repository_id = of_repository and p.kind = 'pull_request'
          and p.number = of_number and p.deleted_at is null
    ), review as materialized (
        select v.key, v.state, v.moment, row_number() over (order by v.moment, v.key) = 1 as is_first
        from pull p join github_items v on v.org_id = p.org_id and v.repository_id = p.repository_id
         and v.number = p.number and v.kind = 'review' and v.deleted_at is null
        where v.state in ('approved', 'changes_requested') and lower(v.author) is distinct from lower(p.author)
          and agent_of_login(v.author) is null
    ), said as (
        select case when p.state = 'merged' then 'pull_merged' else 'pull_rejected' end as kind, p.about as subject,
               coalesce(p.ended_at, p.moment) as at from pull p where p.state in ('merged', 'closed')
        union all select 'approved_first', 'review:' || v.key, v.moment from review v where v.is_first and v.state = 'approved'
        union all select v.state, 'review:' || v.key, v.moment from review v
        union all select 'checks_failed', p.about, c.moment from pull p cross join lateral (
            select max(f.moment) as moment from (
                select k.moment from github_items k
                where k.org_id = p.org_id and k.repository_id = p.repository_id and k.sha = p.sha and k.kind = 'check_suite'
                  and k.state = 'completed' and k.data ->> 'conclusion' in ('failure', 'timed_out', 'startup_failure')
                union all
                select s.moment from (
                    select distinct on (k.title) k.state, k.moment from github_items k
                    where k.org_id = p.org_id and k.repository_id = p.repository_id and k.sha = p.sha and k.kind = 'status'
                    order by k.title, k.moment desc, k.key desc) s
                where s.state in ('failure', 'error')) f) c
        where c.moment is not null
        union all select 'deployment_failed', 'deployment:' || d.deployment, d.moment from (
            select distinct on (k.data ->> 'deployment') k.data ->> 'deployment' as deployment, k.state, k.moment
            from pull p join github_items k on k.org_id = p.org_id and k.repository_id = p.repository_id
             and k.sha = p.data ->> 'merge_sha' and k.kind = 'deployment_status'
            where k.state in ('success', 'failure', 'error')
            order by k.data ->> 'deployment', k.moment desc, k.key desc) d
        where d.state <> 'success'
        union all select 'reworked', 'push:' || k.key, k.moment
        from pull p join github_items k on k.org_id = p.org_id and k.repository_id = p.repository_id and k.kind = 'push'
         and k.title = 'refs/heads/' || (p.data ->> 'head_ref')
        where k.moment > (select min(v.moment) from review v) and k.moment <= coalesce(p.ended_at, 'infinity')
    )
    select p.agent, s.kind, s.subject, null::text, null::numeric, null::timestamptz, s.at
    from pull p cross join said s where p.agent is not null
$$;
call make_definer('evidence_of_pull(uuid, integer)');

-- The first number that a text gives as a cause.
create function blamed_number(said text) returns integer language sql immutable parallel safe as $$
    select (regexp_match(left(said, 65536),
        '\m(?:caused by|introduced (?:by|in|with)|regression (?:of|from|in)|broken by|bug (?:of|in)|follows from)'
        || ':?\s+(?:task\s+|issue\s+|pr\s+|pull request\s+)?#([1-9][0-9]{0,8})\M', 'i'))[1]::integer
$$;
grant execute on function blamed_number(text) to crewhall_app, crewhall_definer;

create function is_bug(labels text[]) returns boolean language sql immutable parallel safe as $$
    select exists (select from unnest(labels) l (name) where lower(l.name) = 'bug')
$$;
grant execute on function is_bug(text[]) to crewhall_app, crewhall_definer;

-- A bug of an issue: labelled so, naming its cause, not set aside as none. The cause is a pull request, or the issue that was worked on.
create function evidence_of_issue(of_repository uuid, of_number integer) returns setof kpi_claim language sql stable as $$
    select coalesce(agent_of_pull(of_repository, b.number), (
               select t.assigned_agent_id from github_repositories r
               join tasks t on t.org_id = r.org_id and t.project_id = r.project_id and t.github_issue_number = b.number
               where r.org_id = i.org_id and r.id = of_repository and t.deleted_at is null)),
           'bug', format('issue:%s:%s', of_repository, of_number), format('github:%s:%s', of_repository, b.number),
           null::numeric, null::timestamptz, coalesce((i.data ->> 'created_at')::timestamptz, i.moment)
    from github_items i
    cross join lateral (select blamed_number(i.title || E'\n' || coalesce(i.body, '')) as number) b
    where i.org_id = (current_orgs())[1] and i.repository_id = of_repository and i.kind = 'issue' and i.number = of_number
      and i.deleted_at is null and b.number is not null and b.number <> of_number
      and is_bug(array(select jsonb_array_elements_text(coalesce(i.data -> 'labels', '[]'))))
      and not (i.state = 'closed' and coalesce(i.data ->> 'state_reason', '') in ('not_planned', 'duplicate'))
$$;
call make_definer('evidence_of_issue(uuid, integer)');

-- A task that is an agent's and was not written by it; that it is completed; that it is a bug of another one. `told`: when it was
-- looked at first, for what the task does not say itself. An issue's bugs are the mirror's to tell.
create function evidence_of_task(of_task uuid, told timestamptz) returns setof kpi_claim language sql stable as $$
    with task as (
        select t.*, coalesce((
            select min(e.since) from kpi_evidence e
            where e.org_id = t.org_id and e.about = 'task:' || t.id and e.kind = 'task_assigned' and e.agent_id = t.assigned_agent_id
            having sum(e.amount) > 0), told) as given_at
        from tasks t where t.org_id = (current_orgs())[1] and t.id = of_task and t.deleted_at is null and t.status <> 'cancelled'
    )
    select t.assigned_agent_id, k.kind, 'task:' || t.id, null::text,
           case when k.kind = 'task_completed' and t.started_at is not null
                then greatest(round(extract(epoch from t.completed_at - t.started_at) / 60), 0) end,
           least(t.given_at, t.completed_at), case when k.kind = 'task_completed' then t.completed_at else t.given_at end
    from task t cross join (values ('task_assigned'), ('task_completed')) as k (kind)
    where t.assigned_agent_id is not null and not (t.created_by_type = 'agent' and t.created_by = t.assigned_agent_id)
      and (k.kind = 'task_assigned' or t.status = 'completed')
    union all
    select c.assigned_agent_id, 'bug', 'task:' || t.id, 'task:' || c.id, null, null, t.created_at
    from task t cross join lateral (select blamed_number(t.title || E'\n' || coalesce(t.description, '')) as number) b
    join tasks c on c.org_id = t.org_id and c.project_id = t.project_id and c.number = b.number and c.id <> t.id
    where is_bug(t.labels) and t.github_issue_number is null
$$;
call make_definer('evidence_of_task(uuid, timestamptz)');

-- What a notice of the mirror concerns: pull requests and issues by number.
create function mirror_concerns(of_repository uuid, of_kind text, of_number integer, of_sha text, of_ref text)
    returns table (kind text, number integer) language sql stable as $$
    select case of_kind when 'issue' then 'issue' else 'pull' end, of_number
    where of_kind in ('issue', 'pull_request', 'review') and of_number is not null
    union
    select 'pull', p.number from github_items p
    where p.org_id = (current_orgs())[1] and p.repository_id = of_repository and p.kind = 'pull_request'
      and of_kind in ('check_suite', 'status') and p.sha = of_sha
    union
    select 'pull', p.number from github_items p
    where p.org_id = (current_orgs())[1] and p.repository_id = of_repository and p.kind = 'pull_request'
      and of_kind = 'deployment_status' and p.data ->> 'merge_sha' = of_sha
    union
    (select 'pull', p.number from github_items p
     where p.org_id = (current_orgs())[1] and p.repository_id = of_repository and p.kind = 'pull_request'
       and of_kind = 'push' and 'refs/heads/' || (p.data ->> 'head_ref') = of_ref
     order by p.moment desc limit 20)
$$;
call make_definer('mirror_concerns(uuid, text, integer, text, text)');

-- The pull requests that close a task's issue.
create function pulls_closing(of_task uuid) returns table (repository_id uuid, number integer) language sql stable as $$
    select p.repository_id, p.number
    from tasks t join github_repositories r on r.org_id = t.org_id and r.project_id = t.project_id
    join github_items p on p.org_id = t.org_id and p.kind = 'pull_request'
     and p.data -> 'closes' @> jsonb_build_array(jsonb_build_object('number', t.github_issue_number))
     and exists (select from jsonb_to_recordset(p.data -> 'closes') as c (repository text, number integer)
                 where c.number = t.github_issue_number
                   and case when c.repository = '' then p.repository_id = r.id else lower(c.repository) = lower(r.full_name) end)
    where t.org_id = (current_orgs())[1] and t.id = of_task and t.github_issue_number is not null
$$;
call make_definer('pulls_closing(uuid)');

-- Brings the evidence about something to what holds: what does not hold any more is taken back, what is new is added. Gives the
-- agents for whom something changed.
create function settle_evidence(of_about text, holds kpi_claim[]) returns setof uuid language sql volatile as $$
    with standing as materialized (
        select e.agent_id, e.kind, e.subject, e.cause, (array_agg(e.value order by e.position desc))[1] as value,
               (array_agg(e.since order by e.position desc))[1] as since, (array_agg(e.at order by e.position desc))[1] as at
        from kpi_evidence e where e.org_id = (current_orgs())[1] and e.about = of_about
        group by e.agent_id, e.kind, e.subject, e.cause having sum(e.amount) > 0
    ), claimed as materialized (
        select distinct on (h.agent_id, h.kind, h.subject, h.cause) h.*
        from unnest(holds) h order by h.agent_id, h.kind, h.subject, h.cause, h.at
    ), written as (
        insert into kpi_evidence (org_id, agent_id, kind, about, subject, cause, amount, value, since, at)
        select (current_orgs())[1], s.agent_id, s.kind, of_about, s.subject, s.cause, -1, s.value, s.since, s.at
        from standing s where not exists (
            select from claimed c
            where (c.agent_id, c.kind, c.subject, c.cause) is not distinct from (s.agent_id, s.kind, s.subject, s.cause))
        union all
        select (current_orgs())[1], c.agent_id, c.kind, of_about, c.subject, c.cause, 1, c.value, c.since, c.at
        from claimed c where not exists (
            select from standing s
            where (c.agent_id, c.kind, c.subject, c.cause) is not distinct from (s.agent_id, s.kind, s.subject, s.cause))
        returning agent_id
    )
    select distinct w.agent_id from written w where w.agent_id is not null
$$;
call make_definer('settle_evidence(text, kpi_claim[])');

-- What adds to the sums of an agent after a position, and what has ripened since. One row; in plpgsql, which keeps its plan.
create function kpi_growth(of_agent uuid, after bigint, ripe_from timestamptz, ripe_to timestamptz)
    returns table (counted jsonb, tasks_assigned integer, tasks_completed integer, tasks_ripe integer,
        ripe_completed integer, first_approvals integer, approvals integer, change_requests integer, failing_pulls integer,
        bugs integer, deployment_failures integer, reworks integer, minutes bigint, timed integer, rejected_in_row integer,
        recent_bugs integer) language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    with fresh as materialized (
        select e.kind, sum(e.amount)::integer as amount, coalesce(sum(e.amount * e.value), 0)::bigint as worth,
               coalesce(sum(e.amount) filter (where e.value is not null), 0)::integer as valued,
               coalesce(sum(e.amount) filter (where e.since <= ripe_to), 0)::integer as ripe
        from kpi_evidence e
        where e.org_id = (current_orgs())[1] and e.agent_id = of_agent and e.position > after and e.kind <> 'calculation'
        group by e.kind
    ), ripened as materialized (
        select e.kind, sum(e.amount)::integer as amount from kpi_evidence e
        where e.org_id = (current_orgs())[1] and e.agent_id = of_agent and e.since > ripe_from and e.since <= ripe_to
          and e.position <= after
        group by e.kind
    ), outcomes as (
        select e.kind, e.at, e.subject from unnest(array['pull_merged', 'pull_rejected']) as o (kind) cross join lateral (
            select k.kind, k.at, k.subject, k.amount from kpi_evidence k
            where k.org_id = (current_orgs())[1] and k.agent_id = of_agent and k.kind = o.kind
            order by k.at desc fetch first 60 rows with ties) e
        group by e.kind, e.at, e.subject having sum(e.amount) > 0
    ), in_row as (
        select least(count(*), 10)::integer as rejected from outcomes o
        where o.kind = 'pull_rejected' and not exists (
            select from outcomes m where m.kind = 'pull_merged' and (m.at, m.subject) > (o.at, o.subject))
    ), done as (
        select e.at from (
            select k.at, k.subject, k.amount from kpi_evidence k
            where k.org_id = (current_orgs())[1] and k.agent_id = of_agent and k.kind = 'task_completed'
            order by k.at desc fetch first 60 rows with ties) e
        group by e.at, e.subject having sum(e.amount) > 0 order by e.at desc limit 10
    ), lately as (
        select coalesce(sum(e.amount), 0)::integer as bugs from kpi_evidence e
        where e.org_id = (current_orgs())[1] and e.agent_id = of_agent and e.kind = 'bug'
          and e.at >= (select case when count(*) = 10 then min(d.at) else '-infinity' end from done d)
    ), by_kind as (
        select f.kind, f.amount, f.ripe, f.worth, f.valued from fresh f
    )
    select coalesce((select jsonb_object_agg(f.kind, f.amount) from fresh f where f.amount <> 0), '{}'),
           coalesce(sum(b.amount) filter (where b.kind = 'task_assigned'), 0)::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'task_completed'), 0)::integer,
           (coalesce(sum(b.ripe) filter (where b.kind = 'task_assigned'), 0)
            + coalesce((select r.amount from ripened r where r.kind = 'task_assigned'), 0))::integer,
           (coalesce(sum(b.ripe) filter (where b.kind = 'task_completed'), 0)
            + coalesce((select r.amount from ripened r where r.kind = 'task_completed'), 0))::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'approved_first'), 0)::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'approved'), 0)::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'changes_requested'), 0)::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'checks_failed'), 0)::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'bug'), 0)::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'deployment_failed'), 0)::integer,
           coalesce(sum(b.amount) filter (where b.kind = 'reworked'), 0)::integer,
           coalesce(sum(b.worth) filter (where b.kind = 'task_completed'), 0)::bigint,
           coalesce(sum(b.valued) filter (where b.kind = 'task_completed'), 0)::integer,
           (select i.rejected from in_row i), (select l.bugs from lately l)
    from by_kind b;
end $$;
call make_definer('kpi_growth(uuid, bigint, timestamptz, timestamptz)');

-- ---------------------------------------------------------------------------------------------- notifications

-- One more kind, beside whatever kinds there are.
do $$
declare
    known text := (select string_agg(quote_literal(k.word[1]), ', ') from pg_constraint c
        cross join lateral regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') as k (word)
        where c.conname = 'notifications_kind');
begin
    alter table notifications drop constraint notifications_kind;
    execute format('alter table notifications add constraint notifications_kind check (kind in (%s, %L))', known, 'probation');
end $$;
comment on column notifications.detail is
    'the emoji of a reaction, the tool of an approval, the name of what is not answered, the title of a wiki entry or a task, what became of an agent''s standing';
alter function shows_notification(notifications) rename to shows_notification_but_of_probation;
create function shows_notification(n notifications) returns boolean language sql stable as $$
    select case n.kind
        when 'probation' then sees_agent(n.subject_id)
        else shows_notification_but_of_probation(n) end
$$;
grant execute on function shows_notification(notifications) to crewhall_app, crewhall_read, crewhall_definer;
