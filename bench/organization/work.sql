-- What agents did, what it cost, what waits, and who changed what.

create temp table done as
select i, uuidv7(i * interval '90 seconds' - interval '100 days') as id, p.id as conversation_id, h.id as agent_id,
       now() - interval '100 days' + i * interval '90 seconds' as created_at
from shape s cross join generate_series(1, s.messages / 20) i
join place p on p.n = case when i % 3 = 0 then 0 else i % s.conversations end
join hired h on h.n = i % s.agents;
create index on done (i);

insert into runs (id, org_id, conversation_id, agent_id, status, cause, author_type, author_id, exchange_id, message_seq,
                  attempt, model, requests, input_tokens, output_tokens, cost, currency, reason, detail, started_at,
                  completed_at, created_at)
select d.id, s.org, d.conversation_id, d.agent_id, case when d.i % 20 = 0 then 'failed' else 'succeeded' end, 'mention',
       'user', s.owner, d.id, 1, 1, 'bench:model', 2, 1200, 100, 0.01, 'USD', case when d.i % 20 = 0 then 'model' end,
       case when d.i % 20 = 0 then 'The model did not answer.' end, d.created_at, d.created_at + interval '3 seconds',
       d.created_at
from done d cross join shape s;
insert into run_steps (run_id, ordinal, org_id, attempt, kind, key, body, duration_ms, created_at, cost, currency)
select d.id, k.ordinal - 1, s.org, 1, k.kind, k.key, '{}', 100, d.created_at + k.ordinal * interval '0.5 seconds',
       case k.kind when 'answer' then 0.01 end, case k.kind when 'answer' then 'USD' end
from done d cross join shape s
cross join unnest(array['request', 'answer', 'call', 'result', 'request', 'answer'],
                  array['1', '1', '1:search', '1:search', '2', '2']) with ordinality as k (kind, key, ordinal)
where d.i % 10 = 0;
insert into turn_decisions (id, org_id, conversation_id, agent_id, outcome, reason, cause, author_type, author_id, run_id,
                            message_seq, epoch, created_at)
select uuidv7(d.created_at - clock_timestamp()), s.org, d.conversation_id, d.agent_id, 'speak', 'asked', 'mention', 'user',
       s.owner, d.id, 1, 1, d.created_at
from done d cross join shape s;
insert into conversation_summaries (id, org_id, conversation_id, agent_id, from_seq, up_to_seq, messages, is_whole, summary,
                                    tokens, model, run_id)
select uuidv7(d.i * interval '1 second' - interval '50 days'), s.org, d.conversation_id, d.agent_id, d.i, d.i + 10, 10, true,
       repeat('They spoke of much. ', 20), 100, 'bench:model', d.id
from done d cross join shape s where d.i % 30 = 0;
insert into usage_buckets (org_id, span, begins_at, conversation_id, agent_id, currency, runs, requests, input_tokens,
                           output_tokens, cost)
select s.org, k.span, date_trunc(k.span, d.created_at), d.conversation_id, d.agent_id, 'USD', count(*), 2 * count(*),
       1200 * count(*), 100 * count(*), 0.01 * count(*)
from done d cross join shape s cross join unnest(array['hour', 'day', 'month']) k (span)
group by 1, 2, 3, 4, 5;
insert into storage_days (org_id, day, conversation_id, created_by_type, created_by, files_added, bytes_added)
select org_id, created_at::date, conversation_id, created_by_type, created_by, count(*), sum(size)
from files group by 1, 2, 3, 4, 5;

insert into approvals (id, org_id, run_id, conversation_id, agent_id, key, tool, risk, effect, why, arguments, status,
                       decided_by, decided_at, expires_at, created_at)
select uuidv7(d.created_at - clock_timestamp()), s.org, d.id, d.conversation_id, d.agent_id, '1', 'fetch', 'outside',
       'It asks a page.', 'It needs to know.', '{"url": "https://example.test"}',
       case when d.i % 50 = 0 then 'waiting' else 'approved' end, case when d.i % 50 > 0 then s.owner end,
       case when d.i % 50 > 0 then d.created_at end, now() + interval '3000 days', d.created_at
from done d cross join shape s where d.i % 10 = 0;

