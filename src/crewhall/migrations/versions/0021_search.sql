-- Search: filters beside words, languages without spaces by pairs of letters, and rows that follow a changed language.

-- ---------------------------------------------------------------------------------------------- without spaces

-- The letters of languages written without spaces (or nearly): Han, kana, Hangul, Thai, Lao, Khmer, Myanmar.
create function spaceless_letters() returns text language sql immutable parallel safe as $$
    select '\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff'
$$;
create or replace function is_spaceless(body text) returns boolean language sql immutable parallel safe
    as $$ select body ~ ('[' || spaceless_letters() || ']') $$;

-- A text whose pairs of such letters are words of their own: `東京都` becomes `東 東京 京都 都`. Two letters are the commonest
-- length of a word there, and one that trigrams do not know.
create function in_pairs(body text) returns text language sql immutable parallel safe as $$
    select regexp_replace(regexp_replace(body, '[' || spaceless_letters() || ']+', ' \& ', 'g'),
                          '([' || spaceless_letters() || '])', '\1 \1', 'g')
$$;

-- A query whose letters of that kind ask for their pairs, one after the other: `東京都` becomes `"東京 京都"`. Within a phrase they
-- are a phrase of their own.
create function asked_in_pairs(query text) returns text language sql immutable parallel safe as $$
    select string_agg(
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(part,
            '[' || spaceless_letters() || ']+', E'\u0001\\&\u0002', 'g'),
            '([^\s-]|\S-)' || E'\u0001', E'\\1 \u0001', 'g'),
            '([' || spaceless_letters() || '])', '\1 \1', 'g'),
            E'\u0001(.) \\1\u0002', case when place % 2 = 1 then '\1 ' else '" \1 "' end, 'g'),
            E'\u0001. ', case when place % 2 = 1 then '"' else '" "' end, 'g'),
            E' .\u0002', case when place % 2 = 1 then '" ' else '" "' end, 'g'), '"' order by place)
    from string_to_table(translate(query, E'\u0001\u0002', ''), '"') with ordinality as t (part, place)
$$;

create or replace function search_vector(language regconfig, body text) returns tsvector language sql stable parallel safe as $$
    select case when octet_length(body) = length(body)
        then to_tsvector(language, body) || strip(whole_words(language, left(body, 20000)))
        else search_vector_of_accents(language, case when is_spaceless(body) then in_pairs(body) else body end) end
$$;

-- As it was, but for letters of languages without spaces: they ask for their pairs, a single one for every pair that it begins.
alter function search_query(regconfig, text) rename to search_query_of_words;
create function search_query(language regconfig, query text) returns tsquery language plpgsql stable strict parallel safe as $$
declare
    wanted tsquery;
    letter text;
begin
    if not is_spaceless(query) then
        return search_query_of_words(language, query);
    end if;
    wanted := search_query_of_words(language, asked_in_pairs(query));
    for letter in select distinct m[1] from regexp_matches(
        query, '(?<![' || spaceless_letters() || '])([' || spaceless_letters() || '])(?![' || spaceless_letters() || '])', 'g') m
    loop
        wanted := ts_rewrite(wanted, quote_literal(letter)::tsquery, (quote_literal(letter) || ':*')::tsquery);
    end loop;
    return wanted;
end $$;

-- ---------------------------------------------------------------------------------------------- rows

-- What a message holds beside its words.
create function held_by(body text, metadata jsonb) returns text[] language sql immutable parallel safe as $$
    select case when metadata ? 'files' or position('://' in body) > 0 then array_remove(array[
        case when metadata ? 'files' then 'file' end,
        case when metadata @? '$.files[*] ? (@.width != null)' then 'image' end,
        case when position('://' in body) > 0 then 'link' end], null) end
$$;

alter table message_search add column holds text[];
update message_search s set vector = search_vector(g.search_language, s.spaceless)
from organizations g where g.id = s.org_id and s.spaceless is not null;
update message_search s set holds = held_by(t.body, t.metadata)
from message_records r left join message_overlays o on o.message_id = r.id
cross join lateral (select concat_ws(' ', coalesce(o.title, r.title), coalesce(o.content, r.content)) as body,
                           coalesce(o.metadata, r.metadata) as metadata) t
where r.conversation_id = s.conversation_id and r.seq = s.seq and held_by(t.body, t.metadata) is not null;
alter table message_search drop column spaceless;

-- Each filter has an index that gives its newest first. What most messages are (of kind `message`, holding nothing) is in none
-- but the first three. The conversation moves out of the index of all: nothing is answered from it alone.
drop index message_search_recent;
create index message_search_recent on message_search (org_id, message_id desc);
create index message_search_place on message_search (conversation_id, message_id desc);
create index message_search_author on message_search (org_id, author_id, message_id desc);
create index message_search_kind on message_search (org_id, kind, message_id desc) where kind <> 'message';
create index message_search_holds on message_search (org_id, message_id desc) where holds is not null;

