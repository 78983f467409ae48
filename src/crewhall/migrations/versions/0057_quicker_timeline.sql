-- Events that the caller may see, by moment: backwards from (`at_moment`, `at_id`), newest first, or forwards from there, oldest first.
-- Tenant and actor come from the transaction. It looks at two months first, then at a year, then at all: partitions that nobody needs are
-- not even planned for. Mentions, labels and words are filtered among the next thousand of a stretch, and among so many more as should
-- fill the page where that is not far: it answers whatever is common. Beyond them, and in every later stretch, the index names the few there are.
create or replace function timeline_events(
    of_types text[], by_author uuid, about uuid, in_session uuid, in_project uuid, in_conversation uuid, mentioning uuid,
    labelled jsonb, since timestamptz, until timestamptz, at_moment timestamptz, at_id uuid, forwards boolean, size integer,
    words text default null)
returns setof events language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
    looked_at integer;
    org uuid := (current_orgs())[1];
    wanted uuid[] := array(select event_label(org, l ->> 0, l ->> 1) from jsonb_array_elements(labelled) l);
    is_manager boolean := coalesce(current_actor_role() in ('owner', 'admin'), false) and current_behalf() is null;
    way text := case when forwards then ' order by e."timestamp", e.id' else ' order by e."timestamp" desc, e.id desc' end;
    past text := format(' and (e."timestamp", e.id) %s ($12, $13)', case when forwards then '>' else '<' end);
    plain text := ' e.org_id = $1 and e."timestamp" >= $2 and e."timestamp" < $3';
    sparse text := '';
    seen text := ' and (e.conversation_id is null or e.conversation_id in (select reachable_conversations()))';
    page text;
    low timestamptz := coalesce(greatest(since, case when forwards then at_moment end), '-infinity');
    high timestamptz := least(until, case when not forwards then at_moment + interval '1 microsecond' end, now() + interval '1 day');
    from_moment timestamptz := low;
    to_moment timestamptz := high;
    edge record;
    is_rare boolean := false;
    left_over integer := size;
    given integer;
    step interval;
    steps constant interval[] := array['1 month', '11 months', null]::interval[];
    worded tsquery := search_query('simple', words);
    said uuid[] := case when words is not null then array(select m.message_id from search_messages(
        words, row(null, null, null, null, null, null, null, null, null, null)::search_filters, null, 1000) m) end;
begin
    if cardinality(of_types) = 1 then plain := plain || ' and e.type = ($4)[1]';
    elsif cardinality(of_types) > 1 then plain := plain || ' and e.type = any ($4)'; end if;
    if by_author is not null then plain := plain || ' and e.author_id = $5'; end if;
    if about is not null then plain := plain || ' and e.agent_id = $6'; end if;
    if in_session is not null then plain := plain || ' and e.session_id = $7'; end if;
    if in_project is not null then plain := plain || ' and e.project_id = $8'; end if;
    if in_conversation is not null then plain := plain || ' and e.conversation_id = $9'; end if;
    if at_moment is not null then plain := plain || past; end if;
    if mentioning is not null then sparse := sparse || ' and e.mentions @> array[$10]'; end if;
    if cardinality(wanted) > 0 then sparse := sparse || ' and e.labels @> $11'; end if;
    if words is not null then sparse := sparse || ' and (e.vector @@ $15 or e.id = any ($16))'; end if;
    if not is_manager then
        seen := seen || ' and (e.audience = ''organization'' or (e.author_id = current_actor() and current_behalf() is null))'
            || ' and (e.author_type is distinct from ''agent'' or e.conversation_id is not null or sees_agent(e.author_id))'
            || ' and (e.agent_id is null or sees_agent(e.agent_id))'
            || ' and (e.project_id is null or sees_project(e.project_id))'
            || ' and (e.entry_id is null or (e.author_id = current_actor() and current_behalf() is null)'
            || '      or e.entry_id in (select readable_entries()))';
    end if;

    <<stretches>> foreach step in array steps loop
        if forwards then
            to_moment := case when step is null or from_moment = '-infinity' then high
                         else least(date_trunc('month', from_moment, 'UTC') + step + interval '1 month', high) end;
        else
            from_moment := case when step is null then low
                           else greatest(date_trunc('month', least(to_moment, now()), 'UTC') - step, low) end;
        end if;
        continue when from_moment >= to_moment;
        looked_at := 1000;
        while sparse <> '' and not is_rare loop
            execute 'select e."timestamp" as moment, e.id from events e where' || plain || way || ' offset $17 - 1 limit 1' into edge
                using org, from_moment, to_moment, of_types, by_author, about, in_session, in_project, in_conversation, mentioning,
                      wanted, at_moment, at_id, left_over, worded, said, looked_at;
            return query execute 'select e.* from (select e.* from events e where' || plain || way || ' limit $17) e where true'
                || sparse || seen || way || ' limit $14'
                using org, from_moment, to_moment, of_types, by_author, about, in_session, in_project, in_conversation, mentioning,
                      wanted, at_moment, at_id, left_over, worded, said, looked_at;
            get diagnostics given = row_count;
            left_over := left_over - given;
            exit stretches when left_over <= 0;
            exit when edge.id is null;
            if at_moment is null then plain := plain || past; end if;
            at_moment := edge.moment;
            at_id := edge.id;
            is_rare := coalesce(looked_at * left_over / nullif(given, 0) > 10000, true);
            looked_at := greatest(1000, looked_at * left_over * 3 / (greatest(given, 1) * 2));
        end loop;
        if sparse = '' or is_rare then
            page := case
                when is_rare then 'with few as materialized (select e.* from events e where' || plain || sparse || ') '
                    || 'select e.* from few e where true' || seen || way || ' limit $14'
                when cardinality(of_types) > 1 then  -- each type from its own index, then the first of all of them
                    'select e.* from unnest($4) as t (type) cross join lateral (select e.* from events e where'
                    || replace(plain, ' and e.type = any ($4)', ' and e.type = t.type') || seen || way || ' limit $14) e'
                    || way || ' limit $14'
                else 'select e.* from events e where' || plain || seen || way || ' limit $14' end;
            return query execute page
                using org, from_moment, to_moment, of_types, by_author, about, in_session, in_project, in_conversation, mentioning,
                      wanted, at_moment, at_id, left_over, worded, said;
            get diagnostics given = row_count;
            left_over := left_over - given;
            exit when left_over <= 0;
        end if;
        if forwards then
            from_moment := to_moment;
            exit when from_moment >= high;
        else
            to_moment := from_moment;
            exit when to_moment <= low;
        end if;
    end loop;
end $$;