insert into schedules (id, org_id, agent_id, conversation_id, maker_id, name, prompt, cron, timezone, next_due_at)
select uuidv7(i * interval '-1 minute'), s.org, h.id, p.id, s.owner, 'Schedule ' || i, 'Say what is new.', '0 9 * * *',
       'UTC', now() + interval '3000 days'
from shape s cross join generate_series(1, 1000) i join place p on p.n = i % 500 join hired h on h.n = i % s.agents;
insert into hooks (id, org_id, conversation_id, agent_id, maker_id, name, prompt)
select uuidv7(i * interval '-1 minute'), s.org, p.id, h.id, s.owner, 'Webhook ' || i, 'Say what is new.'
from shape s cross join generate_series(1, 1000) i join place p on p.n = i % 500 join hired h on h.n = i % s.agents;
insert into hook_calls (id, org_id, hook_id, delivery, outcome)
select uuidv7(i * interval '-1 minute'), k.org_id, k.id, 'delivery ' || i, 'taken'
from (select * from hooks order by id desc limit 20) k cross join generate_series(1, 2000) i;
insert into runtime_calls (id, org_id, runtime_id, run_id, webhook_id, is_ok, status, duration_ms)
select uuidv7(d.i * interval '1 second' - interval '80 days'), s.org, r.id, d.id, 'msg_' || d.i, true, 200, 90
from done d cross join shape s join agent_runtimes r on r.agent_id = d.agent_id;

insert into budgets (id, org_id, agent_id, conversation_id, period, strictness, money_limit, currency)
select uuidv7(i * interval '-1 minute'), s.org, case when i % 2 = 0 then h.id end, case when i % 2 = 1 then p.id end, 'month',
       'soft', 1000, 'USD'
from shape s cross join generate_series(1, 1000) i join place p on p.n = i % 500 join hired h on h.n = i % s.agents;
insert into budget_periods (budget_id, org_id, begins_at, spent_money, spent_tokens, spent_runs)
select id, org_id, date_trunc('month', now()) - k * interval '1 month', 10, 1000, 10
from budgets cross join generate_series(0, 11) k;
insert into model_prices (id, org_id, provider, model, input_price, cached_price, output_price, currency, valid_from)
select uuidv7(i * interval '-1 minute'), s.org, 'bench', 'model-' || i, 1, 0.1, 4, 'USD', now() - interval '100 days'
from shape s cross join generate_series(1, 1000) i;

insert into tool_servers (id, org_id, name, url, listed_at)
select uuidv7(i * interval '-1 minute'), s.org, 'server-' || i, 'https://tools.example.test/' || i, now()
from shape s cross join generate_series(1, 20) i;
insert into server_tools (org_id, server_id, tool, name, offered, digest)
select t.org_id, t.id, 'tool-' || i, t.name || '-tool-' || i,
       jsonb_build_object('tool', 'tool-' || i, 'description', 'Does something.', 'schema', '{"type": "object"}'::jsonb),
       md5(t.name || i)
from tool_servers t cross join generate_series(1, 50) i;

insert into imports (id, org_id, source, status, source_key, name, size, blob_key, created_by, finished_at)
select uuidv7(i * interval '-1 hour'), s.org, 'slack', 'done', 'T' || i, 'export ' || i || '.zip', 1000, 'bench', s.owner,
       now()
from shape s cross join generate_series(1, 300) i;
insert into import_channels (org_id, import_id, external_id, name, type, fate, target, messages, taken, finished_at)
select m.org_id, m.id, 'C' || i, 'channel-' || i, 'public', 'open', 'channel-' || i, 100, 100, now()
from (select * from imports order by id desc limit 5) m cross join generate_series(1, 2000) i;

insert into audit_log (id, org_id, actor_type, actor_id, action, resource_type, resource_id, details, created_at, position)
select uuidv7(t.at - clock_timestamp()), s.org, 'user', w.id,
       (array['agent.updated', 'conversation.created', 'member.added', 'schedule.created'])[1 + i % 4], 'agent', h.id::text,
       '{}', t.at, i - 2 * s.messages
from shape s cross join generate_series(1, s.messages / 5) i
cross join lateral (select now() - interval '100 days' + i * interval '40 seconds' as at) t
join person w on w.n = i % 50 join hired h on h.n = i % s.agents;
