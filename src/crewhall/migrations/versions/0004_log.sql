-- The message log on Postgres: one function appends a batch, readers and consumers have one each.

-- Appends a batch of records. `conversation_ids` are the batch's distinct conversations, `records` a JSON array with one
-- object per record. Heads are locked in order of id, so that batches of several processes never deadlock and order of
-- seq is order of commit. Gives one row per record: verdict `new`, `duplicate` (the same client id and body: the first
-- record's seq), `conflict` (the same client id, another body), `stale` (membership changed since the access check) or
-- `gone` (no such conversation, or closed). Runs as the caller: it sets the batch's organizations for the transaction,
-- and row-level security holds for every row.
create function append_records(orgs uuid[], conversation_ids uuid[], records json, process text, overlays boolean)
returns table (i integer, verdict text, seq bigint, id uuid, created_at timestamptz, previous_seq bigint)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    log_position bigint;
    payload text;
begin
    perform set_config('crewhall.orgs', orgs::text, true);
    perform 1 from conversation_heads h where h.conversation_id = any (conversation_ids)
        order by h.conversation_id for update;
    log_position := pg_current_xact_id()::text::bigint + (select n.log_offset from installation n);

    return query
    with input as materialized (
        select * from json_to_recordset(records) as r (
            i integer, org uuid, conv uuid, id uuid, type text, target uuid, author_type text, author uuid,
            author_name text, role text, kind text, title text, content text, html text, metadata jsonb, parent uuid,
            mentions uuid[], client_id text, digest text, version bigint)
    ), judged as materialized (
        select n.*, h.last_seq, d.seq as known_seq, d.id as known_id, d.created_at as known_at,
               case when h.conversation_id is null or not h.is_open then 'gone'
                    when d.seq is not null and d.body_digest = decode(n.digest, 'hex') then 'duplicate'
                    when d.seq is not null then 'conflict'
                    when n.version is not null and n.version <> h.membership_version then 'stale'
                    else 'new' end as verdict
        from input n
        left join lateral (select * from conversation_heads c where c.conversation_id = n.conv offset 0) h on true
        left join lateral (
            select e.seq, e.id, e.created_at, e.body_digest from message_records e
            where n.client_id is not null and e.conversation_id = n.conv and e.author_id = n.author
              and e.client_id = n.client_id offset 0) d on true
    ), numbered as materialized (
        select g.*, g.last_seq + row_number() over (partition by g.conv order by g.i) as new_seq
        from judged g where g.verdict = 'new'
    ), inserted as (
        insert into message_records (
            conversation_id, seq, org_id, id, type, target_id, author_type, author_id, author_name, role, kind, title,
            content, html, metadata, parent_id, mentions, client_id, body_digest, position)
        select conv, new_seq, org, numbered.id, type, target, author_type, author, author_name, role, kind, title,
               content, html, metadata, parent, mentions, client_id,
               case when client_id is not null then decode(digest, 'hex') end, log_position
        from numbered
    ), moved as (
        update conversation_heads h
        set last_seq = n.top, message_count = h.message_count + n.messages, last_active_at = now()
        from (select conv, max(new_seq) as top, count(*) filter (where type = 'message') as messages
              from numbered group by conv) n
        where h.conversation_id = n.conv
    )
    select g.i, g.verdict, coalesce(n.new_seq, g.known_seq), coalesce(n.id, g.known_id),
           coalesce(g.known_at, now()), g.last_seq
    from judged g left join numbered n on n.i = g.i
    order by g.i;

    if overlays then
        perform apply_overlays(records);
    end if;

    select string_agg(h.conversation_id || ':' || h.last_seq, ',') into payload
    from conversation_heads h where h.conversation_id = any (conversation_ids);
    perform pg_notify('crewhall_records', process || '|' || case when length(payload) < 7800 then payload else '*' end);
end $$;

-- Applies the batch's overlay records and replies that were written just now, in order of seq.
create function apply_overlays(records json) returns void language plpgsql volatile as $$
declare
    entry message_records;
begin
    for entry in
        select m.* from json_to_recordset(records) as r (id uuid)
        join message_records m on m.id = r.id
        where m.type <> 'message' or m.parent_id is not null
        order by m.conversation_id, m.seq
    loop
        perform apply_overlay(entry);
    end loop;
end $$;

-- What one record adds to the message it is about. The single place: appending and replay both come here.
create function apply_overlay(entry message_records) returns void language plpgsql volatile as $$
declare
    target uuid := case when entry.type = 'message' then entry.parent_id else entry.target_id end;
    who jsonb := jsonb_build_object('type', entry.author_type, 'id', entry.author_id);
begin
    if target is null or entry.type = 'delivery' then
        return;
    end if;
    insert into message_overlays (message_id, conversation_id, org_id, last_seq)
    values (target, entry.conversation_id, entry.org_id, entry.seq)
    on conflict (message_id) do update set last_seq = excluded.last_seq;
    case entry.type
    when 'message' then
        update message_overlays set reply_count = reply_count + 1, last_reply_at = entry.created_at
        where message_id = target;
    when 'edit' then
        update message_overlays set title = entry.title, content = entry.content, html = entry.html,
            mentions = entry.mentions, edit_count = edit_count + 1, edited_at = entry.created_at
        where message_id = target;
    when 'deletion' then
        update message_overlays set deleted_at = entry.created_at, deleted_by = entry.author_id, pinned_at = null,
            pinned_by = null, reactions = '{}'
        where message_id = target;
    when 'pin' then
        update message_overlays set pinned_at = entry.created_at, pinned_by = entry.author_id where message_id = target;
    when 'unpin' then
        update message_overlays set pinned_at = null, pinned_by = null where message_id = target;
    when 'reaction' then
        update message_overlays
        set reactions = jsonb_set(reactions, array[entry.content],
                                  coalesce(reactions -> entry.content, '[]') || jsonb_build_array(who))
        where message_id = target and not coalesce(reactions -> entry.content, '[]') @> jsonb_build_array(who);
    when 'unreaction' then
        update message_overlays
        set reactions = case
            when jsonb_array_length(coalesce(reactions -> entry.content, '[]')) <= 1
                 and coalesce(reactions -> entry.content, '[]') @> jsonb_build_array(who) then reactions - entry.content
            when reactions ? entry.content then jsonb_set(reactions, array[entry.content], coalesce((
                select jsonb_agg(item order by place)
                from jsonb_array_elements(reactions -> entry.content) with ordinality as e (item, place)
                where item <> who), '[]'))
            else reactions end
        where message_id = target;
    else
        null;
    end case;
end $$;

-- The wire form of a time, the same from SQL and from Python.
create function wire_time(moment timestamptz) returns text language sql stable parallel safe
    as $$ select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- A message as every face shows it (docs/internals.md), as JSON text. Written out by hand: a page of 50 takes a third of the
-- time that json_build_object takes.
create function message_text(m messages) returns text language sql stable parallel safe as $$
    select format(
        '{"id":"%s","conversation_id":"%s","seq":%s,"type":"message","author":{"type":"%s","id":"%s","name":%s},'
        '"role":"%s","kind":"%s","status":"%s","title":%s,"content":%s,"html":%s,"metadata":%s,"parent_id":%s,'
        '"mentions":%s,"client_id":%s,"created_at":"%s","edited_at":%s,"deleted_at":%s,"pinned_at":%s,"reactions":%s,'
        '"reply_count":%s,"last_reply_at":%s}',
        m.id, m.conversation_id, m.seq, m.author_type, m.author_id, to_json(m.author_name), m.role, m.kind, m.status,
        coalesce(to_json(m.title)::text, 'null'), to_json(m.content), coalesce(to_json(m.html)::text, 'null'),
        coalesce(m.metadata::text, '{}'), coalesce('"' || m.parent_id || '"', 'null'),
        case when m.mentions is null then '[]' else to_json(m.mentions)::text end,
        coalesce(to_json(m.client_id)::text, 'null'), wire_time(m.created_at),
        coalesce('"' || wire_time(m.edited_at) || '"', 'null'), coalesce('"' || wire_time(m.deleted_at) || '"', 'null'),
        coalesce('"' || wire_time(m.pinned_at) || '"', 'null'), m.reactions, m.reply_count,
        coalesce('"' || wire_time(m.last_reply_at) || '"', 'null'))
$$;
create function message_wire(m messages) returns json language sql stable parallel safe
    as $$ select message_text(m)::json $$;

-- A page of messages as JSON text, with its first and last seq and its length, in one round trip: the statement sets its
-- own scope. `forward` reads up from `bound`, otherwise down from it; `thread` reads the replies to one message, upwards.
-- The caller has checked access to the conversation. One plan serves every page: planning each anew doubles its time.
create function read_messages(
    orgs uuid[], in_conversation uuid, forward boolean, bound bigint, thread uuid, size integer)
returns table (items text, first bigint, last bigint, length bigint) language plpgsql volatile
set plan_cache_mode = force_generic_plan as $$
begin
    perform set_config('crewhall.orgs', orgs::text, true);
    if thread is not null then
        return query select '[' || string_agg(message_text(p), ',' order by p.seq) || ']', min(p.seq), max(p.seq), count(*)
            from (select m.* from messages m
                  where m.parent_id = thread and m.conversation_id = in_conversation and m.seq > bound
                  order by m.seq limit size) p;
    elsif forward then
        return query select '[' || string_agg(message_text(p), ',' order by p.seq) || ']', min(p.seq), max(p.seq), count(*)
            from (select m.* from messages m where m.conversation_id = in_conversation and m.seq > bound
                  order by m.seq limit size) p;
    else
        return query select '[' || string_agg(message_text(p), ',' order by p.seq) || ']', min(p.seq), max(p.seq), count(*)
            from (select m.* from messages m where m.conversation_id = in_conversation and m.seq < bound
                  order by m.seq desc limit size) p;
    end if;
end $$;

-- How far consumers may read: positions below this belong to transactions that have ended.
create function log_horizon() returns bigint language sql stable security definer set search_path = public, pg_temp
    as $$ select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + n.log_offset from installation n $$;

-- The next records of every conversation after a checkpoint, for consumers of the log (the system: all tenants).
create function log_after(at_position bigint, at_conversation uuid, at_seq bigint, size integer)
returns setof message_records language sql stable security definer set search_path = public, pg_temp as $$
    select r.* from message_records r
    where (r.position, r.conversation_id, r.seq) > (at_position, at_conversation, at_seq)
      and r.position < (select log_horizon())
    order by r.position, r.conversation_id, r.seq limit size
$$;

-- A restored or upgraded cluster counts transactions anew: move the offset so that positions never run backwards.
create function align_log_clock() returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
    cluster text := (select system_identifier::text from pg_control_system());
    top bigint;
begin
    perform pg_advisory_xact_lock(hashtext('crewhall.log_clock'));
    if (select n.cluster_id is not distinct from cluster from installation n) then
        return;
    end if;
    select greatest((select max(position) from message_records), (select max(position) from audit_log), 0) into top;
    update installation set cluster_id = cluster,
        log_offset = greatest(log_offset, top + 1 - pg_current_xact_id()::text::bigint);
end $$;

-- ---------------------------------------------------------------------------------------------- search

-- Which text needs trigrams: Han, kana, Hangul, Thai, Lao, Khmer, Myanmar write without spaces (or nearly).
create function is_spaceless(body text) returns boolean language sql immutable parallel safe
    as $$ select body ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]' $$;

