-- Kafka and what goes for good: a purge takes topics along, a repair what follows from records, a refusal names its place.

-- ---------------------------------------------------------------------------------------------- a purge

-- A row of `log_topics` outlives its conversation until Kafka has deleted the topic: a purge, which follows foreign keys, took it
-- along, and the topic was read for ever.
alter table log_topics drop constraint log_topics_org_id_conversation_id_fkey;
create or replace function retire_topic() returns trigger language plpgsql as $$
begin
    update log_topics t set state = 'retiring' where t.conversation_id = old.id and t.state <> 'retiring';
    if found then
        perform pg_notify('crewhall_topics_wanted', '');
    end if;
    return null;
end $$;
create trigger topic_on_purge after delete on conversations for each row execute function retire_topic();

-- Topics of conversations that were purged before are read by nobody from now on. Nothing says which ones Kafka has: they stay there.
delete from log_partitions p
where (select n.log_engine = 'kafka' from installation n)
  and p.topic like '%.conversation.%'
  and not exists (select from log_topics t where t.topic = p.topic and t.partition = p.partition);

-- ---------------------------------------------------------------------------------------------- what follows from records

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

-- What was found wrong is not found by search either, until `derive_anew`.
call reword(
    'put_right(uuid, bigint[], json)',
    $$    with old as (
        delete from message_records r$$,
    $$    delete from message_search s using message_records r
    where r.conversation_id = in_conversation and r.seq = any (wrong) and s.message_id = r.id;
    with old as (
        delete from message_records r$$);

-- For the operator: what follows from a conversation's records, as far as their followers have come, and is not there: files of its
-- messages, and what search finds them by; says how many of each. Search knows those `changed` anew. The caller's transaction decides
-- whether it stays.
create function derive_anew(in_conversation uuid, changed uuid[], out attached integer, out indexed integer)
language plpgsql volatile as $$
declare
    searched_to bigint := (select k.position from consumer_checkpoints k where k.consumer = 'search');
    missing uuid[];
begin
    with placed as (
        insert into message_files (message_id, file_id, org_id, conversation_id, message_seq)
        select r.id, f.id, r.org_id, r.conversation_id, r.seq
        from message_records r
        cross join lateral jsonb_array_elements(
            case jsonb_typeof(r.metadata -> 'files') when 'array' then r.metadata -> 'files' end) as e (named)
        join files f on f.id = (e.named ->> 'id')::uuid and f.org_id = r.org_id
         and f.conversation_id = r.conversation_id and f.created_by = r.author_id and f.released_at is null
        where r.conversation_id = in_conversation and r.type = 'message'
          and not exists (select from message_overlays o where o.message_id = r.id and o.deleted_at is not null)
        on conflict do nothing
        returning file_id
    ), held as (
        update files f set attached_at = coalesce(f.attached_at, now()) from placed p where f.id = p.file_id
    )
    select count(*) into attached from placed;

    delete from message_search s
    where s.conversation_id = in_conversation and not exists (
        select from message_records r
        where r.conversation_id = s.conversation_id and r.seq = s.seq and r.id = s.message_id);
    get diagnostics indexed = row_count;
    missing := array(
        select r.id from message_records r
        where r.conversation_id = in_conversation and r.type = 'message' and (r.position <= 0 or r.position < searched_to)
          and not exists (select from message_search s where s.message_id = r.id)
          and not exists (select from message_overlays o where o.message_id = r.id and o.deleted_at is not null));
    indexed := indexed + cardinality(missing);
    delete from message_search s where s.conversation_id = in_conversation and s.message_id = any (changed);
    with current as materialized (
        select r.org_id, r.conversation_id, r.seq, r.id, r.author_id, r.kind, r.created_at,
               left(concat_ws(' ', coalesce(o.title, r.title), coalesce(o.content, r.content)), 100000) as body,
               coalesce(o.metadata, r.metadata) as metadata, g.search_language as language
        from message_records r
        join organizations g on g.id = r.org_id
        left join message_overlays o on o.message_id = r.id
        where r.conversation_id = in_conversation and r.type = 'message' and r.id = any (missing || changed)
          and o.deleted_at is null
    )
    insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, holds, created_at)
    select id, org_id, conversation_id, seq, author_id, kind, search_vector(language, searched_text(body, metadata)),
           held_by(body, metadata), created_at
    from current
    on conflict (message_id) do update set vector = excluded.vector, holds = excluded.holds;
    insert into unembedded_messages (message_id, org_id)
    select s.message_id, s.org_id from message_search s
    join message_indexes i on i.org_id = s.org_id
    cross join lateral embedded_message(s.conversation_id, s.seq) m
    where s.message_id = any (missing || changed)
    on conflict do nothing;
    if found then
        perform pg_notify('crewhall_unembedded', '');
    end if;
end $$;
revoke all on function derive_anew(uuid, uuid[]) from public;

-- ---------------------------------------------------------------------------------------------- a refusal

-- Who waits for a record that is refused waits in its conversation: the notice names that one. It told every process that it had
-- missed something anywhere.
call reword(
    'project_records(json, uuid[], uuid[], json, text, boolean)',
    $$    elsif exists (
        select from json_to_recordset(places) as p (refusals json)
        cross join lateral json_to_recordset(coalesce(p.refusals, '[]')) as f (id uuid) where f.id is not null) then
        perform pg_notify('crewhall_records', process || '|*');
    end if;$$,
    $$    else
        perform pg_notify('crewhall_records', process || '|' || f.conversation_id || ':0')
        from json_to_recordset(places) as p (refusals json)
        cross join lateral json_to_recordset(coalesce(p.refusals, '[]')) as f (conversation_id uuid)
        where f.conversation_id is not null;
    end if;$$);
drop procedure reword(regprocedure, text, text);
