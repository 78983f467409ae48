-- Moving to Kafka and back without a gap: who may change the engine, what a topic is called, what comes too late.
-- Why so: docs/adr/0047-what-topics-keep.md.

-- ---------------------------------------------------------------------------------------------- the engine

-- How often messages came to live in Kafka. Each time they get topics of other names: what was left in the former ones (records
-- that nobody acknowledged, conversations deleted since) is read by nobody again.
alter table installation add log_incarnation integer not null default 0
    constraint installation_log_incarnation check (log_incarnation >= 0);
update installation set log_incarnation = 1 where log_engine = 'kafka';

-- Processes that run now. Each holds a lock of its name for as long as it is connected: one that was killed is not among them,
-- although its lease has not ended.
create function living_processes() returns table (kind text, started_at timestamptz) language sql volatile as $$
    select p.kind, p.started_at from processes p
    where p.lease_until > now() and not pg_try_advisory_xact_lock(hashtextextended('crewhall.life.' || p.id, 0))
    order by p.started_at
$$;

-- Notes the engine that this process has been set to, unless others still run that take the database for the log (`others`, in
-- words). Not `is_ours`, and no others: messages live with the other engine.
drop function claim_log_engine(text);
create function claim_log_engine(engine text, out is_ours boolean, out others text) language plpgsql as $$
begin
    if engine = 'kafka' and (select n.log_engine <> 'kafka' from installation n for update) then
        select string_agg(p.kind || ' since ' || to_char(p.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC', ', ')
        into others from living_processes() p;
        if others is null then
            update installation set log_engine = 'kafka', log_incarnation = log_incarnation + 1;
        end if;
    end if;
    is_ours := (select n.log_engine = engine from installation n);
end $$;

-- ---------------------------------------------------------------------------------------------- topics

-- Where a conversation belongs: a topic of its own, or one of the partitions of the `shared` topic (0: none).
create or replace function place_of(conversation uuid, prefix text, shared integer, out topic text, out partition integer)
language sql stable parallel safe as $$
    select case when shared > 0 then prefix || '.conversations' else prefix || '.conversation.' || conversation end
           || case when n.log_incarnation > 1 then '.' || n.log_incarnation else '' end,
           case when shared > 0 then (hashtextextended(conversation::text, 0) & 2147483647) % shared else 0 end::integer
    from installation n
$$;

-- As before, those that are to be filled last: that takes long, and whoever opens a conversation waits for its topic.
drop function unsettled_topics(integer);
create function unsettled_topics(most integer)
returns table (
    conversation_id uuid, org_id uuid, topic text, partition integer, is_shared boolean, state text, filled_seq bigint,
    fill_to bigint)
language sql stable as $$
    select t.conversation_id, t.org_id, t.topic, t.partition, t.is_shared, t.state, t.filled_seq, t.fill_to
    from log_topics t
    where t.state <> 'ready'
    order by t.state = 'retiring', t.fill_to > t.filled_seq, t.created_at limit most
$$;
call make_definer('unsettled_topics(integer)');

-- As before. Gives back those that nobody wants any more: they were deleted while Kafka made their topics.
drop function topics_made(uuid[]);
create function topics_made(conversations uuid[]) returns uuid[] language plpgsql volatile as $$
begin
    insert into log_partitions (topic, partition, shard)
    select t.topic, t.partition, hashtext(t.topic) & 15 from log_topics t
    where t.conversation_id = any (conversations) and t.state = 'provisioning' and not t.is_shared
    on conflict do nothing;
    update log_topics t set state = 'ready'
    where t.conversation_id = any (conversations) and t.state = 'provisioning' and t.fill_to <= t.filled_seq;
    update conversations c set topic_state = 'ready' from log_topics t
    where c.id = any (conversations) and c.topic_state = 'provisioning' and t.conversation_id = c.id and t.state = 'ready';
    perform pg_notify('crewhall_topics', case when cardinality(conversations) <= 150 then array_to_string(conversations, ',') else '*' end);
    return array(
        select c.id from unnest(conversations) c (id)
        where not exists (select from log_topics t where t.conversation_id = c.id));
end $$;
call make_definer('topics_made(uuid[])');

-- Conversations that have no topic yet, the ones in use first, or those `among` some: of before the move to Kafka, or opened since by
-- a process that took the database for the log. Their topics are noted, to be made and filled. The head is locked: whoever appends
-- to the database at this moment has done so, and is copied, or finds the engine changed.
drop function note_homeless(integer, text, integer);
create function note_homeless(most integer, prefix text, shared integer, among uuid[] default null) returns integer
language plpgsql as $$
declare
    noted integer;
begin
    if (select n.log_engine <> 'kafka' from installation n) then
        return 0;
    end if;
    if among is null then
        among := array(
            select h.conversation_id from conversation_heads h
            join conversations c on c.id = h.conversation_id and c.deleted_at is null
            where not exists (select from log_topics t where t.conversation_id = h.conversation_id)
            order by h.last_active_at desc limit most);
    end if;
    with heads as materialized (
        select h.conversation_id, h.org_id, h.last_seq
        from conversations c join conversation_heads h on h.conversation_id = c.id
        where c.id = any (among) and c.deleted_at is null order by c.id for share of c, h -- in the order in which they are deleted
    )
    insert into log_topics (conversation_id, org_id, topic, partition, is_shared, fill_to)
    select h.conversation_id, h.org_id, place.topic, place.partition, shared > 0, h.last_seq
    from heads h cross join lateral place_of(h.conversation_id, prefix, shared) place
    on conflict do nothing;
    get diagnostics noted = row_count;
    if noted > 0 then
        perform pg_notify('crewhall_topics_wanted', '');
    end if;
    return noted;
end $$;
call make_definer('note_homeless(integer, text, integer, uuid[])');

-- ---------------------------------------------------------------------------------------------- what comes too late

-- Changes a function by its words, or fails where it does not read as it was written.
create procedure reword(which regprocedure, was text, becomes text) language plpgsql as $$
declare
    is_now text := pg_get_functiondef(which);
begin
    if position(was in is_now) = 0 then
        raise exception '% does not read as it was written', which;
    end if;
    execute replace(is_now, was, becomes);
end $$;

-- `left`: messages live in Postgres again; a process that still takes Kafka for the log is refused, as `moved` does the other way.
call reword(
    'judge_records(uuid[], json)',
    $$case when h.conversation_id is null or not h.is_open then 'gone'$$,
    $$case when (select e.log_engine <> 'kafka' from installation e) then 'left'
                when h.conversation_id is null or not h.is_open then 'gone'$$);

-- A record that was sent before its conversation was closed, and is written after its past was taken in, would have one place in the
-- topic and another in the database. It is refused, and its author told that the conversation was closed.
call reword(
    'project_records(json, uuid[], uuid[], json, text, boolean)',
    $$    if json_array_length(records) > 0 then
        return query$$,
    $$    if json_array_length(records) > 0 then
        perform set_config('crewhall.orgs', orgs::text, true);
        perform from conversation_heads h where h.conversation_id = any (conversation_ids)
            order by h.conversation_id for update;
        if exists (
            select from json_to_recordset(records) as r (conv uuid, id uuid, given bigint)
            join conversation_heads h on h.conversation_id = r.conv
            join log_topics t on t.conversation_id = r.conv
            where r.given is null and (t.state = 'provisioning' or not h.is_open)
              and exists (select from message_records p
                          where p.conversation_id = r.conv and p.seq > t.filled_seq and p.position = -1)
              and not exists (select from message_records m where m.id = r.id)) then
            raise exception 'overtaken: its conversation was closed, and its past taken in, before it was written'
                using errcode = 'check_violation';
        end if;
        return query$$);
call reword(
    'find_projected(uuid[], json)',
    $$when r.id is null then 'refused'$$,
    $$when r.id is null and exists (
                    select from log_refusals f where f.record_id = n.id and f.reason like 'overtaken%') then 'gone'
                when r.id is null then 'refused'$$);
drop procedure reword(regprocedure, text, text);
