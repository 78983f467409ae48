-- The timeline: what happened in an organization, told once, never changed, in partitions by month.

-- ---------------------------------------------------------------------------------------------- labels

-- What `key=value` of an event's metadata is found by. The organization is in it: another tenant's events, however alike, are
-- no matches that would have to be looked at. Of a list every value counts.
create function event_label(org uuid, key text, value text) returns uuid language sql immutable parallel safe
    as $$ select md5(org::text || ' ' || length(key)::text || ' ' || key || '=' || value)::uuid $$;
create function event_labels(org uuid, metadata jsonb) returns uuid[] language sql immutable parallel safe
set search_path = public, pg_temp as $$
    select array(
        select distinct event_label(org, e.key, v.value)
        from jsonb_each(metadata) e
        cross join lateral (
            select e.value #>> '{}' as value where jsonb_typeof(e.value) in ('string', 'number', 'boolean')
            union all
            select a.value #>> '{}' from jsonb_array_elements(
                case when jsonb_typeof(e.value) = 'array' then e.value else '[]' end) a
            where jsonb_typeof(a.value) in ('string', 'number', 'boolean')) v
        order by 1)
$$;
grant execute on function event_label(uuid, text, text), event_labels(uuid, jsonb) to crewhall_app, crewhall_definer;

-- ---------------------------------------------------------------------------------------------- events

-- `type`: the seventeen, or an extension's `x.…`. `author`: none is the system. `agent_id`: whom it tells of, beside its author; who may
-- not see that agent does not see it. `conversation_id`, `message_id`: where it was said; its readers alone see it, and its
-- words stay in the message, so that they are gone when that is. `entry_id`: of the wiki, seen by who may read the entry.
-- `audience`: `managers` are owners, admins and the author. `position`: as in the log, for who follows events.
create table events (
    id uuid not null,
    org_id uuid not null,
    type text not null constraint events_type check (length(type) <= 100 and (type ~ '^x(\.[a-z][a-z0-9_]*)+$' or type = any (
        '{session_start,session_log,session_stop,task_assigned,task_completed,task_blocked,problem_report,advice_given,question_asked,review_requested,review_response,github_pr_opened,github_pr_merged,github_issue_assigned,kpi_updated,trust_score_changed,wiki_contribution}'::text[]))),
    author_type text constraint events_author_type check (author_type in ('user', 'agent')),
    author_id uuid,
    author_name text,
    agent_id uuid,
    session_id uuid,
    project_id uuid,
    conversation_id uuid,
    message_id uuid,
    entry_id uuid,
    audience text not null default 'organization' constraint events_audience check (audience in ('organization', 'managers')),
    content jsonb not null constraint events_content check (jsonb_typeof(content) = 'object'),
    mentions uuid[] not null default '{}' constraint events_mentions_count check (cardinality(mentions) <= 100),
    metadata jsonb not null default '{}' constraint events_metadata check (jsonb_typeof(metadata) = 'object'),
    labels uuid[] not null generated always as (event_labels(org_id, metadata)) stored,
    signature text constraint events_signature check (length(signature) = 88),
    "timestamp" timestamptz not null default now(),
    created_at timestamptz not null default clock_timestamp(),
    position bigint not null default current_log_position(),
    primary key (id, "timestamp"),
    constraint events_author check ((author_id is null) = (author_type is null) and (author_id is null) = (author_name is null)),
    constraint events_system check (author_id is null or type not in ('kpi_updated', 'trust_score_changed')),
    constraint events_signer check (signature is null or author_type = 'agent'),
    constraint events_said check ((conversation_id is null) = (message_id is null))
) partition by range ("timestamp");
create index events_walk on events (org_id, "timestamp", id);
create index events_by_type on events (org_id, type, "timestamp", id);
create index events_by_author on events (org_id, author_id, "timestamp", id) where author_id is not null;
create index events_by_agent on events (org_id, agent_id, "timestamp", id) where agent_id is not null;
create index events_by_session on events (org_id, session_id, "timestamp", id) where session_id is not null;
create index events_by_project on events (org_id, project_id, "timestamp", id) where project_id is not null;
create index events_by_conversation on events (org_id, conversation_id, "timestamp", id) where conversation_id is not null;
create index events_mentions on events using gin (mentions) with (fastupdate = off); -- what is told is found at once, by reading little
create index events_labels on events using gin (labels) with (fastupdate = off);
call secure_tenant_table('events');
call make_append_only('events');

