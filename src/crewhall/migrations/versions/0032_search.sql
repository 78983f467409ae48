-- Search in knowledge: chunks by words and by meaning, within the caller's reach.

-- A chunk is looked at many times while it is ranked: its vector stays in its row, as it is.
alter table chunks set (toast_tuple_target = 8160);

-- What a chunk is found by: its text, and above it the headings it stands under and the document's title.
create function chunk_vector(language regconfig, title text, heading text[], content text) returns tsvector
language sql stable parallel safe as $$
    select setweight(search_vector(language, concat_ws(' ', title, array_to_string(heading, ' '))), 'A')
           || search_vector(language, content)
$$;

-- Chunks are walked from their organization, by the keys below.
alter table embeddings_384 drop constraint embeddings_384_pkey, add primary key (org_id, chunk_id, model);
alter table embeddings_1536 drop constraint embeddings_1536_pkey, add primary key (org_id, chunk_id, model);

-- Built with more care than is usual: a chunk that the index loses is never found, and embedding one takes ten times as long.
drop index embeddings_384_nearest, embeddings_1536_nearest;
create index embeddings_384_nearest on embeddings_384 using hnsw (embedding halfvec_cosine_ops) with (ef_construction = 128);
create index embeddings_1536_nearest on embeddings_1536 using hnsw (embedding halfvec_cosine_ops) with (ef_construction = 128);

-- ---------------------------------------------------------------------------------------------- reach

alter table document_origins add column if not exists source_id uuid, add column if not exists entry_id uuid;

-- Which sources and which entries of the wiki the caller may read, and whose a source is: nobody's, until there are some.
create function readable_sources() returns setof uuid language sql stable as $$ select null::uuid where false $$;
create function readable_entries() returns setof uuid language sql stable as $$ select null::uuid where false $$;
create function sources_of(agent uuid) returns setof uuid language sql stable as $$ select null::uuid where false $$;

-- Where documents stand that the caller may read. Tenant, actor and those for whom it acts come from the transaction, never
-- from arguments. Planned as part of the statement that asks.
create function readable_origins() returns setof document_origins language sql stable as $$
    select o.* from document_origins o
    left join files f on f.org_id = o.org_id and f.id = o.file_id
    where o.org_id = (select (current_orgs())[1]) -- once, not for each row
      and ((o.kind = 'file' and f.attached_at is not null and f.released_at is null
            and o.conversation_id in (select reachable_conversations()))
        or (o.kind = 'source' and o.source_id in (select readable_sources()))
        or (o.kind = 'wiki' and o.entry_id in (select readable_entries())))
$$;

-- Of some documents, where they stand for the caller.
create function origins_of(of_documents uuid[]) returns setof document_origins language sql stable as $$
    select * from readable_origins() o where o.document_id = any (of_documents)
$$;
call make_definer('origins_of(uuid[])');

-- The documents that a search goes through, and about how many chunks they have. Each argument narrows them unless it is null.
create function searched_documents(
    kinds text[], in_conversation uuid, of_agent uuid, of_source uuid, in_document uuid, of_type text,
    since timestamptz, until timestamptz)
returns table (document_id uuid, chunks integer) language sql stable as $$
    select d.id, greatest(d.chunks, 1) from documents d
    where d.org_id = (select (current_orgs())[1])
      and (in_document is null or d.id = in_document)
      and (of_type is null or d.media_type = of_type)
      and (since is null or d.created_at >= since)
      and (until is null or d.created_at < until)
      and d.id in (
          select o.document_id from readable_origins() o
          where (kinds is null or o.kind = any (kinds))
            and (in_document is null or o.document_id = in_document)
            and (in_conversation is null or o.conversation_id = in_conversation)
            and (of_source is null or o.source_id = of_source)
            and (of_agent is null or o.source_id in (select sources_of(of_agent))))
$$;

-- The model whose vectors the organization's searches compare: null is the one that documents are embedded by now.
create function searched_model() returns text language sql stable as $$ select null::text $$;

-- ---------------------------------------------------------------------------------------------- by words

