-- What follows from work: comments of tasks that go out are derived from the log, outcomes of pull requests and whose they are come in
-- one statement, tasks are counted as they change, and found by what they mean.

-- ---------------------------------------------------------------------------------------------- comments that go out

-- What was said of a task and is meant for its issue, too, by message. `change_id`: the change that says it there; null while
-- nothing does, as long as the task has no issue in a repository that takes comments.
create table task_comments (
    message_id uuid primary key,
    org_id uuid not null,
    task_id uuid not null,
    conversation_id uuid not null,
    seq bigint not null,
    author_id uuid not null,
    author_name text not null,
    change_id uuid,
    created_at timestamptz not null,
    foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade,
    foreign key (org_id, conversation_id) references conversations (org_id, id) on delete cascade
);
create index task_comments_task on task_comments (org_id, task_id);
create index task_comments_unsent on task_comments (org_id, task_id, message_id) where change_id is null;
create index task_comments_conversation on task_comments (org_id, conversation_id);
call secure_tenant_table('task_comments');
revoke insert, update, delete on task_comments from crewhall_app;

insert into consumer_checkpoints (consumer, position, conversation_id, seq)
select 'task_comments', k.position, k.conversation_id, k.seq from consumer_checkpoints k where k.consumer = 'timeline';

-- Takes what the next records of the log say of tasks: comments bear a mark that posting alone writes. Gives how many were seen, and the messages that were taken.
-- The tasks are held meanwhile, so that an issue which is made at the same moment finds them, or they find it.
create function follow_task_comments(size integer) returns table (seen integer, messages uuid[]) language plpgsql volatile as $$
#variable_conflict use_column
declare
    checkpoint consumer_checkpoints;
    taken integer;
    said uuid[];
    noted uuid[] := '{}';
begin
    select * into checkpoint from consumer_checkpoints where consumer = 'task_comments' for update skip locked;
    if not found then
        return query select 0, '{}'::uuid[];
        return;
    end if;
    with batch as materialized (
        select l.position, l.conversation_id, l.seq, l.id,
               l.type = 'message' and l.metadata -> 'task_comment' -> 'only_here' = 'false' as is_comment
        from log_after(checkpoint.position, checkpoint.conversation_id, checkpoint.seq, size) l
    ), last as (
        select b.position, b.conversation_id, b.seq from batch b
        order by b.position desc, b.conversation_id desc, b.seq desc limit 1
    ), moved as (
        update consumer_checkpoints k
        set position = l.position, conversation_id = l.conversation_id, seq = l.seq, updated_at = now()
        from last l where k.consumer = 'task_comments'
    )
    select count(*), array_agg(b.id) filter (where b.is_comment) into taken, said from batch b;
    if said is not null then
        perform from tasks t where (t.org_id, t.id) in (
            select r.org_id, (r.metadata -> 'task_comment' ->> 'task')::uuid from message_records r where r.id = any (said))
        order by t.id for share;
        with written as (
            insert into task_comments (message_id, org_id, task_id, conversation_id, seq, author_id, author_name, created_at)
            select r.id, r.org_id, t.id, r.conversation_id, r.seq, r.author_id, r.author_name, r.created_at
            from message_records r
            join tasks t on t.org_id = r.org_id and t.id = (r.metadata -> 'task_comment' ->> 'task')::uuid
            where r.id = any (said)
            on conflict do nothing returning message_id
        )
        select coalesce(array_agg(w.message_id), '{}') into noted from written w;
    end if;
    return query select taken, noted;
end $$;
call make_definer('follow_task_comments(integer)');

-- Those of these comments that an issue waits for, as they read now, the oldest first: the task has one in the repository of its project, which takes
-- comments, and nothing says them there yet.
create function comments_to_send(of_messages uuid[])
returns table (message_id uuid, author_name text, content text) language sql stable as $$
    select c.message_id, c.author_name, coalesce(o.content, r.content)
    from task_comments c
    join tasks t on t.org_id = c.org_id and t.id = c.task_id and t.deleted_at is null and t.github_issue_number is not null
    join github_repositories g on g.org_id = t.org_id and g.id = t.github_repository_id and g.project_id = t.project_id
        and g.sends_comments
    join message_records r on r.conversation_id = c.conversation_id and r.seq = c.seq
    left join message_overlays o on o.message_id = c.message_id
    where c.message_id = any (of_messages) and c.change_id is null and o.deleted_at is null
      and (current_orgs() is null or c.org_id = any (current_orgs()))
    order by c.created_at, c.message_id