-- ---------------------------------------------------------------------------------------------- partitions

-- A month's partition of an append-only table. It is made beside the table and attached, which keeps nobody from reading or writing
-- meanwhile. Nobody has grants on it; the administrator's policy is for dumps.
create function ensure_partition(parent text, of_month date) returns boolean language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    name text := format('%s_%s', parent, to_char(of_month, 'YYYY_MM'));
begin
    perform pg_advisory_xact_lock(hashtext('crewhall.partitions'));
    if exists (select from pg_class c where c.relname = name and c.relnamespace = 'public'::regnamespace) then
        return false; -- not by to_regclass: it may remember from before the lock that there was none
    end if;
    execute format('create table %I (like %I including all)', name, parent);
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy administrator on %I to crewhall_admin using (true) with check (true)', name);
    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name,
                   of_month::timestamp at time zone 'UTC', (of_month + interval '1 month') at time zone 'UTC');
    return true;
end $$;
revoke all on function ensure_partition(text, date) from public;

-- This month and the next three.
create or replace function ensure_partitions() returns integer language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    month date := date_trunc('month', now() at time zone 'UTC');
    made integer;
begin
    select count(*) filter (where ensure_partition(p.parent, (month + n.n * interval '1 month')::date)) into made
    from unnest(array['credential_usage', 'events']) as p (parent) cross join generate_series(0, 3) as n (n);
    return made;
end $$;

-- For what happened before: a hall that stood still for months tells of what it missed. Ten years back at most, and nothing that is yet to come.
create function ensure_event_month(of_moment timestamptz) returns boolean language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    month date := date_trunc('month', of_moment at time zone 'UTC');
begin
    if of_moment < now() - interval '10 years' or of_moment > now() + interval '1 day' then
        raise exception 'no event is of %', of_moment using errcode = '22023';
    end if;
    return to_regclass('events_' || to_char(month, 'YYYY_MM')) is null and ensure_partition('events', month);
end $$;
revoke all on function ensure_event_month(timestamptz) from public;
grant execute on function ensure_event_month(timestamptz) to crewhall_app, crewhall_definer;
select ensure_partitions();
do $$
declare
    name regclass;
begin
    for name in select i.inhrelid from pg_inherits i where i.inhparent = 'credential_usage'::regclass
        and not exists (select from pg_policy p where p.polrelid = i.inhrelid) loop
        execute format('create policy administrator on %s to crewhall_admin using (true) with check (true)', name);
    end loop;
end $$;

-- ---------------------------------------------------------------------------------------------- reading

-- Whether an agent may be seen by the caller, by its id.
create function sees_agent(agent uuid) returns boolean language sql stable as $$
    select exists (select from agents a where a.org_id = (current_orgs())[1] and a.id = agent and may_see_agent(a))
$$;
-- Whether the caller, and everybody for whom it acts, is in a project's scope.
create function sees_project(project uuid) returns boolean language sql stable as $$
    select (current_actor_type() is distinct from 'agent' or is_in_scope((current_orgs())[1], project, current_actor()))
       and not exists (select from unnest(current_behalf()) as b (id) where not is_in_scope((current_orgs())[1], project, b.id))
$$;
grant execute on function sees_agent(uuid), sees_project(uuid) to crewhall_app, crewhall_definer;

-- Events that the caller may see, by moment: backwards from (`at_moment`, `at_id`), newest first, or forwards from there, oldest first.
-- Tenant and actor come from the transaction. It looks at two months first, then at a year, then at all: partitions that
-- nobody needs are not even planned for. Mentions and labels are filtered among the next 2,000 events, which answers whatever is common;
-- beyond them the index names the few there are.
create function timeline_events(
    of_types text[], by_author uuid, about uuid, in_session uuid, in_project uuid, in_conversation uuid, mentioning uuid,
    labelled jsonb, since timestamptz, until timestamptz, at_moment timestamptz, at_id uuid, forwards boolean, size integer)
returns setof events language plpgsql stable as $$
declare
    org uuid := (current_orgs())[1];
    wanted uuid[] := array(select event_label(org, l ->> 0, l ->> 1) from jsonb_array_elements(labelled) l);
    is_manager boolean := coalesce(current_actor_role() in ('owner', 'admin'), false) and current_behalf() is null;
    way text := case when forwards then ' order by e."timestamp", e.id' else ' order by e."timestamp" desc, e.id desc' end;
    past text := case when forwards then '>' else '<' end;
    plain text := ' e.org_id = $1 and e."timestamp" >= $2 and e."timestamp" < $3';
    sparse text := '';
    seen text := '';
    whole text;
    low timestamptz := greatest(since, case when forwards then at_moment end);
    high timestamptz := least(until, case when not forwards then at_moment + interval '1 microsecond' end, now() + interval '1 day');
    from_moment timestamptz;
    to_moment timestamptz;
    edge record;
    left_over integer := size;
    given integer;
    step interval;
    steps interval[] := array['1 month', '11 months', null]::interval[];
