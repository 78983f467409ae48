-- Messages by meaning: vectors of messages, derived behind the log, and the search among those within reach.

-- ---------------------------------------------------------------------------------------------- vectors

-- What messages mean, one table for each dimension, as with chunks. `edit_count` says which text was embedded: the vector of a former
-- text is never compared. A row goes with its row of `message_search`, so with its message.
create table message_embeddings_384 (
    message_id uuid not null references message_search on delete cascade,
    model text not null constraint message_embeddings_384_model check (length(model) between 1 and 200),
    org_id uuid not null,
    conversation_id uuid not null,
    edit_count integer not null constraint message_embeddings_384_edit_count check (edit_count >= 0),
    embedding halfvec(384) not null,
    primary key (message_id, model)
);
create index message_embeddings_384_nearest on message_embeddings_384
    using hnsw (embedding halfvec_cosine_ops) with (ef_construction = 128);
create index message_embeddings_384_place on message_embeddings_384 (org_id, model, conversation_id);
call secure_tenant_table('message_embeddings_384');

create table message_embeddings_1536 (
    message_id uuid not null references message_search on delete cascade,
    model text not null constraint message_embeddings_1536_model check (length(model) between 1 and 200),
    org_id uuid not null,
    conversation_id uuid not null,
    edit_count integer not null constraint message_embeddings_1536_edit_count check (edit_count >= 0),
    embedding halfvec(1536) not null,
    primary key (message_id, model)
);
create index message_embeddings_1536_nearest on message_embeddings_1536
    using hnsw (embedding halfvec_cosine_ops) with (ef_construction = 128);
create index message_embeddings_1536_place on message_embeddings_1536 (org_id, model, conversation_id);
call secure_tenant_table('message_embeddings_1536');

