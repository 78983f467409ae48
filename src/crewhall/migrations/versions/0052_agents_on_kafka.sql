-- Agents on Kafka: the topics of each that asks for them, how far they were given what is in their inbox. Why so:
-- docs/adr/0044-agents-on-kafka.md.

-- The topics of an agent are called by this id: those that are made after others were removed are others. Each step of their life
-- may be repeated: whoever finds a row due takes it for a while (`look_at`), and `attempt` keeps out the writes of who took it
-- before. Deliveries up to `fed_seq` of the inbox are in the topic. `failures` counts those in a row at Kafka, since when.
create table agent_topics (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    inbox_id uuid not null,
    state text not null default 'provisioning' constraint agent_topics_state check (state in (
        'provisioning', 'ready', 'retiring', 'gone')),
    fed_seq bigint not null constraint agent_topics_fed_seq check (fed_seq >= 0),
    look_at timestamptz not null default now(),
    attempt integer not null default 0,
    failures integer not null default 0,
    failing_since timestamptz,
    last_error text,
    fed_at timestamptz,
    heard_at timestamptz,
    refused integer not null default 0,
    last_refusal text,
    last_refused_at timestamptz,
    created_by uuid,
    updated_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint agent_topics_failing check ((failures = 0) = (failing_since is null)),
    constraint agent_topics_deleted check ((deleted_at is not null) = (state in ('retiring', 'gone'))),
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id),
    foreign key (org_id, inbox_id) references conversations (org_id, id)
);
create unique index agent_topics_agent on agent_topics (org_id, agent_id) where deleted_at is null;
create index agent_topics_of on agent_topics (org_id, agent_id);
create index agent_topics_inbox on agent_topics (org_id, inbox_id);
create index agent_topics_open on agent_topics (look_at) where state <> 'gone';
call keep_updated_at('agent_topics');
call secure_tenant_table('agent_topics');

-- What is to be done, the longest due first: topics to be made or deleted, inboxes with what their topic has not got.
create function due_agent_topics(most integer)
returns table (org_id uuid, id uuid, due_in double precision) language sql stable as $$
    select t.org_id, t.id, extract(epoch from t.look_at - clock_timestamp())::double precision
    from agent_topics t
    left join conversation_heads h on h.conversation_id = t.inbox_id
    where t.state in ('provisioning', 'retiring') or (t.state = 'ready' and h.last_seq > t.fed_seq)
    order by t.look_at limit most
$$;
call make_definer('due_agent_topics(integer)');

-- Topics that are used, of every organization: whose inboxes are followed, and which outboxes are heard.
create function live_agent_topics()
returns table (id uuid, inbox_id uuid, is_ready boolean) language sql stable as $$
    select t.id, t.inbox_id, t.state = 'ready' from agent_topics t where t.state in ('provisioning', 'ready')
$$;
call make_definer('live_agent_topics()');

-- Whose an outbox is, before the tenant is known.
create function find_outbox(topics uuid)
returns table (org_id uuid, agent_id uuid, name text, status text, is_gone boolean) language sql stable rows 1 as $$
    select t.org_id, t.agent_id, a.name, a.status,
           t.state <> 'ready' or a.deleted_at is not null or o.deleted_at is not null
    from agent_topics t
    join agents a on a.org_id = t.org_id and a.id = t.agent_id
    join organizations o on o.id = t.org_id
    where t.id = topics
$$;
call make_definer('find_outbox(uuid)');

-- As before; one that reads its inbox at Kafka finds there what came while it was away, as long as Kafka takes it.
create or replace function presence_of(a agents) returns text language sql stable as $$
    select case when a.presence_until > now() then a.presence
                when a.status not in ('active', 'probation') then 'offline'
                when exists (select from agent_runtimes w where w.org_id = a.org_id and w.agent_id = a.id
                             and w.deleted_at is null)
                    then case when exists (select from agent_runtimes w where w.org_id = a.org_id and w.agent_id = a.id
                                           and w.deleted_at is null and w.failures = 0 and w.last_ok_at is not null)
                              then 'online' else 'offline' end
                when a.model_config ->> 'provider' is not null then 'online'
                when exists (select from agent_topics t where t.org_id = a.org_id and t.agent_id = a.id
                             and t.state = 'ready' and t.failures = 0)
                    then 'online'
                else 'offline' end
$$;
