-- What belongs to work and to everything around it: tasks in the search box, tasks made of messages, mentions on the timeline, and the
-- one function that deletes for good.

-- ---------------------------------------------------------------------------------------------- tasks in the search box

-- Tasks within the caller's reach that words find, best first: a word of the title counts more than one of the description, what is
-- still to be done before what is settled. Tenant, actor and those for whom it acts come from the transaction. No more than a thousand
-- are ranked.
create function tasks_by_words(words text, since timestamptz, until timestamptz, size integer)
returns setof uuid language plpgsql stable set plan_cache_mode = force_custom_plan as $$
declare
    most constant integer := 1000;
    org uuid := (current_orgs())[1];
    wanted tsquery := search_query('simple', words);
begin
    if numnode(wanted) = 0 then
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
end $$;
call make_definer('tasks_by_words(text, timestamptz, timestamptz, integer)');

-- ---------------------------------------------------------------------------------------------- whom messages concern

-- Whether a message is Crewhall's word that a turn was stopped, to the one who stopped it.
create function tells_own_stop(of_message uuid, who uuid) returns boolean language sql stable as $$
    select exists (
        select from message_records m
        join runs r on r.conversation_id = m.conversation_id
         and r.id = case when m.client_id ~ '^run:[0-9a-f-]{36}:end$' then split_part(m.client_id, ':', 2)::uuid end
        where m.id = of_message and m.author_type = 'system' and r.canceled_by = who)
$$;
revoke all on function tells_own_stop(uuid, uuid) from public;
grant execute on function tells_own_stop(uuid, uuid) to crewhall_definer;

-- As it was; but who stopped a turn is not told of it.
do $$
declare
    is_now text := pg_get_functiondef('concerned_by(uuid[], uuid[])'::regprocedure);
    was constant text := 'where t.who <> t.author_id order by';
begin
    if position(was in is_now) = 0 then
        raise exception 'concerned_by does not read as it was written';
    end if;
    execute replace(is_now, was, 'where t.who <> t.author_id and not tells_own_stop(t.id, t.who) order by');
end $$;