$$;
call make_definer('comments_to_send(uuid[])');

-- Has comments said at GitHub, in this order, each once: of one that something says there already nothing is made. The change has
-- the message's id, which makes it the same one whoever asks.
create function send_comments(of_messages uuid[], bodies text[]) returns integer language plpgsql volatile as $$
declare
    made integer;
begin
    with ours as (
        update task_comments c set change_id = c.message_id
        where c.message_id = any (of_messages) and c.change_id is null
          and (current_orgs() is null or c.org_id = any (current_orgs()))
        returning c.message_id, c.org_id, c.task_id, c.author_id
    )
    insert into github_changes (id, org_id, repository_id, kind, number, fields, base, created_by, task_id)
    select c.message_id, c.org_id, t.github_repository_id, 'comment', t.github_issue_number,
           jsonb_build_object('body', w.body), '{}', c.author_id, c.task_id
    from ours c
    join unnest(of_messages, bodies) as w (id, body) on w.id = c.message_id
    join tasks t on t.org_id = c.org_id and t.id = c.task_id
    on conflict do nothing;
    get diagnostics made = row_count;
    if made > 0 then
        perform pg_notify('crewhall_github_changes', '');
    end if;
    return made;
end $$;
call make_definer('send_comments(uuid[], text[])');

-- ---------------------------------------------------------------------------------------------- whose pull requests are

-- Whose pull requests are: of their authors, if these are agents; else of the assignee of the first task that each closes.
create function agents_of_pulls(of_repository uuid, of_numbers integer[]) returns table (number integer, agent_id uuid)
    language sql stable as $$
    select p.number, coalesce(a.id, t.agent_id)
    from github_items p
    left join agents a on a.org_id = p.org_id and lower(a.github_login) = lower(p.author) and a.deleted_at is null
    left join lateral (
        select t.assigned_agent_id as agent_id
        from jsonb_to_recordset(coalesce(p.data -> 'closes', '[]')) as c (repository text, number integer)
        join github_repositories r on r.org_id = p.org_id
         and case when c.repository = '' then r.id = of_repository else lower(r.full_name) = lower(c.repository) end
        join tasks t on t.org_id = p.org_id and t.project_id = r.project_id and t.github_issue_number = c.number
        where t.assigned_agent_id is not null and t.deleted_at is null
        order by c.repository, c.number limit 1) t on a.id is null
    where p.org_id = (current_orgs())[1] and p.repository_id = of_repository and p.kind = 'pull_request'
      and p.number = any (of_numbers) and p.deleted_at is null
$$;
call make_definer('agents_of_pulls(uuid, integer[])');
create or replace function agent_of_pull(of_repository uuid, of_number integer) returns uuid language sql stable
security definer set search_path = public, pg_temp as $$
    select o.agent_id from agents_of_pulls(of_repository, array[of_number]) o
$$;

-- Checks and statuses of a commit that fail as they are now: `key` says which, whatever they are told by.
create function failed_checks(of_repository uuid, of_sha text)
    returns table (key text, name text, how text, url text, moment timestamptz) language sql stable as $$
    select 'suite:' || k.key, k.title, k.data ->> 'conclusion', k.url, k.moment from github_items k
    where k.org_id = (current_orgs())[1] and k.repository_id = of_repository and k.sha = of_sha and k.kind = 'check_suite'
      and k.state = 'completed' and k.data ->> 'conclusion' in ('failure', 'timed_out', 'startup_failure')
    union all
    select 'status:' || coalesce(s.title, ''), s.title, s.state, s.url, s.moment from (
        select distinct on (k.title) k.* from github_items k
        where k.org_id = (current_orgs())[1] and k.repository_id = of_repository and k.sha = of_sha and k.kind = 'status'
        order by k.title, k.moment desc, k.key desc) s
    where s.state in ('failure', 'error')
$$;

-- Deployments of a commit that came to an end, as they stand.
create function ended_deployments(of_repository uuid, of_sha text)
    returns table (deployment text, name text, state text, url text, moment timestamptz) language sql stable as $$
    select distinct on (k.data ->> 'deployment') k.data ->> 'deployment', k.title, k.state, k.url, k.moment
    from github_items k
    where k.org_id = (current_orgs())[1] and k.repository_id = of_repository and k.sha = of_sha
      and k.kind = 'deployment_status' and k.state in ('success', 'failure', 'error')
    order by k.data ->> 'deployment', k.moment desc, k.key desc
$$;
grant execute on function failed_checks(uuid, text), ended_deployments(uuid, text) to crewhall_definer;