create or replace function derive_search(size integer) returns integer language plpgsql security definer
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
               coalesce(o.metadata, r.metadata) as metadata, g.search_language as language
        from touched t
        join message_records r on r.id = t.message_id and r.type = 'message'
        join organizations g on g.id = r.org_id
        left join message_overlays o on o.message_id = r.id
    ), removed as (
        delete from message_search s using current c where s.message_id = c.id and c.deleted_at is not null
    ), written as (
        insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, holds, created_at)
        select id, org_id, conversation_id, seq, author_id, kind, search_vector(language, body), held_by(body, metadata),
               created_at
        from current where deleted_at is null
        on conflict (message_id) do update set vector = excluded.vector, holds = excluded.holds
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

-- ---------------------------------------------------------------------------------------------- another language

-- Organizations whose language of search was changed: their rows are written anew, the newest first. Gone when all are.
create table search_rewrites (
    org_id uuid primary key references organizations,
    before_id uuid not null default 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    total bigint not null,
    done bigint not null default 0,
    created_at timestamptz not null default now()
);
call secure_tenant_table('search_rewrites');

create function rewrite_search_later() returns trigger language plpgsql as $$
begin
    insert into search_rewrites (org_id, total)
    select new.id, coalesce(sum(h.message_count), 0)
    from conversations c join conversation_heads h on h.conversation_id = c.id where c.org_id = new.id
    having coalesce(sum(h.message_count), 0) > 0
    on conflict (org_id) do update set before_id = default, total = excluded.total, done = 0, created_at = now();
    perform pg_notify('crewhall_search', '');
    return null;
end $$;
create trigger rewrite_search_later after update of search_language on organizations
    for each row when (old.search_language is distinct from new.search_language) execute function rewrite_search_later();

-- Writes the next rows anew; gives 0 when there are none left, null where another process is at it. The checkpoint is held meanwhile: nothing is derived in the former language
-- by a transaction that began before the change and ends after its rows were passed.
create function rewrite_search(size integer) returns integer language plpgsql volatile as $$
declare
    rewrite search_rewrites;
    taken integer;
    last_id uuid;
begin
    if not exists (select from search_rewrites) then
        return 0;
    end if;
    perform from consumer_checkpoints where consumer = 'search' for update skip locked;
    if not found then
        return null;
    end if;
    select * into rewrite from search_rewrites order by created_at, org_id limit 1 for update;
    if not found then
        return 0;
    end if;
    with next as materialized (
        select s.message_id, s.conversation_id, s.seq from message_search s
        where s.org_id = rewrite.org_id and s.message_id < rewrite.before_id order by s.message_id desc limit size
    ), written as (
        update message_search s set vector = search_vector(g.search_language, left(
            concat_ws(' ', coalesce(o.title, r.title), coalesce(o.content, r.content)), 100000))
        from next n
        join message_records r on r.conversation_id = n.conversation_id and r.seq = n.seq
        join organizations g on g.id = r.org_id
        left join message_overlays o on o.message_id = r.id
        where s.message_id = n.message_id
    )
    select count(*), (array_agg(message_id order by message_id))[1] into taken, last_id from next;
    if taken < size then
        delete from search_rewrites where org_id = rewrite.org_id;
        taken := size; -- perhaps not the only one: look again
    else
        update search_rewrites set before_id = last_id, done = done + taken where org_id = rewrite.org_id;
    end if;
    return taken;
end $$;
call make_definer('rewrite_search(integer)');

-- ---------------------------------------------------------------------------------------------- searching

-- Where ids of a moment begin: an id carries the millisecond in which it was made (RFC 9562).
create function first_id_at(moment timestamptz) returns uuid language sql immutable parallel safe as $$
    select (lpad(to_hex(greatest(0, least(281474976710655, floor(extract(epoch from moment) * 1000)))::bigint), 12, '0')
            || repeat('0', 20))::uuid
$$;

-- Rows of an organization that pass every filter given. Planned as part of the statement that asks.
create function filtered_search(
    org uuid, reach uuid[], in_conversation uuid, by_author uuid, of_kind text, holding text,
    since timestamptz, until timestamptz, from_id uuid, before_id uuid)
returns setof message_search language sql stable as $$
    select s.* from message_search s
    where s.org_id = org and s.message_id < before_id
      and (in_conversation is null or s.conversation_id = in_conversation)
      and (in_conversation is not null or s.conversation_id = any (reach))
      and (by_author is null or s.author_id = by_author)
      and (of_kind is null or s.kind = of_kind)
      and (holding is null or (s.holds is not null and holding = any (s.holds)))
      and (since is null or (s.created_at >= since and s.message_id >= from_id))
      and (until is null or s.created_at < until)
