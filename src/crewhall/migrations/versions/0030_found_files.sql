-- Search: names of files are found as words are, a filter takes several values, and what has one may be left out.

-- ---------------------------------------------------------------------------------------------- names of files

-- What the files of a message are found by: each name as it stands, without what follows its last dot, and in its parts.
create function names_of_files(metadata jsonb) returns text language sql immutable parallel safe as $$
    select string_agg(concat_ws(' ', name, regexp_replace(name, '\.[^.]*$', ''),
                                translate(name, '_-.,;+~()[]{}', repeat(' ', 13))), ' ')
    from (select left(e ->> 'name', 255) as name
          from jsonb_array_elements(case jsonb_typeof(metadata -> 'files') when 'array' then metadata -> 'files' end) e) named
$$;

-- What of a message its search vector is made of. Names lead: of a long text only the beginning is found by beginnings of words.
create function searched_text(body text, metadata jsonb) returns text language sql immutable parallel safe as $$
    select left(case when metadata ? 'files' then concat_ws(' ', names_of_files(metadata), body) else body end, 100000)
$$;

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
        select id, org_id, conversation_id, seq, author_id, kind, search_vector(language, searched_text(body, metadata)),
               held_by(body, metadata), created_at
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

-- What is imported is searched as it is written: the one expression that says by what changes, all else of it stays.
do $$
declare
    is_now text := pg_get_functiondef('take_past(uuid, json)'::regprocedure);
    was constant text := 'search_vector(g.search_language, left(r.content, 100000))';
begin
    if position(was in is_now) = 0 then
        raise exception 'take_past does not read as it was written';
    end if;
    execute replace(is_now, was, 'search_vector(g.search_language, searched_text(r.content, r.metadata))');
end $$;

-- Messages with files that were written before are gone through in the background, as all are after a change of language.
alter table search_rewrites add column only_holding boolean not null default false;
insert into search_rewrites (org_id, total, only_holding)
select s.org_id, count(*), true from message_search s where s.holds is not null group by s.org_id
on conflict (org_id) do nothing;

create or replace function rewrite_search_later() returns trigger language plpgsql as $$
begin
    insert into search_rewrites (org_id, total)
    select new.id, coalesce(sum(h.message_count), 0)
    from conversations c join conversation_heads h on h.conversation_id = c.id where c.org_id = new.id
    having coalesce(sum(h.message_count), 0) > 0
    on conflict (org_id) do update
    set before_id = default, total = excluded.total, done = 0, only_holding = false, created_at = now();
    perform pg_notify('crewhall_search', '');
    return null;
end $$;