-- As `evidence_of_pull` was, of as many pull requests of a repository as are asked for.
create function evidence_of_pulls(of_repository uuid, of_numbers integer[]) returns table (pull integer, claim kpi_claim)
    language sql stable as $$
    with pull as materialized (
        select p.*, o.agent_id as agent, format('pull:%s:%s', of_repository, p.number) as about,
               coalesce(p.data ->> 'merged_at', p.data ->> 'closed_at')::timestamptz as ended_at
        from agents_of_pulls(of_repository, of_numbers) o
        join github_items p on p.org_id = (current_orgs())[1] and p.repository_id = of_repository
         and p.kind = 'pull_request' and p.number = o.number and p.deleted_at is null
        where o.agent_id is not null
    ), review as materialized (
        select p.number, v.key, v.state, v.moment,
               row_number() over (partition by p.number order by v.moment, v.key) = 1 as is_first
        from pull p join github_items v on v.org_id = p.org_id and v.repository_id = p.repository_id
         and v.number = p.number and v.kind = 'review' and v.deleted_at is null
        left join agents a on a.org_id = p.org_id and lower(a.github_login) = lower(v.author) and a.deleted_at is null
        where v.state in ('approved', 'changes_requested') and lower(v.author) is distinct from lower(p.author)
          and a.id is null
    ), said as (
        select p.number, case when p.state = 'merged' then 'pull_merged' else 'pull_rejected' end as kind, p.about as subject,
               coalesce(p.ended_at, p.moment) as at from pull p where p.state in ('merged', 'closed')
        union all select v.number, 'approved_first', 'review:' || v.key, v.moment from review v
        where v.is_first and v.state = 'approved'
        union all select v.number, v.state, 'review:' || v.key, v.moment from review v
        union all select p.number, 'checks_failed', p.about, c.moment from pull p cross join lateral (
            select max(f.moment) as moment from failed_checks(p.repository_id, p.sha) f) c
        where c.moment is not null
        union all select p.number, 'deployment_failed', 'deployment:' || d.deployment, d.moment from pull p
        cross join lateral ended_deployments(p.repository_id, p.data ->> 'merge_sha') d
        where d.state <> 'success'
        union all select p.number, 'reworked', 'push:' || k.key, k.moment
        from pull p join github_items k on k.org_id = p.org_id and k.repository_id = p.repository_id and k.kind = 'push'
         and k.title = 'refs/heads/' || (p.data ->> 'head_ref')
        where k.moment > (select min(v.moment) from review v where v.number = p.number)
          and k.moment <= coalesce(p.ended_at, 'infinity')
    )
    select p.number, row(p.agent, s.kind, s.subject, null::text, null::numeric, null::timestamptz, s.at)::kpi_claim
    from pull p join said s on s.number = p.number
$$;

call make_definer('evidence_of_pulls(uuid, integer[])');

-- Brings the evidence about pull requests of a repository to what holds; gives the agents for whom something changed.
create function settle_pulls(of_repository uuid, of_numbers integer[]) returns setof uuid language sql volatile as $$
    select distinct s.agent from (
        select n.number, array_agg(e.claim) filter (where e.pull is not null) as holds
        from unnest(of_numbers) as n (number)
        left join evidence_of_pulls(of_repository, of_numbers) e on e.pull = n.number
        group by n.number) h
    cross join lateral settle_evidence(
        'pull:' || of_repository || ':' || h.number, coalesce(h.holds, '{}')) as s (agent)
$$;
call make_definer('settle_pulls(uuid, integer[])');
drop function evidence_of_pull(uuid, integer);

-- What became of pull requests of agents that something mirrored concerns, since a moment: checks of their last commit that fail, deployments
-- of what they were merged as.
create function pull_outcomes(of_repository uuid, of_kind text, of_number integer, of_sha text, since timestamptz)
    returns table (number integer, title text, pull_url text, repository text, github_id bigint, agent_id uuid, sha text,
        is_deployment boolean, key text, name text, how text, url text, moment timestamptz) language sql stable as $$
    with concerned as materialized (
        select c.number from mirror_concerns(of_repository, of_kind, of_number, of_sha, null) c where c.kind = 'pull'
    )
    select p.number, coalesce(p.title, ''), p.url, r.full_name, r.github_id, a.agent_id, o.sha, o.is_deployment, o.key, o.name,
           o.how, o.url, o.moment
    from agents_of_pulls(of_repository, array(select c.number from concerned c)) a
    join github_items p on p.org_id = (current_orgs())[1] and p.repository_id = of_repository and p.kind = 'pull_request'
        and p.number = a.number and p.deleted_at is null
    join github_repositories r on r.org_id = p.org_id and r.id = p.repository_id
    cross join lateral (
        select p.sha, false as is_deployment, f.key, f.name, f.how, f.url, f.moment from failed_checks(p.repository_id, p.sha) f
        union all
        select p.data ->> 'merge_sha', true, d.deployment, d.name, d.state, d.url, d.moment
        from ended_deployments(p.repository_id, p.data ->> 'merge_sha') d) o
    where a.agent_id is not null and o.moment > since
    order by o.moment desc, o.key limit 100