$$;

-- Messages within the caller's reach that match and pass the filters, newest first; `words` may be null beside a filter.
-- Tenant and actor come from the transaction, never from arguments.
--
-- Words alone: the newest 2,000 rows answer a common one. Beyond them a word that stands there, or that the statistics know as
-- common (more so than as many words that they do not know: nobody has a blank for a word), is soon met by walking on; any
-- other has few matches, which the index names. Left alone, the planner walks for rare words too: 0.3 s in a million messages.
-- With filters: the rows of the narrowest are walked, from the newest on, unless the word has fewer matches in all than rows
-- would have to be walked (rows of one place lie far apart); the more filters, the more of them.
create function search_messages(
    words text, in_conversation uuid, by_author uuid, of_kind text, holding text, since timestamptz, until timestamptz,
    before_id uuid, size integer)
returns table (message_id uuid) language plpgsql stable set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    org uuid := (current_orgs())[1];
    wanted tsquery := (select search_query(o.search_language, words) from organizations o where o.id = org);
    reach uuid[] := array(select reachable_conversations());
    filters integer := num_nonnulls(in_conversation, by_author, of_kind, holding, since, until);
    -- an id is made a moment before its message is written
    from_id uuid := first_id_at(since - interval '1 hour');
    upto_id uuid := least(coalesce(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), first_id_at(until + interval '1 hour'));
    found_count integer;
    boundary uuid;
    share double precision;
    is_rare boolean;
begin
    if in_conversation is not null and not in_conversation = any (reach) then
        return;
    end if;
    if wanted is null then
        return query select f.message_id
            from filtered_search(org, reach, in_conversation, by_author, of_kind, holding, since, until, from_id, upto_id) f
            order by f.message_id desc limit size;
        return;
    end if;
    if filters = 0 then
        return query select p.message_id from (
                select s.* from message_search s
                where s.org_id = org and s.message_id < upto_id order by s.message_id desc limit 2000) p
            where p.vector @@ wanted and p.conversation_id = any (reach)
            order by p.message_id desc limit size;
        get diagnostics found_count = row_count;
        if found_count >= size then
            return;
        end if;
        size := size - found_count;
        boundary := (select t.message_id from message_search t where t.org_id = org and t.message_id < upto_id
                     order by t.message_id desc offset 1999 limit 1);
        if boundary is null then
            return;
        end if;
        upto_id := boundary;
    end if;
    share := matched_share(wanted);
    is_rare := coalesce(found_count, 0) < 3 and share <= 0.002;
    if not is_rare and coalesce(found_count, 0) < 3 then
        is_rare := share <= 1.1 * ((numnode(wanted) + 1) / 2) * matched_share($blank$' '$blank$::tsquery);
    end if;
    if is_rare or share < least(filters, 3) * sqrt(size / greatest(1, (
            select c.reltuples from pg_class c where c.oid = 'message_search'::regclass))) then
        -- by the words' index alone: the planner would read all of a filter's, a hundred thousand entries, to spare a few rows
        return query with matching as materialized (
                select s.message_id, s.conversation_id, s.author_id, s.kind, s.holds, s.created_at
                from message_search s where s.vector @@ wanted and s.org_id = org and s.message_id < upto_id)
            select m.message_id from matching m
            where m.conversation_id = any (case when in_conversation is null then reach else array[in_conversation] end)
              and (by_author is null or m.author_id = by_author)
              and (of_kind is null or m.kind = of_kind)
              and (holding is null or holding = any (m.holds))
              and (since is null or m.created_at >= since)
              and (until is null or m.created_at < until)
            order by m.message_id desc limit size;
    else
        return query select f.message_id
            from filtered_search(org, reach, in_conversation, by_author, of_kind, holding, since, until, from_id, upto_id) f
            where f.vector @@ wanted
            order by f.message_id desc limit size;
    end if;
end $$;
call make_definer('search_messages(text, uuid, uuid, text, text, timestamptz, timestamptz, uuid, integer)');
drop function search_messages(text, uuid, uuid, integer);
grant execute on function filtered_search(uuid, uuid[], uuid, uuid, text, text, timestamptz, timestamptz, uuid, uuid),
    first_id_at(timestamptz), search_query(regconfig, text), search_query_of_words(regconfig, text), asked_in_pairs(text),
    in_pairs(text), spaceless_letters(), is_spaceless(text), held_by(text, jsonb) to crewhall_app, crewhall_definer;
