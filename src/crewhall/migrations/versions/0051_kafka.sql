-- Where messages live when the log is Apache Kafka: the topics of conversations, how far they are written into the read model
-- (projected), by whom, and what could not be. Why so: docs/adr/0043-kafka.md.

-- Which engine keeps the log; what was said lies there, so that it is not changed by a setting alone.
alter table installation add log_engine text not null default 'postgres'
    constraint installation_log_engine check (log_engine in ('postgres', 'kafka'));

-- A conversation's place on Kafka. A topic that had to be made anew is another incarnation, with another name. What the database
-- had before the topic (an installation that moves to Kafka, what was imported) is copied there with its seqs before the
-- conversation takes messages again: up to `fill_to`, and whatever was taken in as past; up to `filled_seq` it is there.
create table log_topics (
    conversation_id uuid primary key,
    org_id uuid not null,
    topic text not null constraint log_topics_topic check (length(topic) between 1 and 249),
    partition integer not null default 0 constraint log_topics_partition check (partition >= 0),
    incarnation integer not null default 1 constraint log_topics_incarnation check (incarnation >= 1),
    fill_to bigint not null default 0,
    filled_seq bigint not null default 0,
    is_shared boolean not null,
    state text not null default 'provisioning' constraint log_topics_state check (state in (
        'provisioning', 'ready', 'retiring')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (org_id, conversation_id) references conversations (org_id, id) on delete cascade
);
create index log_topics_org on log_topics (org_id, conversation_id);
create index log_topics_unsettled on log_topics (created_at) where state <> 'ready';
create unique index log_topics_own on log_topics (topic) where not is_shared;
call keep_updated_at('log_topics');
call secure_tenant_table('log_topics');

-- What a projector reads next in each partition. It moves in the transaction that writes the rows, and only from where the
-- projector believed it to be: a projector that stood still is refused.
create table log_partitions (
    topic text not null,
    partition integer not null,
    next_offset bigint not null default 0 constraint log_partitions_next_offset check (next_offset >= 0),
    shard smallint not null constraint log_partitions_shard check (shard between 0 and 15),
    created_at timestamptz not null default now(),
    primary key (topic, partition)
) with (fillfactor = 40);
create index log_partitions_shard on log_partitions (shard);
comment on table log_partitions is 'no-rls: how far topics of Kafka are read, no tenant data';

-- Records that the database refuses: they stay in their topic, and their reason here.
create table log_refusals (
    topic text not null,
    partition integer not null,
    record_offset bigint not null,
    record_id uuid,
    reason text not null constraint log_refusals_reason check (length(reason) between 1 and 500),
    created_at timestamptz not null default now(),
    primary key (topic, partition, record_offset)
);
create index log_refusals_record on log_refusals (record_id) where record_id is not null;
comment on table log_refusals is 'no-rls: places in topics of Kafka and what the database said, no tenant data';

-- Which projector reads which share of the partitions, for as long as its lease lasts.
create table log_projectors (
    id uuid primary key,
    lease_until timestamptz not null
);
comment on table log_projectors is 'no-rls: processes, no tenant data';
create table log_shards (
    shard smallint primary key constraint log_shards_shard check (shard between 0 and 15),
    projector_id uuid
);
comment on table log_shards is 'no-rls: which process reads which share of the topics, no tenant data';
insert into log_shards (shard) select generate_series(0, 15);

grant select, insert, update, delete on log_partitions, log_refusals, log_projectors to crewhall_app, crewhall_definer;
grant select, update on log_shards to crewhall_app, crewhall_definer;
grant select on log_partitions, log_refusals, log_projectors, log_shards to crewhall_read;
grant select, insert, update, delete on log_topics to crewhall_definer;

-- ---------------------------------------------------------------------------------------------- topics

-- Where a conversation belongs: a topic of its own, or one of the partitions of the `shared` topic (0: none).
create function place_of(conversation uuid, prefix text, shared integer, out topic text, out partition integer)
language sql immutable parallel safe as $$
    select case when shared > 0 then prefix || '.conversations' else prefix || '.conversation.' || conversation end,
           case when shared > 0 then (hashtextextended(conversation::text, 0) & 2147483647) % shared else 0 end::integer
$$;

-- Notes the engine that this process has been set to. False where messages already live with the other one.
create function claim_log_engine(engine text) returns boolean language plpgsql as $$
begin
    if engine = 'kafka' then
        update installation set log_engine = 'kafka' where log_engine <> 'kafka';
    end if;
    return (select n.log_engine = engine from installation n);
end $$;

-- Topics that are to be made or deleted at Kafka, of every organization.
create function unsettled_topics(most integer)
returns table (
    conversation_id uuid, org_id uuid, topic text, partition integer, is_shared boolean, state text, filled_seq bigint,
    fill_to bigint)
language sql stable as $$
    select t.conversation_id, t.org_id, t.topic, t.partition, t.is_shared, t.state, t.filled_seq, t.fill_to
    from log_topics t
    where t.state <> 'ready' order by t.state = 'retiring', t.created_at limit most
$$;
call make_definer('unsettled_topics(integer)');

-- Topics that Kafka has made: their conversations take messages from now on.
create function topics_made(conversations uuid[]) returns void language sql volatile as $$
    insert into log_partitions (topic, partition, shard)
    select t.topic, t.partition, hashtext(t.topic) & 15 from log_topics t
    where t.conversation_id = any (conversations) and t.state = 'provisioning' and not t.is_shared
    on conflict do nothing;
    update log_topics t set state = 'ready'
    where t.conversation_id = any (conversations) and t.state = 'provisioning' and t.fill_to <= t.filled_seq;
    update conversations c set topic_state = 'ready' from log_topics t
    where c.id = any (conversations) and c.topic_state = 'provisioning' and t.conversation_id = c.id and t.state = 'ready';
    select pg_notify('crewhall_topics', case when cardinality(conversations) <= 150 then array_to_string(conversations, ',') else '*' end);
$$;
call make_definer('topics_made(uuid[])');

-- The topic that conversations share is made.
create function topic_shared(name text, partitions integer) returns void language sql volatile as $$
    insert into log_partitions (topic, partition, shard) select name, p, p & 15 from generate_series(0, partitions - 1) p
    on conflict do nothing;
    select pg_notify('crewhall_topics', '*');
$$;

-- Nobody reads them from now on: told before they are deleted at Kafka, which makes a topic anew for who still asks for it.
create function leave_topics(topics text[]) returns void language sql volatile as $$
    delete from log_partitions p using log_topics t
    where p.topic = any (topics) and t.topic = p.topic and t.state = 'retiring' and not t.is_shared;
    select pg_notify('crewhall_topics', '');
$$;
call make_definer('leave_topics(text[])');

-- Topics that Kafka has deleted.
create function topics_gone(conversations uuid[]) returns void language sql volatile as $$
    delete from log_topics t where t.conversation_id = any (conversations) and t.state = 'retiring';
$$;
call make_definer('topics_gone(uuid[])');

-- A conversation that is deleted takes its topic along.
create function retire_topic() returns trigger language plpgsql as $$
begin
    update log_topics t set state = 'retiring' where t.conversation_id = new.id and t.state <> 'retiring';
    if found then
        perform pg_notify('crewhall_topics_wanted', '');
    end if;
    return null;
end $$;
create trigger topic_on_deletion after update of deleted_at on conversations for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function retire_topic();

-- Conversations that have no topic yet: those of before the move to Kafka. Their topics are noted, to be made and filled.
create function note_homeless(most integer, prefix text, shared integer) returns integer language plpgsql as $$
declare
    noted integer;
begin
    insert into log_topics (conversation_id, org_id, topic, partition, is_shared, fill_to)
    select h.conversation_id, h.org_id, place_of.topic, place_of.partition, shared > 0, h.last_seq
    from conversation_heads h join conversations c on c.id = h.conversation_id and c.deleted_at is null
    cross join lateral place_of(h.conversation_id, prefix, shared) place_of
    where not exists (select from log_topics t where t.conversation_id = h.conversation_id)
    order by h.last_active_at desc limit most
    on conflict do nothing;
    get diagnostics noted = row_count;
    return noted;
end $$;
call make_definer('note_homeless(integer, text, integer)');

-- ---------------------------------------------------------------------------------------------- projectors

-- The shares that a projector reads from now on: as many as are fair among those that live. What it has too many of it gives
-- back; who is gone (its lock of life can be had) or whose lease has lapsed loses all.
create function hold_shards(me uuid, ttl double precision) returns smallint[] language plpgsql as $$
declare
    fair integer;
    surplus integer;
begin
    perform pg_advisory_xact_lock(hashtext('crewhall.log_shards'));
    if not exists (select from log_projectors p where p.id = me) then
        perform pg_notify('crewhall_projectors', '');
    end if;
    insert into log_projectors (id, lease_until) values (me, clock_timestamp() + make_interval(secs => ttl))
    on conflict (id) do update set lease_until = excluded.lease_until;
    delete from log_projectors p where p.id <> me and (
        p.lease_until < clock_timestamp()
        or pg_try_advisory_xact_lock(hashtextextended('crewhall.life.' || p.id, 0)));
    update log_shards s set projector_id = null
    where s.projector_id is not null and not exists (select from log_projectors p where p.id = s.projector_id);
    select ceil(16.0 / count(*)) into fair from log_projectors;
    select count(*) - fair into surplus from log_shards s where s.projector_id = me;
    if surplus > 0 then
        update log_shards s set projector_id = null
        where s.shard in (select t.shard from log_shards t where t.projector_id = me order by t.shard desc limit surplus);
        perform pg_notify('crewhall_projectors', '');
    else
        update log_shards s set projector_id = me
        where s.shard in (select t.shard from log_shards t where t.projector_id is null order by t.shard limit -surplus);
    end if;
    return array(select s.shard from log_shards s where s.projector_id = me order by s.shard);
end $$;
call make_definer('hold_shards(uuid, double precision)');

create function leave_shards(me uuid) returns void language sql volatile as $$
    delete from log_projectors p where p.id = me;
    update log_shards s set projector_id = null where s.projector_id = me;
    select pg_notify('crewhall_projectors', '');
$$;
call make_definer('leave_shards(uuid)');

-- ---------------------------------------------------------------------------------------------- appending

-- What stands against appending each record, before it goes to Kafka: `gone` (no such conversation, or closed), `stale`,
-- `duplicate` and `conflict` as append_records has them, `away` (its topic is not ready), `homeless` (it has none yet); else
-- `ready`, and where it belongs. Of those that go to Kafka at the same time with one client id the projection finds the first.
create function judge_records(orgs uuid[], records json)
returns table (i integer, verdict text, seq bigint, id uuid, created_at timestamptz, topic text, partition integer)
language plpgsql volatile as $$
#variable_conflict use_column
begin
    perform set_config('crewhall.orgs', orgs::text, true);
    return query
    select n.i,
           case when h.conversation_id is null or not h.is_open then 'gone'
                when d.seq is not null and d.body_digest = decode(n.digest, 'hex') then 'duplicate'
                when d.seq is not null then 'conflict'
                when n.version is not null and n.version <> h.membership_version then 'stale'
                when t.topic is null then 'homeless'
                when t.state <> 'ready' then 'away'
                else 'ready' end,
           d.seq, d.id, d.created_at, t.topic, t.partition
    from json_to_recordset(records) as n (i integer, conv uuid, author uuid, client_id text, digest text, version bigint)
    left join lateral (select * from conversation_heads c where c.conversation_id = n.conv offset 0) h on true
    left join lateral (select * from log_topics k where k.conversation_id = n.conv offset 0) t on true
    left join lateral (
        select e.seq, e.id, e.created_at, e.body_digest from message_records e
        where n.client_id is not null and e.conversation_id = n.conv and e.author_id = n.author
          and e.client_id = n.client_id offset 0) d on true
    order by n.i;
end $$;

-- What became of records that went to Kafka; those that are not projected yet are left out.
create function find_projected(orgs uuid[], records json)
returns table (i integer, verdict text, seq bigint, id uuid, created_at timestamptz, previous_seq bigint)
language plpgsql volatile as $$
#variable_conflict use_column
begin
    perform set_config('crewhall.orgs', orgs::text, true);
    return query
    select n.i,
           case when r.id = n.id then 'known'
                when r.id is null then 'refused'
                when r.body_digest = decode(n.digest, 'hex') then 'duplicate'
                else 'conflict' end,
           r.seq, coalesce(r.id, n.id), r.created_at, -1::bigint
    from json_to_recordset(records) as n (i integer, conv uuid, id uuid, author uuid, client_id text, digest text)
    left join lateral (
        select e.* from message_records e where e.id = n.id
        union all
        select e.* from message_records e
        where n.client_id is not null and e.conversation_id = n.conv and e.author_id = n.author and e.client_id = n.client_id
        limit 1) r on true
    where r.id is not null or exists (select from log_refusals f where f.record_id = n.id)
    order by n.i;
end $$;

-- As before (0004_log.sql), and for records that a log outside of the database has already: those bear their time (`at`),
-- and what was migrated its seq (`given`). They are judged by the log's content alone, so that a replay judges alike: whether
-- the conversation is open and who is a member was asked before they went there. A record that comes twice is a `duplicate`.
-- `moved`: a process that still takes the database for the log, while messages live in Kafka, is refused.
create or replace function append_records(orgs uuid[], conversation_ids uuid[], records json, process text, overlays boolean)
returns table (i integer, verdict text, seq bigint, id uuid, created_at timestamptz, previous_seq bigint)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    log_position bigint;
    is_elsewhere boolean;
    payload text;
begin
    perform set_config('crewhall.orgs', orgs::text, true);
    perform 1 from conversation_heads h where h.conversation_id = any (conversation_ids)
        order by h.conversation_id for update;
    select pg_current_xact_id()::text::bigint + n.log_offset, n.log_engine = 'kafka' into log_position, is_elsewhere
    from installation n;

    return query
    with input as materialized (
        select * from json_to_recordset(records) as r (
            i integer, org uuid, conv uuid, id uuid, type text, target uuid, author_type text, author uuid,
            author_name text, role text, kind text, title text, content text, html text, metadata jsonb, parent uuid,
            mentions uuid[], client_id text, digest text, version bigint, at timestamptz, given bigint)
    ), judged as materialized (
        select n.*, h.last_seq, d.seq as known_seq, d.id as known_id, d.created_at as known_at,
               case when is_elsewhere and n.at is null then 'moved'
                    when h.conversation_id is null or (not h.is_open and n.at is null) then 'gone'
                    when d.seq is not null and (d.id = n.id or d.body_digest = decode(n.digest, 'hex')) then 'duplicate'
                    when d.seq is not null then 'conflict'
                    when n.version is not null and n.at is null and n.version <> h.membership_version then 'stale'
                    else 'new' end as verdict
        from input n
        left join lateral (
            select * from conversation_heads c where c.conversation_id = n.conv and c.org_id = n.org offset 0) h on true
        left join lateral (
            select e.seq, e.id, e.created_at, e.body_digest from message_records e
            where n.client_id is not null and e.conversation_id = n.conv and e.author_id = n.author
              and e.client_id = n.client_id
            union all
            select e.seq, e.id, e.created_at, e.body_digest from message_records e
            where n.at is not null and e.conversation_id = n.conv and e.id = n.id
            limit 1) d on true
    ), numbered as materialized (
        select g.*, coalesce(g.given, g.last_seq + row_number() over (partition by g.conv order by g.i)) as new_seq
        from judged g where g.verdict = 'new'
    ), inserted as (
        insert into message_records (
            conversation_id, seq, org_id, id, type, target_id, author_type, author_id, author_name, role, kind, title,
            content, html, metadata, parent_id, mentions, client_id, body_digest, created_at, position)
        select conv, new_seq, org, numbered.id, type, target, author_type, author, author_name, role, kind, title,
               content, html, metadata, parent, mentions, client_id,
               case when client_id is not null then decode(digest, 'hex') end, coalesce(at, now()), log_position
        from numbered
    ), moved as (
        update conversation_heads h
        set last_seq = greatest(h.last_seq, n.top), message_count = h.message_count + n.messages, last_active_at = now()
        from (select conv, max(new_seq) as top, count(*) filter (where type = 'message') as messages
              from numbered group by conv) n
        where h.conversation_id = n.conv
    )
    select g.i, g.verdict, coalesce(n.new_seq, g.known_seq), coalesce(n.id, g.known_id),
           coalesce(g.known_at, g.at, now()), g.last_seq
    from judged g left join numbered n on n.i = g.i
    order by g.i;

    if overlays then
        perform apply_new_overlays(records, log_position);
    end if;

    select string_agg(h.conversation_id || ':' || h.last_seq, ',') into payload
    from conversation_heads h where h.conversation_id = any (conversation_ids);
    perform pg_notify('crewhall_records', process || '|' || case when length(payload) < 7800 then payload else '*' end);
end $$;

-- Applies the batch's overlay records and replies that this transaction has written, in order of seq.
create function apply_new_overlays(records json, at_position bigint) returns void language plpgsql volatile as $$
declare
    entry message_records;
begin
    for entry in
        select m.* from json_to_recordset(records) as r (id uuid)
        join message_records m on m.id = r.id
        where m.position = at_position and (m.type <> 'message' or m.parent_id is not null)
        order by m.conversation_id, m.seq
    loop
        perform apply_overlay(entry);
    end loop;
end $$;
drop function apply_overlays(json);

-- Writes what follows in topics from where each was believed to be read: the rows and the next offsets, or nothing. `places` is
-- a JSON array of {topic, partition, from, to, refusals: [{at, id, reason}]}.
create function project_records(
    places json, orgs uuid[], conversation_ids uuid[], records json, process text, overlays boolean)
returns table (i integer, verdict text, seq bigint, id uuid, created_at timestamptz, previous_seq bigint)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    moved integer;
begin
    with wanted as (
        select p.* from json_to_recordset(places) as p (topic text, partition integer, "from" bigint, "to" bigint)
    ), held as materialized (
        select l.topic, l.partition, w."to" from log_partitions l
        join wanted w on w.topic = l.topic and w.partition = l.partition and w."from" = l.next_offset
        order by l.topic, l.partition for update of l
    )
    update log_partitions l set next_offset = h."to" from held h where l.topic = h.topic and l.partition = h.partition;
    get diagnostics moved = row_count;
    if moved <> json_array_length(places) then
        raise exception 'another projector has read on' using errcode = 'CW001';
    end if;
    insert into log_refusals (topic, partition, record_offset, record_id, reason)
    select p.topic, p.partition, f.at, f.id, left(f.reason, 500)
    from json_to_recordset(places) as p (topic text, partition integer, refusals json)
    cross join lateral json_to_recordset(coalesce(p.refusals, '[]')) as f (at bigint, id uuid, reason text)
    on conflict do nothing;
    if json_array_length(records) > 0 then
        return query select a.* from append_records_with_files(orgs, conversation_ids, records, process, overlays) a;
    elsif exists (
        select from json_to_recordset(places) as p (refusals json)
        cross join lateral json_to_recordset(coalesce(p.refusals, '[]')) as f (id uuid) where f.id is not null) then
        perform pg_notify('crewhall_records', process || '|*');
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------- proving

-- For the operator: puts rows of a conversation right as its topic has them. `wrong` are seqs that hold something else, or that the
-- topic does not have; `records` what belongs there. Consumers do not follow it again: what is new has position 0.
create function put_right(in_conversation uuid, wrong bigint[], records json) returns void language plpgsql volatile as $$
begin
    perform set_config('crewhall.purging', 'on', true);
    perform from conversation_heads h where h.conversation_id = in_conversation for update;
    with old as (
        delete from message_records r where r.conversation_id = in_conversation and r.seq = any (wrong)
        returning r.seq, r.position
    )
    insert into message_records (
        conversation_id, seq, org_id, id, type, target_id, author_type, author_id, author_name, role, kind, title,
        content, html, metadata, parent_id, mentions, client_id, body_digest, created_at, position)
    select n.conv, n.given, n.org, n.id, n.type, n.target, n.author_type, n.author, n.author_name, n.role, n.kind, n.title,
           n.content, n.html, n.metadata, n.parent, n.mentions, n.client_id,
           case when n.client_id is not null then decode(n.digest, 'hex') end, n.at, coalesce(o.position, 0)
    from json_to_recordset(records) as n (
        org uuid, conv uuid, id uuid, type text, target uuid, author_type text, author uuid, author_name text, role text,
        kind text, title text, content text, html text, metadata jsonb, parent uuid, mentions uuid[], client_id text,
        digest text, at timestamptz, given bigint)
    left join old o on o.seq = n.given;
    update conversation_heads h
    set last_seq = n.last_seq, message_count = n.messages
    from (select coalesce(max(r.seq), 0) as last_seq, count(*) filter (where r.type = 'message') as messages
          from message_records r where r.conversation_id = in_conversation) n
    where h.conversation_id = in_conversation;
    perform set_config('crewhall.purging', 'off', true);
end $$;
call make_definer('put_right(uuid, bigint[], json)');
revoke execute on function put_right(uuid, bigint[], json) from crewhall_app;
grant execute on function put_right(uuid, bigint[], json) to crewhall_admin;

-- For the operator: lays a conversation's overlays anew, from its records alone. The caller's transaction decides whether they stay.
create function lay_overlays_anew(in_conversation uuid) returns void language plpgsql volatile as $$
declare
    entry message_records;
begin
    perform from conversation_heads h where h.conversation_id = in_conversation for update;
    delete from message_overlays o where o.conversation_id = in_conversation;
    for entry in
        select r.* from message_records r
        where r.conversation_id = in_conversation and (r.type <> 'message' or r.parent_id is not null)
        order by r.seq
    loop
        perform apply_overlay(entry);
    end loop;
end $$;
revoke all on function lay_overlays_anew(uuid) from public;