-- By which model an organization's messages are searched, and which one takes its place when all messages have come to it
-- (`next_model`). Those written before are gone through from the newest on: `before_id` is how far that is, `done` of about `total`
-- were looked at, `filled_at` says when that ended. `former`: models whose vectors are still to go.
create table message_indexes (
    org_id uuid primary key references organizations,
    model text not null constraint message_indexes_model check (length(model) between 1 and 200),
    next_model text constraint message_indexes_next_model check (length(next_model) between 1 and 200 and next_model <> model),
    former text[] not null default '{}',
    before_id uuid not null default 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    total bigint not null default 0,
    done bigint not null default 0,
    begun_at timestamptz not null default now(),
    filled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index message_indexes_unfilled on message_indexes (updated_at) where filled_at is null;
call secure_tenant_table('message_indexes');
call keep_updated_at('message_indexes');

-- Messages that have no vector yet of what they say. `look_at`: when a process is to take it, set anew while one has it, so that
-- another takes over from one that died; `attempt` fences what is written. `is_past`: found while going through what was written before.
create table unembedded_messages (
    message_id uuid primary key references message_search on delete cascade,
    org_id uuid not null,
    is_past boolean not null default false,
    attempt integer not null default 0,
    look_at timestamptz not null default clock_timestamp()
);
create index unembedded_messages_due on unembedded_messages (is_past, look_at);
create index unembedded_messages_org on unembedded_messages (org_id) where is_past;
call secure_tenant_table('unembedded_messages');

create function searched_message_model() returns text language sql stable as $$
    select i.model from message_indexes i where i.org_id = (current_orgs())[1]
$$;
grant execute on function searched_message_model() to crewhall_app;

-- ---------------------------------------------------------------------------------------------- what is embedded

-- Whether a text says enough to mean something by itself: four words, or eight letters of a language without spaces. Links say nothing.
create function says_enough(body text) returns boolean language sql immutable parallel safe as $$
    select case when is_spaceless(t.words) then length(regexp_replace(t.words, '[\s[:punct:][:digit:]]', '', 'g')) >= 8
           else (select count(*) >= 4 from regexp_matches(t.words, '[^\s[:punct:][:digit:]]{2,}', 'g')) end
    from (select regexp_replace(left(body, 2000), '\S+://\S+', ' ', 'g') as words) t
$$;

-- The text of a message as it stands now, and which one it is; no row where it is not embedded: it says too little, nobody
-- said it (system, tools), or it stands where nobody searches (agents' inboxes).
create function embedded_message(in_conversation uuid, at_seq bigint) returns table (body text, edit_count integer)
    language sql stable as $$
    select t.body, coalesce(o.edit_count, 0)
    from message_records r
    join conversations c on c.id = r.conversation_id and c.kind <> 'agent'
    left join message_overlays o on o.message_id = r.id
    cross join lateral (
        select left(concat_ws(e'\n', coalesce(o.title, r.title), coalesce(o.content, r.content)), 20000) as body) t
    where r.conversation_id = in_conversation and r.seq = at_seq and r.type = 'message'
      and r.author_type <> 'system' and r.role in ('user', 'assistant') and o.deleted_at is null and says_enough(t.body)
$$;
grant execute on function says_enough(text), embedded_message(uuid, bigint) to crewhall_definer;

-- ---------------------------------------------------------------------------------------------- following the log

insert into consumer_checkpoints (consumer, position, conversation_id, seq)
select 'meaning', k.position, k.conversation_id, k.seq from consumer_checkpoints k where k.consumer = 'search';

-- Notes what the next records of the log leave to be embedded, and forgets what edited messages meant; gives the number of records seen. Goes no
-- further than search has come: a vector stands beside its message's row there. An organization that is met first is begun.
create function follow_messages(of_model text, size integer) returns integer language plpgsql volatile as $$
declare
    checkpoint consumer_checkpoints;
    searched consumer_checkpoints;
    taken integer;
    noted integer;
begin
    select * into checkpoint from consumer_checkpoints where consumer = 'meaning' for update skip locked;
    if not found then
        return 0;
    end if;
    select * into searched from consumer_checkpoints where consumer = 'search';
    with batch as materialized (
        select l.* from log_after(checkpoint.position, checkpoint.conversation_id, checkpoint.seq, size) l
        where (l.position, l.conversation_id, l.seq) <= (searched.position, searched.conversation_id, searched.seq)
    ), touched as materialized (
        select coalesce(b.target_id, b.id) as message_id, bool_or(b.type = 'edit') as is_changed
        from batch b where b.type in ('message', 'edit') group by 1
    ), outdated as (
        delete from message_embeddings_384 e using touched t where t.is_changed and e.message_id = t.message_id
    ), outdated_too as (
        delete from message_embeddings_1536 e using touched t where t.is_changed and e.message_id = t.message_id
    ), worth as materialized (
        select s.message_id, s.org_id, t.is_changed
        from touched t
        join message_search s on s.message_id = t.message_id
        cross join lateral embedded_message(s.conversation_id, s.seq) m
        for key share of s skip locked
    ), begun as (
        insert into message_indexes (org_id, model) select distinct w.org_id, of_model from worth w on conflict do nothing
    ), put as (
        insert into unembedded_messages as u (message_id, org_id, attempt)
        select w.message_id, w.org_id, w.is_changed::integer from worth w
        on conflict (message_id) do update set attempt = u.attempt + 1, look_at = excluded.look_at where excluded.attempt > 0
        returning 1
    ), last as (
        select position, conversation_id, seq from batch order by position desc, conversation_id desc, seq desc limit 1
    ), moved as (
        update consumer_checkpoints k
        set position = l.position, conversation_id = l.conversation_id, seq = l.seq, updated_at = now()
        from last l where k.consumer = 'meaning'
    )
    select (select count(*) from batch), (select count(*) from put) into taken, noted;
    if noted > 0 then
        perform pg_notify('crewhall_unembedded', '');
    end if;
    return taken;
end $$;
call make_definer('follow_messages(text, integer)');

-- ---------------------------------------------------------------------------------------------- what was written before

-- Has the messages of every organization brought to a model: those that have none are begun, those of another go through all again.
create function index_messages(of_model text) returns void language plpgsql volatile as $$
begin
    insert into message_indexes as i (org_id, model, total)
    select o.id, of_model, coalesce((
        select sum(h.message_count) from conversation_heads h where h.org_id = o.id), 0)
    from organizations o
    where not exists (
        select from message_indexes k where k.org_id = o.id and coalesce(k.next_model, k.model) = of_model)
    on conflict (org_id) do update
    set next_model = nullif(of_model, i.model),
        former = array_remove(case when i.next_model is null then i.former else array_append(i.former, i.next_model) end, of_model),
        before_id = default, total = excluded.total, done = 0, begun_at = now(), filled_at = null;
end $$;
call make_definer('index_messages(text)');

-- Looks at the next messages of the organization that has waited longest; gives how many, 0 when all organizations are through, or
-- another process is at the last one. What has a vector of the model already is left alone, so nothing is embedded twice.
create function fill_unembedded(of_model text, of_dimension integer, size integer) returns integer language plpgsql volatile as $$
declare
    filling message_indexes;
    taken integer;
    last_id uuid;
begin
    select * into filling from message_indexes i
    where i.filled_at is null and coalesce(i.next_model, i.model) = of_model
    order by i.updated_at limit 1 for update skip locked;
    if not found then
        return 0;
    end if;
    execute format($fill$
        with next as materialized (
            select s.message_id, s.conversation_id, s.seq from message_search s
            where s.org_id = $1 and s.message_id < $2 order by s.message_id desc limit $3 for key share skip locked
        ), put as (
            insert into unembedded_messages (message_id, org_id, is_past)
            select n.message_id, $1, true from next n cross join lateral embedded_message(n.conversation_id, n.seq) m
            where not exists (select from %I e where e.message_id = n.message_id and e.model = $4 and e.edit_count = m.edit_count)
            on conflict do nothing
        )
        select count(*), (array_agg(message_id order by message_id))[1] from next
        $fill$, 'message_embeddings_' || of_dimension)
        into taken, last_id using filling.org_id, filling.before_id, size, of_model;
    if taken = 0 then
        update message_indexes set filled_at = now(), done = total where org_id = filling.org_id;
        return 1; -- perhaps not the only one: look again
    end if;
    update message_indexes set before_id = last_id, done = done + taken where org_id = filling.org_id;
    return taken;
end $$;
call make_definer('fill_unembedded(text, integer, integer)');

-- What was taken in of the past stands before what consumers follow: it is gone through as what was written before.
create function fill_past(in_conversation uuid, after_seq bigint) returns void language sql volatile as $$
    update message_indexes i
    set before_id = greatest(i.before_id, coalesce((
            select s.message_id from message_search s where s.org_id = i.org_id and s.message_id > p.newest
            order by s.message_id limit 1), 'ffffffff-ffff-ffff-ffff-ffffffffffff')),
        total = i.total + p.count, filled_at = null
    from (select r.org_id, count(*) as count, (array_agg(r.id order by r.id desc))[1] as newest from message_records r
          where r.conversation_id = in_conversation and r.seq > after_seq and r.type = 'message' group by r.org_id) p
    where i.org_id = p.org_id and i.org_id = any (current_orgs());
    select pg_notify('crewhall_unembedded', '');
$$;
call make_definer('fill_past(uuid, bigint)');
do $$
declare
    is_now text := pg_get_functiondef('take_past(uuid, json)'::regprocedure);
    was constant text := 'perform pg_notify(''crewhall_records'', ''import|''';
begin
    if position(was in is_now) = 0 then
        raise exception 'take_past does not read as it was written';
    end if;
    execute replace(is_now, was, e'perform fill_past(in_conversation, head.last_seq);\n    ' || was);
end $$;

-- ---------------------------------------------------------------------------------------------- a batch

-- Takes messages for two minutes, new ones first, and gives their texts; what has its vector already, or needs none, is done with.
create function take_unembedded(of_model text, of_dimension integer, most integer)
returns table (message_id uuid, attempt integer, edit_count integer, is_past boolean, body text) language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query execute format($take$
        with due as materialized (
            select u.message_id from unembedded_messages u
            join message_indexes i on i.org_id = u.org_id and coalesce(i.next_model, i.model) = $1
            where u.look_at <= clock_timestamp()
            order by u.is_past, u.look_at limit $2 for update of u skip locked
        ), read as materialized (
            select d.message_id, m.body, m.edit_count, exists (
                       select from %I e where e.message_id = d.message_id and e.model = $1 and e.edit_count = m.edit_count) as is_known
            from due d
            join message_search s on s.message_id = d.message_id
            left join lateral embedded_message(s.conversation_id, s.seq) m on true
        ), done as (
            delete from unembedded_messages u using read r
            where u.message_id = r.message_id and (r.body is null or r.is_known)
        ), taken as (
            update unembedded_messages u
            set attempt = u.attempt + 1, look_at = clock_timestamp() + interval '2 minutes'
            from read r where u.message_id = r.message_id and r.body is not null and not r.is_known
            returning u.message_id, u.attempt, r.edit_count, u.is_past, r.body
        )
        select * from taken
        $take$, 'message_embeddings_' || of_dimension) using of_model, most;
end $$;
call make_definer('take_unembedded(text, integer, integer)');

-- Keeps the vectors of messages that are still ours; one without a vector is given up. Gives how many are kept.
create function keep_embedded(
    of_model text, of_dimension integer, ids uuid[], attempts integer[], edit_counts integer[], vectors text[])
returns integer language plpgsql volatile as $$
declare
    held uuid[];
    kept integer;
begin
    -- locked as who deletes a message locks them: its row in search first, then what hangs on it
    held := array(select s.message_id from message_search s where s.message_id = any (ids)
                  order by s.message_id for key share skip locked);
    execute format($keep$
        with ours as (
            delete from unembedded_messages u
            using unnest($2, $3, $4, $5) as w (id, attempt, edit_count, vector)
            where u.message_id = w.id and u.attempt = w.attempt and w.id = any ($6)
            returning w.id, w.edit_count, w.vector
        )
        insert into %1$I (message_id, model, org_id, conversation_id, edit_count, embedding)
        select s.message_id, $1, s.org_id, s.conversation_id, o.edit_count, o.vector::halfvec(%2$s)
        from ours o join message_search s on s.message_id = o.id where o.vector is not null
        on conflict (message_id, model) do update set edit_count = excluded.edit_count, embedding = excluded.embedding
        $keep$, 'message_embeddings_' || of_dimension, of_dimension) using of_model, ids, attempts, edit_counts, vectors, held;
    get diagnostics kept = row_count;
    return kept;
end $$;
call make_definer('keep_embedded(text, integer, uuid[], integer[], integer[], text[])');

-- Lets others take messages at once that a process had taken.
create function leave_unembedded(ids uuid[], attempts integer[]) returns void language sql volatile as $$
    update unembedded_messages u set attempt = u.attempt + 1, look_at = clock_timestamp()
    from unnest(ids, attempts) as w (id, attempt) where u.message_id = w.id and u.attempt = w.attempt;
    select pg_notify('crewhall_unembedded', '');
$$;
call make_definer('leave_unembedded(uuid[], integer[])');

-- Seconds until somebody is to look again; null when nothing is left to do. While messages are gone through, whoever does may die.
create function next_unembedded(of_model text) returns double precision language sql stable as $$
    select least(
        (select extract(epoch from min(u.look_at) - clock_timestamp())::double precision from unembedded_messages u
         join message_indexes i on i.org_id = u.org_id and coalesce(i.next_model, i.model) = of_model),
        (select 120.0 from message_indexes i
         where i.filled_at is null and coalesce(i.next_model, i.model) = of_model limit 1))
$$;
call make_definer('next_unembedded(text)');

-- Lets searches of organizations ask the new model whose messages have all come to it, and forgets vectors of former ones, so many at
-- a time; gives how many went.
create function settle_messages(of_model text, most integer) returns integer language plpgsql volatile as $$
declare
    gone integer;
    more integer;
begin
    update message_indexes i
    set former = array_append(array_remove(i.former, of_model), i.model), model = of_model, next_model = null
    where i.next_model = of_model and i.filled_at is not null and not exists (
        select from unembedded_messages u where u.org_id = i.org_id and u.is_past);
    with stale as (
        select e.message_id, e.model from message_indexes i
        join message_embeddings_384 e on e.org_id = i.org_id and e.model = any (i.former)
        where i.former <> '{}' and i.model = of_model and e.model <> of_model limit most)
    delete from message_embeddings_384 e using stale s where e.message_id = s.message_id and e.model = s.model;
    get diagnostics gone = row_count;
    with stale as (
        select e.message_id, e.model from message_indexes i
        join message_embeddings_1536 e on e.org_id = i.org_id and e.model = any (i.former)
        where i.former <> '{}' and i.model = of_model and e.model <> of_model limit most)
    delete from message_embeddings_1536 e using stale s where e.message_id = s.message_id and e.model = s.model;
    get diagnostics more = row_count;
    if gone + more = 0 then
        update message_indexes i set former = '{}' where i.former <> '{}' and i.model = of_model and i.next_model is null;
    end if;
    return gone + more;
end $$;
call make_definer('settle_messages(text, integer)');

-- ---------------------------------------------------------------------------------------------- searching

-- The messages within the caller's reach whose meaning is nearest to a vector's, of those that one model has embedded and that pass
-- the filters. Tenant, actor and those for whom it acts come from the transaction, never from arguments. What was edited since it was embedded, or
-- deleted, is not there, whatever follows the log.
--
-- A narrow reach is gone through whole, as with chunks (`chunks_by_meaning` says why): messages that filters leave, if those are
-- few, or those of the conversations within reach. Else the index is walked.
create function messages_by_meaning(meaning halfvec, by_model text, f search_filters, size integer)
returns table (message_id uuid, distance double precision) language plpgsql stable as $$
#variable_conflict use_column
declare
    few constant integer := 5000;
    current constant text := $current$(
        select o.deleted_at is null and o.edit_count = e.edit_count
        from message_overlays o where o.message_id = e.message_id) is not false$current$;
    org uuid := (current_orgs())[1];
    place text := 'message_embeddings_' || vector_dims(meaning);
    reach uuid[] := array(
        select r from reachable_conversations() r
        where (f.places is null or r = any (f.places)) and (f.not_places is null or not r = any (f.not_places)));
    is_narrowed boolean := num_nonnulls(
        f.authors, f.kinds, f.holds, f.not_authors, f.not_kinds, f.not_holds, f.since, f.until) > 0;
    passing constant text := $passing$(
        select passes(s.conversation_id, s.author_id, s.kind, s.holds, s.created_at, $6)
               and ($6.authors is null or s.author_id = any ($6.authors))
        from message_search s where s.message_id = e.message_id)$passing$;
    left_over uuid[];
    rows_in_reach double precision;
    total double precision;
    found_ids uuid[];
    distances double precision[];
begin
    if reach = '{}' then
        return;
    end if;
    if is_narrowed then
        left_over := array(
            select s.message_id from filtered_search(
                org, reach, only_one(reach), only_one(f.authors), only_one(f.kinds), f,
                case when f.since is not null then first_id_at(f.since - interval '1 hour') end,
                least('ffffffff-ffff-ffff-ffff-ffffffffffff', first_id_at(f.until + interval '1 hour'))) s
            where f.authors is null or s.author_id = any (f.authors)
            order by s.message_id desc limit few + 1);
        if cardinality(left_over) <= few then
            return query execute format($few$
                with compared as materialized (
                    select e.message_id, e.edit_count, e.embedding <=> $1 as distance
                    from unnest($2) as left_over (id) join %I e on e.message_id = left_over.id and e.model = $3
                    order by 3, 1)
                select e.message_id, e.distance from compared e where %s limit $4
                $few$, place, current) using meaning, left_over, by_model, size;
            return;
        end if;
    end if;
    rows_in_reach := (select sum(h.message_count) from conversation_heads h where h.conversation_id = any (reach));
    total := greatest(1, (select c.reltuples from pg_class c where c.oid = place::regclass));
    if rows_in_reach * rows_in_reach > 10 * size * total and rows_in_reach > 3000 then
        perform set_config('hnsw.ef_search', '400', true), set_config('hnsw.iterative_scan', 'strict_order', true),
                set_config('hnsw.max_scan_tuples', '20000', true);
        execute format($walk$
            with walked as materialized (
                select e.message_id, e.embedding <=> $1 as distance from %I e
                where e.org_id = $2 and e.model = $3 and (e.conversation_id in (select unnest($4))) is true
                  and %s and (not $7 or %s)
                order by e.embedding <=> $1 limit $5)
            select array_agg(message_id order by distance), array_agg(distance order by distance) from walked
            $walk$, place, current, passing)
            into found_ids, distances using meaning, org, by_model, reach, size, f, is_narrowed;
        if cardinality(found_ids) >= size then
            return query select t.id, t.away from unnest(found_ids, distances) as t (id, away);
            return;
        end if;
    end if;
    return query execute format($whole$
        with compared as materialized (
            select e.message_id, e.edit_count, e.embedding <=> $1 as distance
            from unnest($4) r (id)
            join %I e on e.org_id = $2 and e.model = $3 and e.conversation_id = r.id
            order by 3, 1)
        select e.message_id, e.distance from compared e where %s and (not $7 or %s) limit $5
        $whole$, place, current, passing) using meaning, org, by_model, reach, size, f, is_narrowed;
end $$;
call make_definer('messages_by_meaning(halfvec, text, search_filters, integer)');
