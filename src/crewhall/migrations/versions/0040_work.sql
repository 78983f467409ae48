-- Projects and their tasks: the board, dependencies, the queue that agents take the next task from.

-- ---------------------------------------------------------------------------------------------- projects

-- `conversation_id`: the project's channel, where its tasks are talked about. One that is not active is archived: it stays to be
-- read, and nothing in it is to be done.
create table projects (
    id uuid primary key,
    org_id uuid not null references organizations,
    name text not null constraint projects_name check (length(name) between 1 and 255),
    slug text not null constraint projects_slug check (slug ~ '^[a-z0-9-]+$' and length(slug) between 1 and 100),
    description text constraint projects_description check (length(description) <= 20000),
    repository_url text constraint projects_repository_url check (length(repository_url) <= 500),
    github_installation_id bigint constraint projects_github_installation_id check (github_installation_id > 0),
    mvp_document_url text constraint projects_mvp_document_url check (length(mvp_document_url) <= 500),
    is_active boolean not null default true,
    conversation_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    deleted_at timestamptz,
    unique (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create unique index projects_slug_key on projects (org_id, slug) where deleted_at is null;
create index projects_org on projects (org_id, is_active, lower(name), id) where deleted_at is null;
create unique index projects_conversation on projects (org_id, conversation_id) where conversation_id is not null;
call keep_updated_at('projects');
call secure_tenant_table('projects');

-- The last number that a task of a project got: a narrow row of its own, so that the project itself is not written for each.
create table project_numbers (
    project_id uuid primary key,
    org_id uuid not null,
    last_number integer not null default 0,
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade
) with (fillfactor = 50);
create index project_numbers_project on project_numbers (org_id, project_id);
call secure_tenant_table('project_numbers');

-- Who works on it beside the agents that it has: people, and agents of the organization.
create table project_members (
    project_id uuid not null,
    org_id uuid not null,
    member_type text not null constraint project_members_type check (member_type in ('user', 'agent')),
    member_id uuid not null,
    added_by uuid,
    created_at timestamptz not null default now(),
    primary key (project_id, member_type, member_id),
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade
);
create index project_members_member on project_members (org_id, member_id);
create index project_members_project on project_members (org_id, project_id);
call secure_tenant_table('project_members');

-- What named a project before there were any: agents get one to be in, everything else belongs to the organization.
insert into projects (id, org_id, name, slug)
select distinct on (a.org_id, a.project_id) a.project_id, a.org_id, 'Project ' || left(a.project_id::text, 8),
       'project-' || a.project_id
from agents a where a.project_id is not null
on conflict (id) do nothing;
update agents a set level = 'organization', project_id = null, status = 'inactive'
where a.project_id is not null and not exists (select from projects p where p.org_id = a.org_id and p.id = a.project_id);
insert into project_numbers (project_id, org_id) select p.id, p.org_id from projects p;
update conversations set project_id = null where project_id is not null;
update wiki_heads set project_id = null where project_id is not null;

alter table agents add constraint agents_project foreign key (org_id, project_id) references projects (org_id, id);
create index agents_project on agents (org_id, project_id) where project_id is not null;
alter table conversations add constraint conversations_project foreign key (org_id, project_id)
    references projects (org_id, id) on delete set null (project_id);
create index conversations_project on conversations (org_id, project_id);
alter table wiki_heads add constraint wiki_heads_project foreign key (org_id, project_id)
    references projects (org_id, id) on delete set null (project_id);
create index wiki_heads_project on wiki_heads (org_id, project_id);

-- Nobody joins a project that was deleted; the row lock waits for a deletion that is under way.
create function check_agents_project() returns trigger language plpgsql as $$
begin
    perform from projects p where p.org_id = new.org_id and p.id = new.project_id and p.deleted_at is null for key share;
    if not found then
        raise exception 'there is no such project' using errcode = '23503', constraint = 'agents_project';
    end if;
    return new;
end $$;
create trigger check_project before insert or update of project_id on agents for each row
    when (new.project_id is not null and new.level = 'project') execute function check_agents_project();

-- Its agents outlive a purged project, as inactive agents of the organization; a name that is taken there gets its code.
create function release_agents_of_project() returns trigger language plpgsql as $$
begin
    update agents a set level = 'organization', project_id = null, status = case when a.status = 'terminated'
            then a.status else 'inactive' end,
        name = case when exists (select from agents o where o.org_id = a.org_id and o.project_id is null
                                   and o.name = a.name and o.deleted_at is null)
                    then left(a.name, 150) || ' ' || a.code else a.name end
    where a.org_id = old.org_id and a.project_id = old.id;
    return old;
end $$;
call make_definer('release_agents_of_project()');
create trigger release_agents before delete on projects for each row execute function release_agents_of_project();
revoke delete on projects, project_numbers from crewhall_app;

-- Tasks lose a purged agent: what it had to do is anybody's again.
create function release_tasks_of_agent() returns trigger language plpgsql as $$
begin
    update tasks t set assigned_agent_id = null,
        status = case when t.status in ('assigned', 'in_progress') then 'backlog' else t.status end
    where t.org_id = old.org_id and t.assigned_agent_id = old.id;
    return old;
end $$;
call make_definer('release_tasks_of_agent()');
create trigger release_tasks before delete on agents for each row execute function release_tasks_of_agent();

-- An organization that still has projects is never deleted, whoever asks.
create function refuse_deletion_with_projects() returns trigger language plpgsql as $$
begin
    perform from organizations o where o.id = new.id for update;
    if exists (select from projects p where p.org_id = new.id and p.deleted_at is null) then
        raise exception 'the organization still has projects'
            using errcode = '23503', constraint = 'organizations_no_projects';
    end if;
    return new;
end $$;
call make_definer('refuse_deletion_with_projects()');
create trigger no_projects before update of deleted_at on organizations for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function refuse_deletion_with_projects();

-- Projects that the caller may see, and everybody for whom it acts: people all of them, an agent of a project its own.
create function readable_projects() returns setof uuid language sql stable security definer
set search_path = public, pg_temp as $$
    select p.id from projects p
    where p.org_id = any (current_orgs()) and p.deleted_at is null
      and (current_actor_type() is distinct from 'agent' or is_in_scope(p.org_id, p.id, current_actor()))
      and (current_behalf() is null or not exists (
          select from unnest(current_behalf()) as b (id) where not is_in_scope(p.org_id, p.id, b.id)))
$$;
call make_definer('readable_projects()');

-- ---------------------------------------------------------------------------------------------- tasks

-- `number` counts within the project. One assignee: an agent or a person. `blocked` is said, with its reason; `waits_for` counts
-- what is not done of the tasks that it depends on. `is_on_hold`: its project is archived. `thread_id`: the message that the
-- comments answer, in the project's channel. `version` moves with what people and agents change.
create table tasks (
    id uuid primary key,
    org_id uuid not null,
    project_id uuid not null,
    number integer not null,
    github_issue_id bigint,
    github_issue_number integer,
    assigned_agent_id uuid,
    assigned_user_id uuid references users,
    status text not null default 'backlog' constraint tasks_status check (status in (
        'backlog', 'assigned', 'in_progress', 'blocked', 'completed', 'cancelled')),
    priority text not null default 'P2' constraint tasks_priority check (priority in ('P0', 'P1', 'P2', 'P3')),
    title text not null constraint tasks_title check (length(title) between 1 and 500),
    description text constraint tasks_description check (length(description) <= 65536),
    deadline timestamptz,
    success_criteria jsonb not null default '[]' constraint tasks_success_criteria check (
        jsonb_typeof(success_criteria) = 'array'),
    labels text[] not null default '{}' constraint tasks_labels check (cardinality(labels) <= 20),
    blocked_reason text constraint tasks_blocked_reason check (length(blocked_reason) between 1 and 2000),
    waits_for integer not null default 0 constraint tasks_waits_for check (waits_for >= 0),
    is_on_hold boolean not null default false,
    thread_id uuid,
    version integer not null default 1,
    started_at timestamptz,
    completed_at timestamptz,
    metadata jsonb not null default '{}',
    vector tsvector not null default '',
    created_by_type text not null constraint tasks_created_by_type check (created_by_type in ('user', 'agent', 'system')),
    created_by uuid not null,
    created_by_name text not null,
    updated_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    unique (org_id, id),
    unique (project_id, number),
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade,
    foreign key (org_id, assigned_agent_id) references agents (org_id, id),
    constraint tasks_one_assignee check (num_nonnulls(assigned_agent_id, assigned_user_id) <= 1),
    constraint tasks_assigned check (case
        when status = 'backlog' then num_nonnulls(assigned_agent_id, assigned_user_id) = 0
        when status in ('assigned', 'in_progress') then num_nonnulls(assigned_agent_id, assigned_user_id) = 1
        else true end),
    constraint tasks_blocked check ((status = 'blocked') = (blocked_reason is not null)),
    constraint tasks_completed check ((status = 'completed') = (completed_at is not null))
) with (fillfactor = 80);
create unique index tasks_github_issue_id_key on tasks (project_id, github_issue_id) where github_issue_id is not null;
create unique index tasks_github_issue_number_key on tasks (project_id, github_issue_number)
    where github_issue_number is not null;
create index tasks_project on tasks (org_id, project_id);
-- Lists and boards: by project and status in the order of the queue.
create index tasks_board on tasks (project_id, status, priority, deadline, id) where deleted_at is null;
create index tasks_list on tasks (org_id, priority, deadline, id) where deleted_at is null;
create index tasks_agent on tasks (org_id, assigned_agent_id, status, priority, deadline, id)
    where assigned_agent_id is not null and deleted_at is null;
create index tasks_user on tasks (assigned_user_id, org_id, status, priority, deadline, id)
    where assigned_user_id is not null and deleted_at is null;
-- What any agent may take next, of the organization and of a project.
create index tasks_free on tasks (org_id, priority, deadline, id)
    where status = 'backlog' and waits_for = 0 and not is_on_hold and deleted_at is null;
create index tasks_free_of_project on tasks (project_id, priority, deadline, id)
    where status = 'backlog' and waits_for = 0 and not is_on_hold and deleted_at is null;
create index tasks_labels on tasks using gin (labels);
create index tasks_vector on tasks using gin (vector);
call keep_updated_at('tasks');
call secure_tenant_table('tasks');
revoke delete on tasks from crewhall_app;

-- `task_id` waits for `blocked_by`; both are of one project.
create table task_dependencies (
    task_id uuid not null,
    blocked_by uuid not null,
    org_id uuid not null,
    created_by uuid,
    created_at timestamptz not null default now(),
    primary key (task_id, blocked_by),
    foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade,
    foreign key (org_id, blocked_by) references tasks (org_id, id) on delete cascade,
    constraint task_dependencies_itself check (task_id <> blocked_by)
);
create index task_dependencies_task on task_dependencies (org_id, task_id);
create index task_dependencies_blocked_by on task_dependencies (org_id, blocked_by);
call secure_tenant_table('task_dependencies');

-- Which status may follow which; `work/task_steps.py` says the same.
create function task_may_become(before text, after text) returns boolean language sql immutable parallel safe as $$
    select case
        when before is null then after in ('backlog', 'assigned', 'in_progress', 'blocked')
        when before = after then true
        when before = 'completed' or before = 'cancelled' then after in ('backlog', 'assigned')
        else before in ('backlog', 'assigned', 'in_progress', 'blocked') end
$$;

create function is_settled(status text, deleted_at timestamptz) returns boolean language sql immutable parallel safe as $$
    select deleted_at is not null or status in ('completed', 'cancelled')
$$;

-- Numbers a task, keeps its moments, and refuses what no task may be: a step that may not follow, work on what waits for others,
-- an assignee who is not there, a critical task for an agent on probation.
create function check_task() returns trigger language plpgsql as $$
declare
    standing text;
begin
    if tg_op = 'INSERT' then
        update project_numbers n set last_number = n.last_number + 1 where n.project_id = new.project_id
        returning n.last_number into new.number;
        new.is_on_hold := exists (select from projects p where p.id = new.project_id
                                    and (not p.is_active or p.deleted_at is not null));
        new.waits_for := 0;
    elsif new.project_id <> old.project_id or new.number <> old.number then
        raise exception 'a task stays in its project' using errcode = '23514', constraint = 'tasks_place';
    end if;
    if tg_op = 'INSERT' or (new.title, new.description) is distinct from (old.title, old.description) then
        new.vector := search_vector('simple', new.title || ' ' || coalesce(new.description, ''));
    end if;
    if not task_may_become(case when tg_op = 'UPDATE' then old.status end, new.status) then
        raise exception '% cannot follow here', new.status using errcode = '23514', constraint = 'tasks_step';
    end if;
    if tg_op = 'INSERT' or new.status <> old.status then
        new.completed_at := case when new.status = 'completed' then coalesce(new.completed_at, now()) end;
        if new.status = 'in_progress' then
            if new.waits_for > 0 then
                raise exception 'the task waits for others' using errcode = '23514', constraint = 'tasks_waits';
            end if;
            new.started_at := coalesce(new.started_at, now());
        end if;
    end if;
    if new.assigned_agent_id is not null and not is_settled(new.status, new.deleted_at) and (
        tg_op = 'INSERT' or new.assigned_agent_id is distinct from old.assigned_agent_id or new.priority <> old.priority
        or is_settled(old.status, old.deleted_at)) then
        select a.status into standing from agents a
        where a.org_id = new.org_id and a.id = new.assigned_agent_id and a.deleted_at is null
          and (a.level = 'organization' or a.project_id = new.project_id)
          and a.status not in ('inactive', 'terminated') for share;
        if not found then
            raise exception 'this agent does not work on the project' using errcode = '23514', constraint = 'tasks_assignee';
        end if;
        if standing = 'probation' and new.priority = 'P0' then
            raise exception 'an agent on probation is given no critical task'
                using errcode = '23514', constraint = 'tasks_probation';
        end if;
    end if;
    return new;
end $$;
create trigger check_task before insert or update on tasks for each row execute function check_task();

-- What waited for a task that is settled waits for one less, and the other way round.
create function follow_task() returns trigger language plpgsql as $$
begin
    update tasks t set waits_for = t.waits_for + case when is_settled(new.status, new.deleted_at) then -1 else 1 end
    from task_dependencies d where d.org_id = new.org_id and d.blocked_by = new.id and t.id = d.task_id;
    return null;
end $$;
create trigger follow_task after update of status, deleted_at on tasks for each row
    when (is_settled(old.status, old.deleted_at) is distinct from is_settled(new.status, new.deleted_at))
    execute function follow_task();

-- One at a time in a project, so that no two make a circle together.
create function check_dependency() returns trigger language plpgsql as $$
declare
    project uuid;
begin
    select t.project_id into project from tasks t where t.org_id = new.org_id and t.id = new.task_id;
    if not found then
        raise exception 'there is no such task' using errcode = '42501';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('task_dependencies', 0) # hashtextextended(project::text, 0));
    if not exists (select from tasks b where b.org_id = new.org_id and b.id = new.blocked_by and b.project_id = project) then
        raise exception 'both are of one project' using errcode = '23514', constraint = 'task_dependencies_project';
    end if;
    if exists (
        with recursive before (id) as (
            select d.blocked_by from task_dependencies d where d.org_id = new.org_id and d.task_id = new.blocked_by
            union select d.blocked_by from task_dependencies d join before b on d.task_id = b.id and d.org_id = new.org_id)
        select from before where id = new.task_id) then
        raise exception 'they would wait for each other' using errcode = '23514', constraint = 'task_dependencies_circle';
    end if;
    return new;
end $$;
create trigger check_dependency before insert on task_dependencies for each row execute function check_dependency();

create function follow_dependency() returns trigger language plpgsql as $$
declare
    dependency task_dependencies := case when tg_op = 'INSERT' then new else old end;
    is_open boolean;
begin
    select not is_settled(b.status, b.deleted_at) into is_open from tasks b
    where b.org_id = dependency.org_id and b.id = dependency.blocked_by for share;
    if is_open then
        update tasks t set waits_for = t.waits_for + case when tg_op = 'INSERT' then 1 else -1 end
        where t.org_id = dependency.org_id and t.id = dependency.task_id;
    end if;
    return null;
end $$;
create trigger follow_dependency after insert or delete on task_dependencies for each row execute function follow_dependency();
revoke update on task_dependencies from crewhall_app;

create function hold_tasks() returns trigger language plpgsql as $$
begin
    update tasks t set is_on_hold = not new.is_active or new.deleted_at is not null
    where t.org_id = new.org_id and t.project_id = new.id;
    return null;
end $$;
create trigger hold_tasks after update of is_active, deleted_at on projects for each row
    when ((old.is_active, old.deleted_at) is distinct from (new.is_active, new.deleted_at)) execute function hold_tasks();

-- Tasks of the organization that have the words, and those that have a label: past the policies, that keep the indexes from it.
create function tasks_with_words(words text) returns setof uuid language sql stable as $$
    select t.id from tasks t
    where t.vector @@ search_query('simple', words)
      and t.org_id = (current_orgs())[1] and t.project_id in (select readable_projects())
$$;
call make_definer('tasks_with_words(text)');
create function tasks_with_labels(wanted text[]) returns setof uuid language sql stable as $$
    select t.id from tasks t
    where t.labels @> wanted and t.org_id = (current_orgs())[1] and t.project_id in (select readable_projects())
$$;
call make_definer('tasks_with_labels(text[])');

grant execute on function task_may_become(text, text), is_settled(text, timestamptz) to crewhall_app, crewhall_definer,
    crewhall_read;

-- ---------------------------------------------------------------------------------------------- notifications

-- One more kind, beside whatever kinds there are.
do $$
declare
    known text := (select string_agg(quote_literal(k.word[1]), ', ') from pg_constraint c
        cross join lateral regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') as k (word)
        where c.conname = 'notifications_kind');
begin
    alter table notifications drop constraint notifications_kind;
    execute format('alter table notifications add constraint notifications_kind check (kind in (%s, %L))',
                   known, 'task_assigned');
end $$;
comment on column notifications.detail is
    'the emoji of a reaction, the tool of an approval, the name of what is not answered, the title of a wiki entry or a task';

-- As it was for every other kind; an assignment is shown to whose task it is, while it is to be done.
alter function shows_notification(notifications) rename to shows_notification_but_of_tasks;
create function shows_notification(n notifications) returns boolean language sql stable as $$
    select case n.kind
        when 'task_assigned' then exists (
            select from tasks t where t.id = n.subject_id and t.deleted_at is null
              and n.recipient_id in (t.assigned_agent_id, t.assigned_user_id)
              and t.project_id in (select readable_projects()))
        else shows_notification_but_of_tasks(n) end
$$;
grant execute on function shows_notification(notifications) to crewhall_app, crewhall_read, crewhall_definer;

-- What is somebody else's now, or is settled, asks nobody any more.
create function forget_assignment() returns trigger language plpgsql as $$
begin
    delete from notifications n where n.org_id = new.org_id and n.kind = 'task_assigned' and n.subject_id = new.id
      and (is_settled(new.status, new.deleted_at)
           or n.recipient_id is distinct from coalesce(new.assigned_agent_id, new.assigned_user_id));
    return null;
end $$;
call make_definer('forget_assignment()');
create trigger notifications_of_tasks after update of assigned_agent_id, assigned_user_id, status, deleted_at on tasks
    for each row when (coalesce(old.assigned_agent_id, old.assigned_user_id) is not null and (
        coalesce(old.assigned_agent_id, old.assigned_user_id) is distinct from coalesce(new.assigned_agent_id, new.assigned_user_id)
        or is_settled(new.status, new.deleted_at)))
    execute function forget_assignment();
