-- What the organization works on: projects, a third of whose tasks are in the first, who works on them, and what happened.

create temp table venture as
select i, uuidv7(i * interval '1 minute' - interval '150 days') as id, 'project-' || i as slug, p.id as conversation_id
from generate_series(0, (select greatest(40, people / 50) - 1 from shape)) i left join place p on p.n = i + 1 and p.kind = 'channel';
alter table venture add primary key (i);

insert into projects (id, org_id, name, slug, description, is_active, conversation_id, created_by)
select v.id, s.org, 'Project ' || v.i, v.slug, 'What is done about matter ' || v.i, v.i % 10 < 9, v.conversation_id, s.owner
from venture v cross join shape s;
update conversations c set project_id = v.id from venture v where c.id = v.conversation_id;
insert into project_members (project_id, org_id, member_type, member_id)
select v.id, s.org, 'user', p.id from venture v cross join shape s
join person p on p.n <= case when v.i = 0 then 900 else 10 end;
insert into project_members (project_id, org_id, member_type, member_id)
select v.id, s.org, 'agent', h.id from venture v cross join shape s join hired h on h.n % 40 = v.i % 40;

create temp table todo as
select j, uuidv7(j * interval '60 seconds' - interval '90 days') as id, v.id as project_id, v.i as nth_project,
       row_number() over (partition by v.i order by j)::int as number,
       (array['backlog', 'assigned', 'in_progress', 'blocked', 'cancelled'])[1 + j % 16] as status
from shape s cross join generate_series(1, s.messages / 10) j
join venture v on v.i = case when j % 3 = 0 then 0 else j % (select count(*) from venture) end;
insert into tasks (id, org_id, project_id, number, status, priority, title, description, deadline, success_criteria, labels,
                   assigned_agent_id, assigned_user_id, blocked_reason, started_at, completed_at, vector, created_by_type,
                   created_by, created_by_name, created_at)
select t.id, s.org, t.project_id, t.number, coalesce(t.status, 'completed'), 'P' || t.j % 4, w.title, b.body,
       case when t.j % 5 = 0 then now() + (t.j % 90 - 30) * interval '1 day' end,
       '[{"text": "It works", "is_met": false}, {"text": "It is said", "is_met": true}]', array['label-' || t.j % 50],
       case when t.status is distinct from 'backlog' and t.j % 2 = 0 then h.id end,
       case when t.status is distinct from 'backlog' and t.j % 2 = 1 then p.id end,
       case when t.status = 'blocked' then 'The mail is away.' end, now() - interval '20 days',
       case when t.status is null then now() - interval '10 days' end, search_vector('simple', w.title || ' ' || b.body),
       'user', s.owner, 'Owner', now() - interval '90 days' + t.j * interval '60 seconds'
from todo t cross join shape s join sentences b on b.n = t.j % 5000 join hired h on h.n = t.j % s.agents
join person p on p.n = t.j % 50
cross join lateral (select 'See to ' || split_part(b.body, ' ', 2) || ' of matter ' || t.j as title) w;
insert into project_numbers (project_id, org_id, last_number)
select v.id, s.org, coalesce((select max(t.number) from todo t where t.nth_project = v.i), 0) from venture v cross join shape s;
insert into task_dependencies (task_id, org_id, blocked_by)
select f.id, s.org, t.id from shape s join todo f on f.nth_project = 0 and f.number = 1
join lateral (select id from todo where nth_project = 0 and status is null and number > 1 order by number limit 50) t on true;

select ensure_event_month(now() - n * interval '1 month') from generate_series(0, 4) n;
insert into events (id, org_id, type, author_type, author_id, author_name, agent_id, project_id, content, mentions, metadata,
                    "timestamp")
select uuidv7(k * interval '30 seconds' - interval '100 days'), s.org, w.type,
       case when w.type <> 'trust_score_changed' then 'agent' end, case when w.type <> 'trust_score_changed' then h.id end,
       case when w.type <> 'trust_score_changed' then h.name end, h.id, v.id,
       case w.type when 'session_log' then jsonb_build_object('message', b.body)
            when 'problem_report' then jsonb_build_object('text', b.body, 'severity', 'high')
            when 'trust_score_changed' then jsonb_build_object(
                'agent_id', h.id, 'before', 50, 'after', 51, 'reason', 'A task was completed.')
            else jsonb_build_object('task_id', t.id, 'title', 'See to matter ' || t.j) end,
       case when k % 10 = 3 then array[p.id] else '{}' end,
       jsonb_build_object('service', 'service-' || k % 40), now() - interval '100 days' + k * interval '30 seconds'
from shape s cross join generate_series(1, s.messages / 5) k
cross join lateral (select case when k % 500 = 1 then 'problem_report' when k % 50 = 2 then 'trust_score_changed'
                                when k % 3 = 0 then 'task_completed' else 'session_log' end as type) w
join hired h on h.n = k % s.agents join person p on p.n = k % 50 join sentences b on b.n = k % 5000
join venture v on v.i = k % (select count(*) from venture) join todo t on t.j = 1 + k % (s.messages / 10)
where now() - interval '100 days' + k * interval '30 seconds' < now();