begin
    if cardinality(of_types) = 1 then plain := plain || ' and e.type = ($4)[1]';
    elsif cardinality(of_types) > 1 then plain := plain || ' and e.type = any ($4)'; end if;
    if by_author is not null then plain := plain || ' and e.author_id = $5'; end if;
    if about is not null then plain := plain || ' and e.agent_id = $6'; end if;
    if in_session is not null then plain := plain || ' and e.session_id = $7'; end if;
    if in_project is not null then plain := plain || ' and e.project_id = $8'; end if;
    if in_conversation is not null then plain := plain || ' and e.conversation_id = $9'; end if;
    if at_moment is not null then plain := plain || format(' and (e."timestamp", e.id) %s ($12, $13)', past); end if;
    if mentioning is not null then sparse := sparse || ' and e.mentions @> array[$10]'; end if;
    if cardinality(wanted) > 0 then sparse := sparse || ' and e.labels @> $11'; end if;
    seen := ' and (e.conversation_id is null or e.conversation_id in (select reachable_conversations()))';
    if not is_manager then
        seen := seen || ' and (e.audience = ''organization'' or (e.author_id = current_actor() and current_behalf() is null))'
            || ' and (e.author_type is distinct from ''agent'' or e.conversation_id is not null or sees_agent(e.author_id))'
            || ' and (e.agent_id is null or sees_agent(e.agent_id))'
            || ' and (e.project_id is null or sees_project(e.project_id))'
            || ' and (e.entry_id is null or (e.author_id = current_actor() and current_behalf() is null)'
            || '      or e.entry_id in (select readable_entries()))';
    end if;
    whole := 'select e.* from events e where' || plain || sparse || seen || way || ' limit $14';
    if cardinality(of_types) > 1 and sparse = '' then
        -- each type from its own index, then the first of all of them
        whole := 'select e.* from unnest($4) as t (type) cross join lateral (select e.* from events e where'
            || replace(plain, ' and e.type = any ($4)', ' and e.type = t.type') || seen || way || ' limit $14) e'
            || way || ' limit $14';
    end if;

    if forwards then from_moment := coalesce(low, '-infinity'); else to_moment := high; end if;
    if sparse <> '' then
        execute 'select e."timestamp" as moment, e.id from events e where' || plain || way || ' offset 1999 limit 1'
            into edge using org, coalesce(low, '-infinity'), high, of_types, by_author, about, in_session,
            in_project, in_conversation, mentioning, wanted, at_moment, at_id, left_over;
        return query execute 'select e.* from (select e.* from events e where' || plain || way || ' limit 2000) e where true'
            || sparse || seen || way || ' limit $14'
            using org, coalesce(low, '-infinity'), high, of_types, by_author, about, in_session,
            in_project, in_conversation, mentioning, wanted, at_moment, at_id, left_over;
        get diagnostics given = row_count;
        left_over := left_over - given;
        if edge.id is null or left_over <= 0 then
            return;
        end if;
        if at_moment is null then plain := plain || format(' and (e."timestamp", e.id) %s ($12, $13)', past); end if;
        at_moment := edge.moment;
        at_id := edge.id;
        if forwards then from_moment := edge.moment; else to_moment := edge.moment + interval '1 microsecond'; end if;
        whole := 'with few as materialized (select e.* from events e where' || plain || sparse || ') '
            || 'select e.* from few e where true' || seen || way || ' limit $14';
    end if;

    foreach step in array steps loop
        if forwards then
            to_moment := case when step is null or from_moment = '-infinity' then high
                         else least(date_trunc('month', from_moment, 'UTC') + step + interval '1 month', high) end;
        else
            from_moment := case when step is null then coalesce(low, '-infinity')
                           else greatest(date_trunc('month', least(to_moment, now()), 'UTC') - step, coalesce(low, '-infinity')) end;
        end if;
        if from_moment < to_moment then
            return query execute whole using org, from_moment, to_moment, of_types, by_author, about, in_session, in_project,
                in_conversation, mentioning, wanted, at_moment, at_id, left_over;
            get diagnostics given = row_count;
            left_over := left_over - given;
        end if;
        if left_over <= 0 then
            return;
        end if;
        if forwards then
            from_moment := to_moment;
            exit when from_moment >= high;
        else
            to_moment := from_moment;
            exit when to_moment <= coalesce(low, '-infinity');
        end if;
    end loop;