-- The words of a query one by one, without what is too common in the language; none of a query that says more than words
-- (quotes, -, or): that is taken at its word.
create function words_of(language regconfig, query text) returns tsquery[] language sql stable parallel safe as $$
    select case when query !~* '"|(^|\s)-\S|\sor\s' then array(
        select distinct quote_literal(lexeme)::tsquery
        from unnest(to_tsvector(language, without_accents(
            case when is_spaceless(query) then in_pairs(query) else query end))) limit 40) end
$$;

-- The share of all chunks that the statistics expect each of some words in; of words that they do not know, little.
create function chunk_shares(wanted tsquery[]) returns double precision[] language plpgsql volatile
set search_path = public, pg_temp set max_parallel_workers_per_gather = 0 as $$
declare
    plan json;
    total double precision := greatest(1, (select c.reltuples from pg_class c where c.oid = 'chunks'::regclass));
begin
    execute 'explain (format json) ' || (
        select string_agg(format('select 1 from chunks c where c.vector @@ %L::tsquery', w), ' union all ' order by place)
        from unnest(wanted) with ordinality as t (w, place)) into plan;
    plan := plan -> 0 -> 'Plan';
    return array(
        select least(1, greatest(1e-6, (p.value ->> 'Plan Rows')::double precision / total))
        from json_array_elements(case plan ->> 'Node Type' when 'Append' then plan -> 'Plans' else json_build_array(plan) end)
            with ordinality as p (value, place) order by place);
end $$;

-- Chunks that hold words of a query, those that hold more and rarer ones first: a word counts by how rare it is, more in a
-- heading, ever less when it comes again; what matches the query as it is typed comes before what does not.
-- Common words find nothing that rarer ones do not find: no more than a thousand chunks are ranked.
create function chunks_by_words(
    words text, kinds text[], in_conversation uuid, of_agent uuid, of_source uuid, in_document uuid, of_type text,
    since timestamptz, until timestamptz, size integer)
returns table (chunk_id uuid, score double precision) language plpgsql stable set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    most constant integer := 1000;
    org uuid := (current_orgs())[1];
    language regconfig := (select o.search_language from organizations o where o.id = org);
    wanted tsquery := search_query(language, words);
    terms tsquery[] := words_of(language, words);
    reach uuid[];
    rows_in_reach double precision;
    shares double precision[];
    rarities double precision[];
    last_words tsquery[] := words_of(language, substring(words from '\S+$'));
    candidates tsquery := wanted;
    candidate_share double precision;
    by_index boolean;
    total double precision := greatest(1, (select c.reltuples from pg_class c where c.oid = 'chunks'::regclass));
begin
    select array_agg(s.document_id), sum(s.chunks) into reach, rows_in_reach
    from searched_documents(kinds, in_conversation, of_agent, of_source, in_document, of_type, since, until) s;
    if reach is null or (numnode(wanted) = 0 and cardinality(terms) = 0) then
        return;
    end if;
    if cardinality(terms) > 0 then
        shares := chunk_shares(terms);
        rarities := array(select ln(1 + 1 / s) from unnest(shares) with ordinality as t (s, place) order by place);
        -- as many of the rarest as find so many chunks. Those that match the query as typed are among them, unless nothing but
        -- its last word is, which may be a beginning: all words that begin like a common one take long to look up.
        select case when c.has_others then c.some else wanted || c.some end, c.share into candidates, candidate_share from (
            select string_agg('(' || r.term::text || ')', ' | ') over w ::tsquery as some,
                   bool_or(not r.term = any (last_words)) over w as has_others, sum(r.share) over w as share
            from unnest(terms, shares) as r (term, share) window w as (order by r.share, r.term::text)) c
        order by (c.share * rows_in_reach <= most) desc,
                 case when c.share * rows_in_reach <= most then -c.share else c.share end
        limit 1;
    else
        candidate_share := (chunk_shares(array[wanted]))[1];
    end if;
    -- the words' index knows no tenants: what it names has to be looked at until enough within reach is found
    by_index := rows_in_reach > least(candidate_share * total, most * total / rows_in_reach);
    return query
        with found as materialized (
            (select c.id, c.vector from chunks c
             where by_index and c.vector @@ candidates
               and (c.org_id = org) is true and (c.document_id in (select unnest(reach))) is true
             limit most)
            union all
            (select c.id, c.vector from unnest(reach) r (id)
             cross join lateral (
                 select c.id, c.vector from chunks c
                 where c.org_id = org and c.document_id = r.id and (c.vector @@ candidates) is true offset 0) c
             where not by_index limit most))
        select f.id, (
            select coalesce(sum(r.rarity * held.rank / (held.rank + 0.05)), 0)
            from unnest(terms, rarities) as r (term, rarity)
            cross join lateral (select ts_rank('{0.1, 0.1, 0.1, 0.4}', f.vector, r.term)::double precision as rank) held
            ) + case when f.vector @@ wanted then 1 + 2 * ts_rank_cd('{0.1, 0.1, 0.1, 0.4}', f.vector, wanted, 1) else 0 end
        from found f order by 2 desc, 1 limit size;