$$;
call make_definer('pull_outcomes(uuid, text, integer, text, timestamptz)');

-- ---------------------------------------------------------------------------------------------- counts of projects

-- How many tasks a project has by status: the sum of rows, of which each transaction takes one that no other has, or makes one. So
-- nobody waits for anybody over a count, and it is in the transaction that changed the tasks.
create table project_task_counts (
    id bigint generated always as identity primary key,
    org_id uuid not null,
    project_id uuid not null,
    status text not null,
    number integer not null,
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade
) with (fillfactor = 50);
create index project_task_counts_place on project_task_counts (org_id, project_id, status, id);
call secure_tenant_table('project_task_counts');
revoke insert, update, delete on project_task_counts from crewhall_app;
insert into project_task_counts (org_id, project_id, status, number)
select t.org_id, t.project_id, t.status, count(*) from tasks t where t.deleted_at is null group by 1, 2, 3;
create index tasks_late on tasks (project_id, deadline)
    where deadline is not null and status not in ('completed', 'cancelled') and deleted_at is null;

create function count_task(of_org uuid, of_project uuid, of_status text, step bigint) returns void
language plpgsql volatile as $$
begin
    update project_task_counts c set number = c.number + step where c.id = (
        select k.id from project_task_counts k
        where k.org_id = of_org and k.project_id = of_project and k.status = of_status
        order by k.id limit 1 for update skip locked);
    if not found then
        insert into project_task_counts (org_id, project_id, status, number)
        select of_org, of_project, of_status, step where exists (select from projects p where p.id = of_project); -- tasks go with it
    end if;
end $$;
revoke all on function count_task(uuid, uuid, text, bigint) from public;
grant execute on function count_task(uuid, uuid, text, bigint) to crewhall_definer;

-- Once for each statement, whatever it did to how many tasks: a row that one transaction writes over and over grows slow.
create function count_tasks() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform count_task(c.org_id, c.project_id, c.status, c.step) from (
            select n.org_id, n.project_id, n.status, count(*) as step from now_so n where n.deleted_at is null
            group by 1, 2, 3 order by 1, 2, 3) c;
    elsif tg_op = 'DELETE' then
        perform count_task(c.org_id, c.project_id, c.status, c.step) from (
            select w.org_id, w.project_id, w.status, -count(*) as step from was_so w where w.deleted_at is null
            group by 1, 2, 3 order by 1, 2, 3) c;
    else
        perform count_task(c.org_id, c.project_id, c.status, c.step) from (
            select t.org_id, t.project_id, t.status, sum(t.step) as step from (
                select w.org_id, w.project_id, w.status, -1 as step from was_so w where w.deleted_at is null
                union all
                select n.org_id, n.project_id, n.status, 1 from now_so n where n.deleted_at is null) t
            group by 1, 2, 3 having sum(t.step) <> 0 order by 1, 2, 3) c;
    end if;
    return null;
end $$;
call make_definer('count_tasks()');
create trigger count_new_tasks after insert on tasks referencing new table as now_so
    for each statement execute function count_tasks();
create trigger count_changed_tasks after update on tasks referencing old table as was_so new table as now_so
    for each statement execute function count_tasks();
create trigger count_gone_tasks after delete on tasks referencing old table as was_so
    for each statement execute function count_tasks();

-- ---------------------------------------------------------------------------------------------- tasks by meaning

-- What tasks mean, one table for each dimension, as with messages; a task has one vector, of its present title and description.
create table task_embeddings_384 (
    task_id uuid primary key,
    model text not null constraint task_embeddings_384_model check (length(model) between 1 and 200),
    org_id uuid not null,
    project_id uuid not null,
    embedding halfvec(384) not null,
    foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade
);
create index task_embeddings_384_nearest on task_embeddings_384
    using hnsw (embedding halfvec_cosine_ops) with (ef_construction = 128);