-- Text without its accents, for those who type none: `cafe` for `café`, `Strasse` for `Straße`. Marks of other scripts, which
-- make other letters, stay. (A regular expression takes five times as long.)
create function without_accents(body text) returns text language sql immutable parallel safe as $$
    select case when octet_length(body) = length(body) then body else normalize(
        translate(normalize(replace(replace(replace(body, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), nfd), 'øØłŁđĐħĦı'
            || U&'\0301\0300\0308\0302\0303\0327\030C\0304\0306\0307\0309\030A\030B\031B\0323\0326\0328\0331\0324\030F\0311',
            'oOlLdDhHi'), nfc) end
$$;

-- Beside each configuration that takes word endings away, one that leaves words whole but for stop words: beginnings of
-- words are found by it, since `deploym` is no beginning of the `deploy` that `deployment` ends up as.
do $$
declare
    language record;
begin
    for language in
        select c.cfgname as name, substring(d.dictinitoption from 'stopwords = ''(\w+)''') as stopwords
        from pg_ts_config c left join pg_ts_dict d on d.dictname = c.cfgname || '_stem' and d.dictnamespace = c.cfgnamespace
        where c.cfgnamespace = 'pg_catalog'::regnamespace
    loop
        execute format('create text search dictionary whole_%s (template = simple%s)', language.name,
                       ', stopwords = ' || language.stopwords);
        execute format('create text search configuration whole_%s (copy = simple)', language.name);
        execute format('alter text search configuration whole_%1$s alter mapping replace simple with whole_%1$s',
                       language.name);
    end loop;
end $$;

create function whole_words(language regconfig, body text) returns tsvector language sql stable parallel safe
    as $$ select to_tsvector(('whole_' || language)::regconfig, without_accents(body)) $$;

-- What a text is found by: its words without their endings, the same without accents where it has any, and its words whole.
-- The gap keeps phrases from running from the one spelling into the other; of words in many thousands the first are
-- enough for the latter two, so that the longest text fits.
create function search_vector_of_accents(language regconfig, body text) returns tsvector language plpgsql stable parallel safe
as $$
declare
    found_by tsvector := to_tsvector(language, body);
    start text := left(body, 20000);
    plain text := without_accents(start);
begin
    if plain <> start then
        found_by := ts_delete(found_by || ''' '':9' || to_tsvector(language, plain), ' ');
    end if;
    return found_by || strip(whole_words(language, plain));
end $$;
create function search_vector(language regconfig, body text) returns tsvector language sql stable parallel safe as $$
    select case when octet_length(body) = length(body)
        then to_tsvector(language, body) || strip(whole_words(language, left(body, 20000)))
        else search_vector_of_accents(language, body) end
$$;

-- Words, "phrases", or and -not in either spelling. Without accents alone where something is excluded: that is to be
-- missing in both.
create function either_spelling(language regconfig, query text) returns tsquery language sql stable parallel safe as $$
    select case when written = plain or written::text like '%!%' then plain else written || plain end
    from (select websearch_to_tsquery(language, query) as written,
                 websearch_to_tsquery(language, without_accents(query)) as plain) as spellings
$$;

-- What a text's vector has to match: `query` as people type it, its last word standing for all that begin like it too,
-- unless it is quoted, excluded or a stop word. A number that nobody types holds the last word's place meanwhile.
create function search_query(language regconfig, query text) returns tsquery language plpgsql stable parallel safe as $$
declare
    place_holder constant text := '10293847561029384756';
    last text := (regexp_match(query, '(?:^|\s)([^\s"-][^\s"]*)$'))[1];
    beginnings text;
    endless tsquery;
begin
    if regexp_count(query, '"') % 2 = 0 and lower(last) <> 'or' then
        select string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''':*', ' & ') into beginnings
        from unnest(whole_words(language, last));
    end if;
    if beginnings is null then
        return either_spelling(language, query);
    end if;
    endless := either_spelling(language, last);
    return ts_rewrite(
        either_spelling(language, left(query, -length(last)) || place_holder), place_holder::tsquery,
        case when endless::text || ':*' = beginnings then beginnings::tsquery else endless || beginnings::tsquery end);
end $$;

-- Derives search rows from the next records; gives the number of records read. One process at a time: the checkpoint's
-- row is locked, and moves in the same transaction.
create function derive_search(size integer) returns integer language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    checkpoint consumer_checkpoints;
    taken integer;
begin
    select * into checkpoint from consumer_checkpoints where consumer = 'search' for update skip locked;
    if not found then
        return 0;
    end if;
    with batch as materialized (
        select * from log_after(checkpoint.position, checkpoint.conversation_id, checkpoint.seq, size)
    ), touched as (
        select distinct coalesce(b.target_id, b.id) as message_id from batch b where b.type in ('message', 'edit', 'deletion')
    ), current as materialized (
        select r.org_id, r.conversation_id, r.seq, r.id, r.author_id, r.kind, r.created_at, o.deleted_at,
               left(concat_ws(' ', coalesce(o.title, r.title), coalesce(o.content, r.content)), 100000) as body,
               g.search_language as language
        from touched t
        join message_records r on r.id = t.message_id and r.type = 'message'
        join organizations g on g.id = r.org_id
        left join message_overlays o on o.message_id = r.id
    ), removed as (
        delete from message_search s using current c where s.message_id = c.id and c.deleted_at is not null
    ), written as (
        insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, spaceless, created_at)
        select id, org_id, conversation_id, seq, author_id, kind, search_vector(language, body),
               case when is_spaceless(body) then lower(body) end, created_at
        from current where deleted_at is null
        on conflict (message_id) do update set vector = excluded.vector, spaceless = excluded.spaceless
    ), last as (
        select position, conversation_id, seq from batch order by position desc, conversation_id desc, seq desc limit 1
    ), moved as (
        update consumer_checkpoints k
        set position = l.position, conversation_id = l.conversation_id, seq = l.seq, updated_at = now()
        from last l where k.consumer = 'search'
    )
    select count(*) into taken from batch;
    return taken;
end $$;

-- The conversations within the caller's reach: public ones of its organization and those it is a member of; `system`
-- channels are for owners and admins.
create function reachable_conversations() returns setof uuid language sql stable security definer
set search_path = public, pg_temp as $$
    select c.id from conversations c
    where c.org_id = any (current_orgs()) and c.deleted_at is null and c.kind <> 'agent'
      and (c.type = 'public' or (c.type = 'system' and current_actor_role() in ('owner', 'admin'))
           or exists (select from conversation_members m where m.conversation_id = c.id
                      and m.member_type = current_actor_type() and m.member_id = current_actor()))
$$;

-- The share of all messages that the statistics expect to match; of words that they do not know, little.
create function matched_share(wanted tsquery) returns double precision language plpgsql volatile
set search_path = public, pg_temp as $$
declare
    plan json;
begin
    execute format('explain (format json) select from message_search s where s.vector @@ %L::tsquery', wanted) into plan;
    return (plan -> 0 -> 'Plan' ->> 'Plan Rows')::double precision / greatest(1, (
        select c.reltuples from pg_class c where c.oid = 'message_search'::regclass));
end $$;

-- Messages within the caller's reach that match, newest first. Tenant and actor come from the transaction, never from
-- arguments. The newest 2,000 rows answer a common word. Beyond them a word that stands there, or that the statistics know
-- as common (more so than as many words that they do not know: nobody has a blank for a word), is soon met by walking on;
-- any other has few matches, which the index names. Left alone, the planner walks for rare words too: 0.3 s in a million messages.
create function search_messages(query text, in_conversation uuid, before_id uuid, size integer)
returns table (message_id uuid, conversation_id uuid, seq bigint) language plpgsql stable security definer
set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    org uuid := (current_orgs())[1];
    language regconfig := (select o.search_language from organizations o where o.id = org);
    wanted tsquery := search_query(language, query);
    reach uuid[] := array(select reachable_conversations());
    found_count integer;
    boundary uuid;
    needle text := '%' || replace(replace(replace(lower(query), '\', '\\'), '%', '\%'), '_', '\_') || '%';
begin
    if in_conversation is not null then
        reach := array(select unnest(reach) intersect select in_conversation);
    end if;
    if is_spaceless(query) then
        return query select s.message_id, s.conversation_id, s.seq from message_search s
            where s.org_id = org and s.spaceless like needle and s.conversation_id = any (reach)
              and (before_id is null or s.message_id < before_id)
            order by s.message_id desc limit size;
        return;
    end if;
    return query select p.message_id, p.conversation_id, p.seq from (
            select s.* from message_search s
            where s.org_id = org and (before_id is null or s.message_id < before_id)
            order by s.message_id desc limit 2000) p
        where p.vector @@ wanted and p.conversation_id = any (reach)
        order by p.message_id desc limit size;
    get diagnostics found_count = row_count;
    boundary := (select t.message_id from message_search t
                 where t.org_id = org and (before_id is null or t.message_id < before_id)
                 order by t.message_id desc offset 1999 limit 1);
    if found_count < size and boundary is not null then
        if found_count >= 3 or matched_share(wanted) > greatest(
                0.002, 1.1 * ((numnode(wanted) + 1) / 2) * matched_share($blank$' '$blank$::tsquery)) then
            return query select s.message_id, s.conversation_id, s.seq from message_search s
                where s.vector @@ wanted and s.org_id = org and s.conversation_id = any (reach)
                  and s.message_id < boundary
                order by s.message_id desc limit size - found_count;
        else
            return query with matching as materialized (
                    select s.message_id, s.conversation_id, s.seq from message_search s
                    where s.vector @@ wanted and s.org_id = org and s.conversation_id = any (reach)
                      and s.message_id < boundary)
                select s.message_id, s.conversation_id, s.seq from matching s
                order by s.message_id desc limit size - found_count;
        end if;
    end if;
end $$;

do $$
declare
    f text;
begin
    foreach f in array array['log_horizon()', 'log_after(bigint, uuid, bigint, integer)', 'align_log_clock()',
        'derive_search(integer)', 'reachable_conversations()', 'matched_share(tsquery)',
        'search_messages(text, uuid, uuid, integer)'] loop
        execute format('revoke all on function %s from public', f);
        execute format('grant execute on function %s to crewhall_app', f);
        if f <> 'align_log_clock()' then
            execute format('alter function %s owner to crewhall_definer', f);
        end if;
    end loop;
    execute 'grant execute on function log_horizon(), log_after(bigint, uuid, bigint, integer), reachable_conversations(), matched_share(tsquery) to crewhall_definer';
end $$;
