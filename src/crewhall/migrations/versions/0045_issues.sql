-- GitHub's issues become tasks: who is who there, which project a repository is of, which pull requests a task has.

-- ---------------------------------------------------------------------------------------------- who is who

-- What somebody is called at GitHub. An agent says so of itself alone in an organization; people say it of themselves.
alter table agents add column github_login text
    constraint agents_github_login check (github_login ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$');
create unique index agents_github_login_key on agents (org_id, lower(github_login))
    where github_login is not null and deleted_at is null;
alter table users add column github_login text
    constraint users_github_login check (github_login ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$');
-- Until now settings said so of an agent: each keeps its login, the oldest of several that had the same.
update agents a set github_login = m.login, settings = a.settings - 'github_login' from (
    select distinct on (o.org_id, lower(o.settings ->> 'github_login')) o.id, o.settings ->> 'github_login' as login
    from agents o where o.deleted_at is null
      and o.settings ->> 'github_login' ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$'
    order by o.org_id, lower(o.settings ->> 'github_login'), o.id) m
where a.id = m.id;
drop index agents_github_login;
create or replace function agent_of_login(login text) returns uuid language sql stable security definer
set search_path = public, pg_temp as $$
    select a.id from agents a
    where a.org_id = (current_orgs())[1] and a.deleted_at is null and lower(a.github_login) = lower(login)
$$;

grant select (github_login) on users to crewhall_app, crewhall_read;

create or replace view agent_details with (security_invoker = true) as
select a.id, a.code, a.name, a.description, a.role_title, a.icon_url, a.kind, a.level, a.project_id, a.status,
       a.trust_score::float8 as trust_score, presence_of(a) as presence, a.last_heartbeat_at, a.capabilities, a.visibility,
       a.owner_user_id, a.parent_agent_id, a.version, a.created_at, a.updated_at, a.instructions, a.public_key,
       a.model_config, a.tools, a.embedding_model, a.rag_enabled, a.scheduling_config, a.topic, a.settings, a.metadata,
       a.created_by, a.updated_by, may_see_agent(a) as visible,
       (select c.id from conversations c where c.org_id = a.org_id and c.owner_agent_id = a.id and c.kind = 'agent'
           and c.deleted_at is null) as inbox_id,
       a.github_login
from agents a
where a.org_id = any (current_orgs()) and a.deleted_at is null;

-- Who of an organization is meant by logins, in small letters: an agent that has one, else the person who joined first of those that say so.
create function github_members(logins text[]) returns table (login text, type text, id uuid, name text)
    language sql stable as $$
    select distinct on (m.login) m.login, m.type, m.id, m.name from (
        select lower(a.github_login) as login, 'agent' as type, a.id, a.name, 0 as place, a.created_at as since
        from agents a where a.org_id = (current_orgs())[1] and a.deleted_at is null and lower(a.github_login) = any (logins)
        union all
        select lower(u.github_login), 'user', u.id, u.name, 1, m.created_at
        from memberships m join users u on u.id = m.user_id and u.deleted_at is null
        where m.org_id = (current_orgs())[1] and lower(u.github_login) = any (logins)) m
    order by m.login, m.place, m.since, m.id
$$;
call make_definer('github_members(text[])');

-- ---------------------------------------------------------------------------------------------- repositories of projects

-- A project has one repository at most, as numbers of issues are unique in it. `linked_at`: comments made since then are shown in the
-- tasks' threads. `makes_issues`: a new task becomes an issue. `sends_comments`: what is said of a task is said there, too.
-- `tasks_look_at`: issues that were mirrored before wait to become tasks; `tasks_after` is the number of the last that did.
alter table github_repositories
    add constraint github_repositories_project foreign key (org_id, project_id)
        references projects (org_id, id) on delete set null (project_id),
    add column linked_at timestamptz,
    add column makes_issues boolean not null default false,
    add column sends_comments boolean not null default true,
    add column tasks_after integer not null default 0,
    add column tasks_done integer not null default 0,
    add column tasks_total integer not null default 0,
    add column tasks_look_at timestamptz,
    add column tasks_attempt integer not null default 0;
create unique index github_repositories_project_key on github_repositories (org_id, project_id) where project_id is not null;
create index github_repositories_tasks_due on github_repositories (org_id, tasks_look_at) where tasks_look_at is not null;
create index github_items_issue on github_items (org_id, repository_id, number) where kind = 'issue';

-- `github_told` is how the issue stood when the task followed it last: what differs from that was changed there, all else here.
alter table tasks
    add column github_repository_id uuid,
    add column github_told jsonb,
    add constraint tasks_github_repository foreign key (org_id, github_repository_id)
        references github_repositories (org_id, id) on delete set null (github_repository_id);
create index tasks_github_repository on tasks (org_id, github_repository_id, github_issue_number)
    where github_repository_id is not null;

-- Which pull requests a task has: by their own words (`issue_number`, of an issue that may be here later), or by hand (`task_id`).
create table github_links (
    id uuid primary key,
    org_id uuid not null,
    repository_id uuid not null,
    number integer not null,
    issue_repository_id uuid,
    issue_number integer,
    task_id uuid,
    created_by uuid,
    created_at timestamptz not null default now(),
    constraint github_links_what check (num_nonnulls(task_id, issue_number) = 1
        and (issue_number is null) = (issue_repository_id is null)),
    foreign key (org_id, repository_id) references github_repositories (org_id, id) on delete cascade,
    foreign key (org_id, issue_repository_id) references github_repositories (org_id, id) on delete cascade,
    foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade
);
create unique index github_links_issue on github_links (org_id, issue_repository_id, issue_number, repository_id, number)
    where issue_number is not null;
create unique index github_links_task on github_links (org_id, task_id, repository_id, number) where task_id is not null;
create index github_links_pull on github_links (org_id, repository_id, number);
call secure_tenant_table('github_links');

-- `task_id`: whose issue is made, whose comment goes out.
alter table github_changes
    add column task_id uuid,
    add constraint github_changes_task foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade;
create index github_changes_task on github_changes (org_id, task_id, id desc) where task_id is not null;

-- Comments of GitHub in the threads of tasks: said there once, followed as they change.
create table github_comments (
    id uuid primary key,
    org_id uuid not null,
    repository_id uuid not null,
    key text not null,
    task_id uuid not null,
    message_id uuid,
    look_at timestamptz default clock_timestamp(),
    attempt integer not null default 0,
    retries integer not null default 0,
    reason text,
    unique (org_id, repository_id, key),
    foreign key (org_id, repository_id) references github_repositories (org_id, id) on delete cascade,
    foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade
);
create index github_comments_task on github_comments (org_id, task_id);
create index github_comments_due on github_comments (org_id, look_at) where look_at is not null;
call secure_tenant_table('github_comments');

-- ---------------------------------------------------------------------------------------------- whose turn it is

-- Organizations take turns: what is due next of the one after `org` that has anything due; else when the first will be. Who
-- brought ten thousand at once keeps nobody waiting for more than one of its own.
drop index github_deliveries_due_index;
drop index github_repositories_due;
drop index github_changes_due_index;
create index github_deliveries_due on github_deliveries (org_id, look_at) where look_at is not null;
create index github_repositories_due on github_repositories (org_id, look_at) where look_at is not null;
create index github_changes_due on github_changes (org_id, look_at) where look_at is not null;
drop function next_github_deliveries(integer), next_github_repositories(integer), next_github_changes(integer);
do $$
declare
    queue record;
begin
    for queue in select * from (values
        ('next_github_deliveries', 'github_deliveries', 'look_at'),
        ('next_github_repositories', 'github_repositories', 'look_at'),
        ('next_github_changes', 'github_changes', 'look_at'),
        ('next_github_comments', 'github_comments', 'look_at'),
        ('next_github_backfills', 'github_repositories', 'tasks_look_at')) as q (function, source, due)
    loop
        execute format($sql$
            create function %1$I(org uuid) returns table (org_id uuid, id uuid, due_in double precision)
                language sql volatile set plan_cache_mode = force_generic_plan as $body$
                with recursive first (org_id, due) as (
                    (select w.org_id, w.%3$I from %2$I w where w.%3$I is not null order by w.org_id, w.%3$I limit 1)
                    union all
                    select n.org_id, n.due from first f cross join lateral (
                        select w.org_id, w.%3$I as due from %2$I w
                        where w.%3$I is not null and w.org_id > f.org_id order by w.org_id, w.%3$I limit 1) n
                ), turn as (
                    select f.org_id, f.due from first f
                    order by f.due > clock_timestamp(), case when f.due > clock_timestamp() then f.due end,
                             f.org_id <= %1$I.org, f.org_id limit 1
                )
                select w.org_id, w.id, extract(epoch from w.%3$I - clock_timestamp())::double precision
                from turn t cross join lateral (
                    select q.org_id, q.id, q.%3$I from %2$I q
                    where q.org_id = t.org_id and q.%3$I is not null order by q.%3$I limit 1) w
            $body$
        $sql$, queue.function, queue.source, queue.due);
        execute format('call make_definer(%L)', queue.function || '(uuid)');
    end loop;
end $$;