create index task_embeddings_384_place on task_embeddings_384 (org_id, model, project_id);
create index task_embeddings_384_task on task_embeddings_384 (org_id, task_id);
call secure_tenant_table('task_embeddings_384');
create table task_embeddings_1536 (
    task_id uuid primary key,
    model text not null constraint task_embeddings_1536_model check (length(model) between 1 and 200),
    org_id uuid not null,
    project_id uuid not null,
    embedding halfvec(1536) not null,
    foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade
);
create index task_embeddings_1536_nearest on task_embeddings_1536
    using hnsw (embedding halfvec_cosine_ops) with (ef_construction = 128);
create index task_embeddings_1536_place on task_embeddings_1536 (org_id, model, project_id);
create index task_embeddings_1536_task on task_embeddings_1536 (org_id, task_id);
call secure_tenant_table('task_embeddings_1536');

-- Tasks that have no vector yet of what they say; `attempt` fences what is written, `look_at` says when a process is to take one.
create table unembedded_tasks (
    task_id uuid primary key,
    org_id uuid not null,
    attempt integer not null default 0,
    look_at timestamptz not null default clock_timestamp(),
    foreign key (org_id, task_id) references tasks (org_id, id) on delete cascade
);
create index unembedded_tasks_due on unembedded_tasks (look_at);
create index unembedded_tasks_task on unembedded_tasks (org_id, task_id);
call secure_tenant_table('unembedded_tasks');
revoke insert, update, delete on task_embeddings_384, task_embeddings_1536, unembedded_tasks from crewhall_app;

create function text_of_task(title text, description text) returns text language sql immutable parallel safe as $$
    select left(concat_ws(e'\n', title, nullif(description, '')), 20000)
$$;
revoke all on function text_of_task(text, text) from public;
grant execute on function text_of_task(text, text) to crewhall_definer;

-- What a task meant is forgotten as it changes, and it is noted to be embedded. The note first: whoever keeps a vector at this moment
-- has taken the note away, and is waited for.
create function unembed_task() returns trigger language plpgsql as $$
begin
    if new.deleted_at is null and says_enough(text_of_task(new.title, new.description)) then
        insert into unembedded_tasks as u (task_id, org_id) values (new.id, new.org_id)
        on conflict (task_id) do update set attempt = u.attempt + 1, look_at = excluded.look_at;
        perform pg_notify('crewhall_unembedded_tasks', '');
    else
        delete from unembedded_tasks u where u.task_id = new.id;
    end if;
    if tg_op = 'UPDATE' then
        delete from task_embeddings_384 e where e.task_id = new.id;
        delete from task_embeddings_1536 e where e.task_id = new.id;
    end if;
    return null;
end $$;
call make_definer('unembed_task()');
create trigger unembed_task after insert on tasks for each row when (new.deleted_at is null) execute function unembed_task();
create trigger unembed_task_again after update of title, description, deleted_at on tasks for each row
    when ((old.title, old.description, old.deleted_at is null) is distinct from (new.title, new.description, new.deleted_at is null))
    execute function unembed_task();

-- Notes every task that this model has not embedded. Asked at the start of a process.
create function index_tasks(of_model text, of_dimension integer) returns void language plpgsql volatile as $$
begin
    execute format($index$
        insert into unembedded_tasks (task_id, org_id)
        select t.id, t.org_id from tasks t
        where t.deleted_at is null and not exists (select from %I e where e.task_id = t.id and e.model = $1)
          and says_enough(text_of_task(t.title, t.description))
        order by t.id for key share of t
        on conflict do nothing
        $index$, 'task_embeddings_' || of_dimension) using of_model;
end $$;
call make_definer('index_tasks(text, integer)');

-- Takes tasks for two minutes, and gives their texts.
create function take_unembedded_tasks(most integer) returns table (id uuid, attempt integer, body text)
    language sql volatile as $$
    with due as materialized (
        select u.task_id from unembedded_tasks u where u.look_at <= clock_timestamp()
        order by u.look_at limit most for update skip locked
    )
    update unembedded_tasks u set attempt = u.attempt + 1, look_at = clock_timestamp() + interval '2 minutes'
    from due d join tasks t on t.id = d.task_id
    where u.task_id = d.task_id
    returning u.task_id, u.attempt, text_of_task(t.title, t.description)
$$;
call make_definer('take_unembedded_tasks(integer)');

