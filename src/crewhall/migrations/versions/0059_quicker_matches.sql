-- Best matches, quicker. Words: the ranks of a chunk are one expression, in whose stead a statement for each word of each chunk was
-- run, and chunks are ranked as they are found. Meaning: the index is walked as wide as what is out of reach makes necessary.
-- Tasks: nothing is planned where an organization has none. Who may call them stands as it did.
create or replace function chunks_by_words(
    words text, kinds text[], in_conversation uuid, of_agent uuid, of_source uuid, in_document uuid, of_type text,
    since timestamptz, until timestamptz, size integer)
 returns table (chunk_id uuid, score double precision)
 language plpgsql stable security definer
 set plan_cache_mode = force_custom_plan
 set search_path = public, pg_temp
as $function$
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
    score text;
    weights constant text := '{0.1, 0.1, 0.1, 0.4}';
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
    score := concat_ws(' + ', (
        select string_agg(format('%s * (1 - 0.05 / (0.05 + ts_rank(%L, c.vector, %L)))', t.rarity, weights, t.term), ' + ')
        from unnest(terms, rarities) as t (term, rarity)),
        'case when c.vector @@ $1 then 1 + 2 * ts_rank_cd(''{0.1, 0.1, 0.1, 0.4}'', c.vector, $1, 1) else 0 end');
    if by_index then
        return query execute format($found$
            select f.id, f.score from (
                select c.id, (%s)::double precision as score from chunks c
                where c.vector @@ $2 and (c.org_id = $3) is true and (c.document_id in (select unnest($4))) is true
                limit $5) f
            order by f.score desc, f.id limit $6 $found$, score) using wanted, candidates, org, reach, most, size;
        return;
    end if;
    return query execute format($found$
        select f.id, f.score from (
            select c.id, c.score from unnest($4) r (id)
            cross join lateral (
                select c.id, (%s)::double precision as score from chunks c
                where c.org_id = $3 and c.document_id = r.id and (c.vector @@ $2) is true offset 0) c
            limit $5) f
        order by f.score desc, f.id limit $6 $found$, score) using wanted, candidates, org, reach, most, size;
end $function$;

create or replace function chunks_by_meaning(
    meaning halfvec, by_model text, kinds text[], in_conversation uuid, of_agent uuid, of_source uuid, in_document uuid, of_type text,
    since timestamptz, until timestamptz, size integer)
 returns table (chunk_id uuid, distance double precision)
 language plpgsql stable security definer
 set search_path = public, pg_temp
 set plan_cache_mode = force_custom_plan
as $function$
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
        -- the more of what is walked past is out of reach, the wider
        perform set_config('hnsw.ef_search', least(400, greatest(200, ceil(200 * total / rows_in_reach)))::text, true),
                set_config('hnsw.iterative_scan', 'strict_order', true),
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
end $function$;

create or replace function tasks_by_words(words text, since timestamptz, until timestamptz, size integer)
 RETURNS SETOF uuid
 language plpgsql stable security definer
 set plan_cache_mode = force_custom_plan
 set search_path = public, pg_temp
as $function$
declare
    most constant integer := 1000;
    org uuid := (current_orgs())[1];
    wanted tsquery := search_query('simple', words);
begin
    if numnode(wanted) = 0 or not exists (select 1 from tasks t where t.org_id = org) then
        return;
    end if;
    return query
        with found as materialized (
            select t.id, t.title, t.vector, t.status from tasks t
            where t.vector @@ wanted and t.org_id = org and t.deleted_at is null
              and t.project_id in (select readable_projects())
              and (since is null or t.created_at >= since) and (until is null or t.created_at < until)
            limit most)
        select f.id from found f
        cross join lateral (select setweight(search_vector('simple', f.title), 'A') as title offset 0) w
        order by ts_rank('{0.1, 0.1, 0.1, 1}', w.title || f.vector, wanted, 1)
                 * case when f.status in ('completed', 'cancelled') then 0.5 else 1 end desc, f.id desc
        limit size;
end $function$;
