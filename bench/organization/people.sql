-- Who there is: people, agents, and what belongs to them. `shape` holds the sizes and the ids that are known before.

create temp table person as
select n, case when n = 0 then (select owner from shape) else uuidv7((n - 5000) * interval '1 minute') end as id,
       case n when 0 then 'Ada' else
           (array['Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Radia', 'Ken', 'Frances', 'Tony', 'Zoë'])[1 + n % 10]
           || ' ' || (array['Lind', 'Okafor', 'Sato', 'Weber', 'Costa', 'Novák', 'Haddad', 'Berg'])[1 + n / 10 % 8]
           || ' ' || n end as name
from generate_series(0, (select people - 1 from shape)) n;
alter table person add primary key (n);

insert into users (id, handle, email, name, password_hash, created_at)
select p.id, 'person-' || n, 'person-' || n || '@example.test', p.name, o.password_hash,
       now() - interval '300 days' + n * interval '1 minute'
from person p cross join users o where o.id = (select owner from shape) and p.n > 0;

insert into memberships (org_id, user_id, role, created_at)
select s.org, p.id, case when n between 20 and 29 then 'admin' else 'member' end, now() - interval '300 days'
from person p cross join shape s where p.n > 0;

insert into logins (id, user_id, org_id, kind, user_agent, address, expires_at, name)
select uuidv7(i * interval '-1 hour'), p.id, s.org, case when i % 4 = 0 then 'personal' else 'browser' end,
       'Mozilla/5.0', '127.0.0.1', now() + interval '300 days', case when i % 4 = 0 then 'key ' || i end
from shape s cross join person p cross join generate_series(1, 400) i where p.n in (0, 1);

insert into invitations (id, org_id, email, role, digest, expires_at, created_by)
select uuidv7(i * interval '-1 minute'), s.org, 'invited-' || i || '@example.test', 'member',
       sha256(('invited ' || i)::bytea), now() + interval '3000 days', s.owner
from shape s cross join generate_series(1, 1000) i;

insert into deactivated_members (org_id, user_id, role, joined_at)
select s.org, u.id, 'member', now() - interval '300 days'
from shape s cross join generate_series(1, 300) i
cross join lateral (select uuidv7(i * interval '-1 second') as id) u;
insert into users (id, handle, email, name)
select user_id, 'left-' || n, 'left-' || n || '@example.test', 'Somebody who left ' || n
from (select user_id, row_number() over (order by user_id) as n from deactivated_members) d;

create temp table hired as
select n, uuidv7(n * interval '1 second' - interval '200 days') as id, 'Agent ' || n as name
from generate_series(0, (select agents - 1 from shape)) n;
alter table hired add primary key (n);

insert into agents (id, org_id, code, name, description, role_title, instructions, kind, capabilities, visibility,
                    owner_user_id, parent_agent_id, presence, topic, created_by, version)
select h.id, s.org, 'agent-' || h.n, h.name, 'Looks after matters of kind ' || h.n, 'Helper', repeat('Be kind. ', 200),
       'research', array['research', 'kind-' || h.n % 60], case when h.n % 20 = 7 then 'hidden' else 'public' end,
       p.id, case when h.n between 1 and 80 then (select id from hired where n = 0) end, 'offline', 'agent-' || h.n,
       s.owner, '1.0.199'
from hired h cross join shape s join person p on p.n = h.n % 50;

insert into agent_versions (id, org_id, agent_id, version, instructions)
select uuidv7(i * interval '1 hour' - interval '100 days'), s.org, h.id, '1.0.' || i, repeat('Be kind. ', i)
from hired h cross join shape s cross join generate_series(0, 199) i where h.n % 10 = 0;

insert into agent_quick_tasks (id, org_id, agent_id, title, prompt, category, icon, order_index)
select uuidv7(), s.org, h.id, 'Task ' || i, 'Do what task ' || i || ' says.', 'daily', '🔎', i
from hired h cross join shape s cross join generate_series(1, 20) i;

insert into agent_states (id, org_id, agent_id, user_id, state)
select uuidv7(), s.org, h.id, p.id, '{"mood": "good"}'
from hired h cross join shape s join person p on p.n % 40 = h.n % 40;

insert into agent_credentials (id, org_id, agent_id, label, prefix, hash, created_by, last_used_at)
select uuidv7(i * interval '-1 day'), s.org, h.id, 'key ' || i, substr(md5(h.n || ' ' || i), 1, 12), 'none', s.owner, now()
from hired h cross join shape s cross join generate_series(1, 60) i where h.n < 50;

insert into credential_usage (id, org_id, credential_id, agent_id, ok, address, used_at)
select uuidv7(i * interval '-1 minute'), c.org_id, c.id, c.agent_id, i % 10 > 0, '127.0.0.1', now() - i * interval '1 minute'
from (select distinct on (agent_id) * from agent_credentials order by agent_id, id desc) c
cross join generate_series(1, 1000) i;

insert into agent_runtimes (id, org_id, agent_id, base_url, last_ok_at)
select uuidv7(), s.org, h.id, 'https://agent.example.test/' || h.n, now()
from hired h cross join shape s where h.n % 2 = 0;

insert into agent_grants (id, org_id, agent_id, lender_name, digest, expires_at)
select uuidv7(i * interval '-1 hour'), s.org, h.id, 'Example', sha256(('grant ' || i)::bytea), now() + interval '9 years'
from shape s cross join generate_series(1, 1000) i join hired h on h.n = i % 100;