end $$;
call make_definer('timeline_events(text[], uuid, uuid, uuid, uuid, uuid, uuid, jsonb, timestamptz, timestamptz, timestamptz, uuid, boolean, integer)');

-- Where an event stands, whoever asks: its moment. Whether it may be seen `timeline_events` says.
create function event_moment(of_event uuid) returns timestamptz language sql stable as $$
    select e."timestamp" from events e where e.org_id = (select (current_orgs())[1]) and e.id = of_event
$$;
call make_definer('event_moment(uuid)');

-- ---------------------------------------------------------------------------------------------- the log's consumer

-- It begins with what is said from now on.
insert into consumer_checkpoints (consumer, position, conversation_id, seq)
select 'timeline', k.position, k.conversation_id, k.seq from consumer_checkpoints k where k.consumer = 'notifications';

-- What a message is told as: as its metadata says, else by its kind.
create function event_of_message(kind text, metadata jsonb) returns text language sql immutable parallel safe as $$
    select case when metadata ->> 'event' in ('problem_report', 'advice_given', 'question_asked') then metadata ->> 'event'
                when kind = 'question' then 'question_asked' when kind = 'alert' then 'problem_report' end
$$;
grant execute on function event_of_message(text, jsonb) to crewhall_app, crewhall_definer;

-- Tells on the timeline of the next messages that are marked so: gives how many records were read, and whose timelines grew. An event has
-- the id and the moment of its message, so that no message is told twice; what is not told of (deliveries, what the system says,
-- inboxes of agents, what an import took in) is read past.
create function derive_events(size integer) returns table (seen integer, organizations uuid[]) language plpgsql volatile as $$
#variable_conflict use_column
declare
    checkpoint consumer_checkpoints;
    horizon bigint := log_horizon();
    taken integer;
    marked uuid[];
    told uuid[] := '{}';
begin
    select * into checkpoint from consumer_checkpoints where consumer = 'timeline' for update skip locked;
    if not found then
        return query select 0, '{}'::uuid[];
        return;
    end if;
    with batch as materialized (
        select r.position, r.conversation_id, r.seq, r.id, r.type = 'message' and r.author_type <> 'system'
               and event_of_message(r.kind, r.metadata) is not null as is_marked
        from message_records r
        where (r.position, r.conversation_id, r.seq) > (checkpoint.position, checkpoint.conversation_id, checkpoint.seq)
          and r.position < horizon
        order by r.position, r.conversation_id, r.seq limit size
    ), last as (
        select b.position, b.conversation_id, b.seq from batch b
        order by b.position desc, b.conversation_id desc, b.seq desc limit 1
    ), moved as (
        update consumer_checkpoints k
        set position = l.position, conversation_id = l.conversation_id, seq = l.seq, updated_at = now()
        from last l where k.consumer = 'timeline'
    )
    select count(*), array_agg(b.id) filter (where b.is_marked) into taken, marked from batch b;
    if marked is not null then
        perform ensure_event_month(m.month) from (
            select distinct date_trunc('month', r.created_at, 'UTC') as month from unnest(marked) as i (id)
            cross join lateral (select s.created_at from message_records s where s.id = i.id limit 1) r) m;
        with written as (
            insert into events (id, org_id, type, author_type, author_id, author_name, project_id, conversation_id, message_id, content,
                                mentions, "timestamp")
            select r.id, r.org_id, event_of_message(r.kind, r.metadata), r.author_type, r.author_id, r.author_name, c.project_id,
                   r.conversation_id, r.id, '{}', coalesce(r.mentions[1:100], '{}'), r.created_at
            from unnest(marked) as i (id)
            cross join lateral (select s.* from message_records s where s.id = i.id limit 1) r
            cross join lateral (select k.* from conversations k where k.id = r.conversation_id and k.kind <> 'agent' limit 1) c
            on conflict do nothing
            returning org_id
        )
        select coalesce(array_agg(distinct w.org_id), '{}') into told from written w;
    end if;
    return query select taken, told;
end $$;
call make_definer('derive_events(integer)');