-- Keeps the vectors of tasks that are still ours; one without a vector is given up. Gives how many are kept.
create function keep_embedded_tasks(of_model text, of_dimension integer, ids uuid[], attempts integer[], vectors text[])
    returns integer language plpgsql volatile as $$
declare
    kept integer;
begin
    -- locked as who changes a task locks: the task first, then what hangs on it
    perform from tasks t where t.id = any (ids) order by t.id for key share;
    execute format($keep$
        with ours as materialized (
            delete from unembedded_tasks u using unnest($2, $3, $4) as w (id, attempt, vector)
            where u.task_id = w.id and u.attempt = w.attempt returning w.id, w.vector
        ), elsewhere as (
            delete from %3$I e using ours o where e.task_id = o.id
        )
        insert into %1$I (task_id, model, org_id, project_id, embedding)
        select t.id, $1, t.org_id, t.project_id, o.vector::halfvec(%2$s)
        from ours o join tasks t on t.id = o.id where o.vector is not null
        on conflict (task_id) do update set model = excluded.model, embedding = excluded.embedding
        $keep$, 'task_embeddings_' || of_dimension, of_dimension,
        'task_embeddings_' || case of_dimension when 384 then 1536 else 384 end)
        using of_model, ids, attempts, vectors;
    get diagnostics kept = row_count;
    return kept;
end $$;
call make_definer('keep_embedded_tasks(text, integer, uuid[], integer[], text[])');

-- Lets others take tasks at once that a process had taken.
create function leave_unembedded_tasks(ids uuid[], attempts integer[]) returns void language sql volatile as $$
    update unembedded_tasks u set attempt = u.attempt + 1, look_at = clock_timestamp()
    from unnest(ids, attempts) as w (id, attempt) where u.task_id = w.id and u.attempt = w.attempt;
    select pg_notify('crewhall_unembedded_tasks', '');
$$;
call make_definer('leave_unembedded_tasks(uuid[], integer[])');

-- Seconds until somebody is to look again; null when nothing is left to do.
create function next_unembedded_task() returns double precision language sql stable as $$
    select extract(epoch from min(u.look_at) - clock_timestamp())::double precision from unembedded_tasks u
$$;
call make_definer('next_unembedded_task()');

-- The tasks within the caller's reach whose meaning is nearest to a vector's, of those that one model has embedded. Tenant, actor and those for
-- whom it acts come from the transaction, never from arguments. A reach of no more than so many is gone through whole, else the index is walked.
create function tasks_by_meaning(meaning halfvec, by_model text, since timestamptz, until timestamptz, size integer)
    returns table (id uuid, distance double precision) language plpgsql stable as $$
#variable_conflict use_column
declare
    few constant integer := 20000;
    org uuid := (current_orgs())[1];
    reach uuid[] := array(select readable_projects());
    place text := 'task_embeddings_' || vector_dims(meaning);
    passing constant text := $passing$exists (
        select from tasks t where t.id = e.task_id and t.deleted_at is null
          and ($6 is null or t.created_at >= $6) and ($7 is null or t.created_at < $7))$passing$;
    found_ids uuid[];
    distances double precision[];
begin
    if reach = '{}' then
        return;
    end if;
    if (select sum(c.number) from project_task_counts c where c.org_id = org and c.project_id = any (reach)) > few then
        perform set_config('hnsw.ef_search', '400', true), set_config('hnsw.iterative_scan', 'strict_order', true),
                set_config('hnsw.max_scan_tuples', '20000', true);
        execute format($walk$
            with walked as materialized (
                select e.task_id, e.embedding <=> $1 as distance from %I e
                where e.org_id = $2 and e.model = $3 and (e.project_id in (select unnest($4))) is true and %s
                order by e.embedding <=> $1 limit $5)
            select array_agg(task_id order by distance), array_agg(distance order by distance) from walked
            $walk$, place, passing)
            into found_ids, distances using meaning, org, by_model, reach, size, since, until;
        if cardinality(found_ids) >= size then
            return query select w.id, w.away from unnest(found_ids, distances) as w (id, away);
            return;
        end if;
    end if;
    return query execute format($whole$
        with compared as materialized (
            select e.task_id, e.embedding <=> $1 as distance
            from unnest($4) r (id) join %I e on e.org_id = $2 and e.model = $3 and e.project_id = r.id
            order by 2, 1)
        select e.task_id, e.distance from compared e where %s order by 2, 1 limit $5
        $whole$, place, passing) using meaning, org, by_model, reach, size, since, until;
end $$;
call make_definer('tasks_by_meaning(halfvec, text, timestamptz, timestamptz, integer)');