-- As it was, but for rewrites of those alone that hold something.
create or replace function rewrite_search(size integer) returns integer language plpgsql volatile as $$
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
        (select s.message_id, s.conversation_id, s.seq from message_search s
         where not rewrite.only_holding and s.org_id = rewrite.org_id and s.message_id < rewrite.before_id
         order by s.message_id desc limit size)
        union all
        (select s.message_id, s.conversation_id, s.seq from message_search s
         where rewrite.only_holding and s.org_id = rewrite.org_id and s.message_id < rewrite.before_id and s.holds is not null
         order by s.message_id desc limit size)
    ), written as (
        update message_search s
        set vector = search_vector(g.search_language, searched_text(
            concat_ws(' ', coalesce(o.title, r.title), coalesce(o.content, r.content)), coalesce(o.metadata, r.metadata)))
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

drop function search_messages(text, uuid, uuid, text, text, timestamptz, timestamptz, uuid, integer);
drop function filtered_search(uuid, uuid[], uuid, uuid, text, text, timestamptz, timestamptz, uuid, uuid);

-- What a search is narrowed by. Of several values of a list any will do; null lists narrow nothing.
create type search_filters as (
    places uuid[], authors uuid[], kinds text[], holds text[],
    not_places uuid[], not_authors uuid[], not_kinds text[], not_holds text[],
    since timestamptz, until timestamptz);

-- The one value of a list that has no other: of one alone an index gives the newest first.
create function only_one(list anyarray) returns anyelement language sql immutable parallel safe as $$
    select case when cardinality(list) = 1 then list[1] end
$$;

-- Whether a row passes all filters but the places and authors that are asked for.
create function passes(
    conversation_id uuid, author_id uuid, kind text, holds text[], created_at timestamptz, f search_filters)
returns boolean language sql immutable parallel safe as $$
    select (f.kinds is null or kind = any (f.kinds))
       and (f.holds is null or (holds is not null and holds && f.holds))
       and (f.not_places is null or not conversation_id = any (f.not_places))
       and (f.not_authors is null or not author_id = any (f.not_authors))
       and (f.not_kinds is null or not kind = any (f.not_kinds))
       and (f.not_holds is null or holds is null or not holds && f.not_holds)
       and (f.since is null or created_at >= f.since)
       and (f.until is null or created_at < f.until)
$$;

-- Rows of an organization that pass every filter given, of one author or kind, in one place or all of `reach`. Planned as
-- part of the statement that asks.
create function filtered_search(
    org uuid, reach uuid[], in_place uuid, by_author uuid, of_kind text, f search_filters, from_id uuid, before_id uuid)
returns setof message_search language sql stable as $$
    select s.* from message_search s
    where s.org_id = org and s.message_id < before_id and (from_id is null or s.message_id >= from_id)
      and (in_place is null or s.conversation_id = in_place)
      and (in_place is not null or s.conversation_id = any (reach))
      and (by_author is null or s.author_id = by_author)
      and (of_kind is null or s.kind = of_kind)
      and passes(s.conversation_id, s.author_id, s.kind, s.holds, s.created_at, f)
$$;

-- Messages within the caller's reach that match and pass the filters, newest first; `words` may be null beside a filter.
-- Tenant and actor come from the transaction, never from arguments.
--
-- Words alone: the newest 2,000 rows answer a common one. Beyond them a word that stands there, or that the statistics know as
-- common (more so than as many words that they do not know: nobody has a blank for a word), is soon met by walking on; any
-- other has few matches, which the index names. Left alone, the planner walks for rare words too: 0.3 s in a million messages.
-- With filters: the rows of the narrowest are walked, from the newest on, unless the word has fewer matches in all than rows
-- would have to be walked (rows of one place lie far apart); the more filters, the more of them. Of several authors or places
-- each is walked for a page's size, since no index has the rows of several in one order.
create function search_messages(words text, f search_filters, before_id uuid, size integer)
returns table (message_id uuid) language plpgsql stable set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    org uuid := (current_orgs())[1];
    wanted tsquery := (select search_query(o.search_language, words) from organizations o where o.id = org);
    reach uuid[] := array(select r from reachable_conversations() r where f.places is null or r = any (f.places));
    in_place uuid := case when f.places is not null then only_one(reach) end;
    by_author uuid := only_one(f.authors);
    of_kind text := only_one(f.kinds);
    filters integer := num_nonnulls(f.places, f.authors, f.kinds, f.holds, f.since, f.until);
    -- an id is made a moment before its message is written
    from_id uuid := case when f.since is not null then first_id_at(f.since - interval '1 hour') end;
    upto_id uuid := least(coalesce(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
                          first_id_at(f.until + interval '1 hour'));
    found_count integer;
    boundary uuid;
    share double precision;
    is_rare boolean := false;
begin
    if reach = '{}' then
        return;
    end if;
    if of_kind is not null then
        f.kinds := null; -- asked for once: twice, the planner would expect a share of a share
    end if;
    if wanted is not null and filters = 0 then
        return query select p.message_id from (
                select s.* from message_search s
                where s.org_id = org and s.message_id < upto_id order by s.message_id desc limit 2000) p
            where p.vector @@ wanted and p.conversation_id = any (reach)
              and passes(p.conversation_id, p.author_id, p.kind, p.holds, p.created_at, f)
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
    if wanted is not null then
        share := matched_share(wanted);
        is_rare := coalesce(found_count, 0) < 3 and share <= 0.002
            or share < least(filters, 3) * sqrt(size / greatest(1, (
                select c.reltuples from pg_class c where c.oid = 'message_search'::regclass)));
        if not is_rare and coalesce(found_count, 0) < 3 then
            is_rare := share <= 1.1 * ((numnode(wanted) + 1) / 2) * matched_share($blank$' '$blank$::tsquery);
        end if;
    end if;
    if is_rare then
        -- by the words' index alone: the planner would read all of a filter's, a hundred thousand entries, to spare a few rows
        return query with matching as materialized (
                select s.message_id, s.conversation_id, s.author_id, s.kind, s.holds, s.created_at
                from message_search s where s.vector @@ wanted and s.org_id = org and s.message_id < upto_id)
            select m.message_id from matching m
            where m.conversation_id = any (reach)
              and (f.authors is null or m.author_id = any (f.authors)) and (of_kind is null or m.kind = of_kind)
              and passes(m.conversation_id, m.author_id, m.kind, m.holds, m.created_at, f)
            order by m.message_id desc limit size;
    elsif cardinality(f.authors) > 1 then
        return query select one.message_id from unnest(f.authors) author (id)
            cross join lateral (
                select s.message_id
                from filtered_search(org, reach, in_place, null, of_kind, f, from_id, upto_id) s
                where s.author_id = author.id and (wanted is null or s.vector @@ wanted)
                order by s.message_id desc limit size) one
            order by one.message_id desc limit size;
    elsif f.places is not null and in_place is null and by_author is null then
        return query select one.message_id from unnest(reach) place (id)
            cross join lateral (
                select s.message_id
                from filtered_search(org, reach, null, null, of_kind, f, from_id, upto_id) s
                where s.conversation_id = place.id and (wanted is null or s.vector @@ wanted)
                order by s.message_id desc limit size) one
            order by one.message_id desc limit size;
    else
        return query select s.message_id
            from filtered_search(org, reach, in_place, by_author, of_kind, f, from_id, upto_id) s
            where wanted is null or s.vector @@ wanted
            order by s.message_id desc limit size;
    end if;
end $$;
call make_definer('search_messages(text, search_filters, uuid, integer)');
grant execute on function filtered_search(uuid, uuid[], uuid, uuid, text, search_filters, uuid, uuid),
    passes(uuid, uuid, text, text[], timestamptz, search_filters), only_one(anyarray),
    names_of_files(jsonb), searched_text(text, jsonb) to crewhall_app, crewhall_definer;

-- ---------------------------------------------------------------------------------------------- the sidebar

-- What Crewhall writes itself, for every page of an owner or admin, without a look at all other conversations.
create index conversations_system on conversations (org_id, id) where type = 'system';