end $$;
call make_definer('chunks_by_words(text, text[], uuid, uuid, uuid, uuid, text, timestamptz, timestamptz, integer)');

-- ---------------------------------------------------------------------------------------------- by meaning

-- The chunks whose meaning is nearest to a vector's, of those that one model has embedded.
--
-- A narrow reach is gone through whole: that is exact, and quicker than walking an index of everybody's chunks in which few
-- are within reach. How many the walk would pass is what is wanted over the share within reach; passing one costs some ten times
-- what comparing one does. Where the walk ends too soon (`hnsw.max_scan_tuples`), the reach is gone through after all.
create function chunks_by_meaning(
    meaning halfvec, by_model text, kinds text[], in_conversation uuid, of_agent uuid, of_source uuid, in_document uuid,
    of_type text, since timestamptz, until timestamptz, size integer)
returns table (chunk_id uuid, distance double precision) language plpgsql stable as $$
#variable_conflict use_column
declare
    org uuid := (current_orgs())[1];
    place text := 'embeddings_' || vector_dims(meaning);
    reach uuid[];
    rows_in_reach double precision;
    total double precision;
    found_ids uuid[];
    distances double precision[];
begin
    select array_agg(s.document_id), sum(s.chunks) into reach, rows_in_reach
    from searched_documents(kinds, in_conversation, of_agent, of_source, in_document, of_type, since, until) s;
    if reach is null then
        return;
    end if;
    total := greatest(1, (select c.reltuples from pg_class c where c.oid = place::regclass));
    if rows_in_reach * rows_in_reach > 10 * size * total and rows_in_reach > 3000 then
        perform set_config('hnsw.ef_search', '400', true), set_config('hnsw.iterative_scan', 'strict_order', true),
                set_config('hnsw.max_scan_tuples', '20000', true);
        execute format($walk$
            with walked as materialized (
                select e.chunk_id, e.embedding <=> $1 as distance from %I e
                where e.org_id = $2 and e.model = $3 and (e.document_id in (select unnest($4))) is true
                order by e.embedding <=> $1 limit $5)
            select array_agg(chunk_id order by distance), array_agg(distance order by distance) from walked
            $walk$, place) into found_ids, distances using meaning, org, by_model, reach, size;
        if cardinality(found_ids) >= size then
            return query select t.id, t.away from unnest(found_ids, distances) as t (id, away);
            return;
        end if;
    end if;
    return query execute format($whole$
        with compared as materialized (
            select e.chunk_id, e.embedding <=> $1 as distance
            from unnest($4) r (id)
            join %I e on e.org_id = $2 and e.model = $3 and e.document_id = r.id)
        select c.chunk_id, c.distance from compared c order by c.distance, c.chunk_id limit $5
        $whole$, place) using meaning, org, by_model, reach, size;
end $$;
call make_definer('chunks_by_meaning(halfvec, text, text[], uuid, uuid, uuid, uuid, text, timestamptz, timestamptz, integer)');

grant execute on function chunk_vector(regconfig, text, text[], text), words_of(regconfig, text), searched_model()
    to crewhall_app, crewhall_definer;
grant execute on function readable_sources(), readable_entries(), sources_of(uuid), readable_origins(), chunk_shares(tsquery[]),
    searched_documents(text[], uuid, uuid, uuid, uuid, text, timestamptz, timestamptz), origins_of(uuid[]) to crewhall_definer;
