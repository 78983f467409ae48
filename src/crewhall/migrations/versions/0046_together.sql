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

-- The tasks that words find, if these are no more than so many; null where there are more: so common words are looked for among the
-- tasks that a list goes through anyhow.
drop function tasks_with_words(text);
create function few_tasks_with_words(words text, most integer) returns uuid[] language plpgsql stable
set plan_cache_mode = force_custom_plan as $$
declare
    org uuid := (current_orgs())[1];
    wanted tsquery := search_query('simple', words); -- once: it costs more than looking at a row
    found uuid[] := array(
        select t.id from tasks t
        where t.vector @@ wanted and t.org_id = org and t.project_id in (select readable_projects()) limit most + 1);
begin
    return case when cardinality(found) <= most then found end;
end $$;
call make_definer('few_tasks_with_words(text, integer)');

-- What was settled last stands first in its column of a board.
create index tasks_settled on tasks (project_id, status, updated_at desc)
    where status in ('completed', 'cancelled') and deleted_at is null;

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

-- ---------------------------------------------------------------------------------------------- words of events

-- What an event is found by: the words that it holds itself. Those of a message stay in the message.
create function event_vector(content jsonb) returns tsvector language sql immutable parallel safe
set search_path = public, pg_temp as $$
    select to_tsvector('simple', case when is_spaceless(t.plain) then in_pairs(t.plain) else t.plain end)
    from (select without_accents(left(coalesce(string_agg(e.value #>> '{}', ' ' order by e.key), ''), 20000)) as plain
          from jsonb_each(content) e
          where jsonb_typeof(e.value) = 'string' and e.key !~ '(^|_)(id|url|link)$') t
$$;
grant execute on function event_vector(jsonb) to crewhall_app, crewhall_definer;
alter table events add column vector tsvector not null generated always as (event_vector(content)) stored;
create index events_vector on events using gin (vector) with (fastupdate = off);

-- As it was, and by words: those that events hold, and those of messages that they tell of, of which the newest thousand that match are
-- looked for. Words are filtered as mentions and labels are.
do $$
declare
    is_now text := pg_get_functiondef(
        'timeline_events(text[], uuid, uuid, uuid, uuid, uuid, uuid, jsonb, timestamptz, timestamptz, timestamptz, uuid, boolean, integer)'
        ::regprocedure);
    parts constant text[][] := array[
        ['size integer)', 'size integer, words text default null)'],
        ['    left_over integer := size;',
         e'    left_over integer := size;\n    worded tsquery := search_query(''simple'', words);\n'
         || e'    said uuid[] := case when words is not null then array(select m.message_id from search_messages('
         || e'words, row(null, null, null, null, null, null, null, null, null, null)::search_filters, null, 1000) m) end;'],
        ['    seen := '' and (e.conversation_id is null',
         e'    if words is not null then sparse := sparse || '' and (e.vector @@ $15 or e.id = any ($16))''; end if;\n'
         || e'    seen := '' and (e.conversation_id is null'],
        ['at_moment, at_id, left_over', 'at_moment, at_id, left_over, worded, said']];
    part text[];
begin
    foreach part slice 1 in array parts loop
        if position(part[1] in is_now) = 0 then
            raise exception 'timeline_events does not read as it was written: %', part[1];
        end if;
        is_now := replace(is_now, part[1], part[2]);
    end loop;
    drop function timeline_events(text[], uuid, uuid, uuid, uuid, uuid, uuid, jsonb, timestamptz, timestamptz, timestamptz, uuid, boolean, integer);
    execute is_now;
end $$;
call make_definer('timeline_events(text[], uuid, uuid, uuid, uuid, uuid, uuid, jsonb, timestamptz, timestamptz, timestamptz, uuid, boolean, integer, text)');

-- ---------------------------------------------------------------------------------------------- who is mentioned on the timeline

-- One more kind, beside whatever kinds there are.
do $$
declare
    known text := (select string_agg(quote_literal(k.word[1]), ', ') from pg_constraint c
        cross join lateral regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') as k (word)
        where c.conname = 'notifications_kind');
begin
    alter table notifications drop constraint notifications_kind;
    execute format('alter table notifications add constraint notifications_kind check (kind in (%s, %L))',
                   known, 'timeline_mention');
end $$;

-- As it was for every other kind; a mention on the timeline is shown while its event may be seen.
alter function shows_notification(notifications) rename to shows_notification_but_of_events;
create function shows_notification(n notifications) returns boolean language sql stable as $$
    select case n.kind
        when 'timeline_mention' then exists (
            select from events e
            where e.org_id = n.org_id and e.id = n.subject_id
              and e."timestamp" between n.happened_at - interval '1 hour' and n.happened_at + interval '1 hour'
              and (e.author_type is distinct from 'agent' or sees_agent(e.author_id))
              and (e.project_id is null or sees_project(e.project_id)))
        else shows_notification_but_of_events(n) end
$$;
grant execute on function shows_notification(notifications) to crewhall_app, crewhall_read, crewhall_definer;

-- ---------------------------------------------------------------------------------------------- deleting for good

-- Deletes the rows of a table that a condition names, and before them what refers to them by a foreign key that would refuse it; says
-- how many of which table went. A reference in `kept` is taken away instead, so that what refers stays; what triggers of the
-- deletion, and `purge` itself, see to is in `seen_to`.
create function purge_rows(target regclass, which text) returns table (relation text, gone bigint) language plpgsql volatile as $$
#variable_conflict use_column
declare
    kept constant text[] := array['agents.parent_agent_id', 'conversations.direct_agent_id', 'hooks.agent_id',
                                  'projects.conversation_id', 'import_channels.conversation_id'];
    seen_to constant text[] := array['tasks.assigned_agent_id', 'agents.project_id', 'wiki_entries.proposed_by_agent_id'];
    reference record;
    referring text;
    count bigint;
begin
    for reference in
        select c.conrelid::regclass as child, r.relname || '.' || k.own as name, k.own, k.columns, k.referred
        from pg_constraint c
        join pg_class r on r.oid = c.conrelid
        cross join lateral (
            select string_agg(quote_ident(a.attname), ', ' order by p.n) as columns,
                   string_agg(quote_ident(b.attname), ', ' order by p.n) as referred,
                   coalesce(min(a.attname) filter (where not a.attnotnull), '') as own
            from unnest(c.conkey, c.confkey) with ordinality as p (child, parent, n)
            join pg_attribute a on a.attrelid = c.conrelid and a.attnum = p.child
            join pg_attribute b on b.attrelid = c.confrelid and b.attnum = p.parent) k
        where c.contype = 'f' and c.confrelid = target and c.confdeltype in ('a', 'r') and c.conparentid = 0
        order by c.conrelid::regclass::text, c.conname
    loop
        referring := format('(%s) in (select %s from %s where %s)', reference.columns, reference.referred, target, which);
        if reference.name = any (kept) then
            execute format('update %s set %I = null where %s', reference.child, reference.own, referring);
        elsif reference.child <> target and not reference.name = any (seen_to) then
            return query select * from purge_rows(reference.child, referring);
        end if;
    end loop;
    execute format('delete from %s where %s', target, which);
    get diagnostics count = row_count;
    relation := target::text;
    gone := count;
    return next;
end $$;
alter function purge_rows(regclass, text) owner to crewhall_definer;
revoke all on function purge_rows(regclass, text) from public;

-- The one function that deletes for good, and passes the tables by that nothing is taken from: an agent with what it did, a project
-- with its tasks. What was not deleted before is left alone. For the administrator; the application may not.
--
-- Of an agent go its turns, its inbox, its keys and all that it knows, its events and figures, events that tell of it; what it said
-- elsewhere and wrote into the wiki stays, as do people's conversations with it, and tasks lose it. Agents outlive their project, as inactive agents of the
-- organization; what happened in it stays on the timeline.
create function purge(kind text, of_id uuid) returns table (relation text, gone bigint) language plpgsql volatile
set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    org uuid;
begin
    if kind = 'agent' then
        select a.org_id into org from agents a where a.id = of_id and a.deleted_at is not null for update;
    elsif kind = 'project' then
        select p.org_id into org from projects p where p.id = of_id and p.deleted_at is not null for update;
    else
        raise exception 'an agent or a project is purged' using errcode = '22023';
    end if;
    if org is null then
        raise exception 'there is no such % that was deleted', kind using errcode = 'P0002';
    end if;
    perform set_config('crewhall.purging', 'on', true);
    if kind = 'agent' then
        update conversations c set owner_type = 'user', owner_agent_id = null, owner_user_id = (
            select m.user_id from memberships m where m.org_id = org and m.role = 'owner' limit 1)
        where c.org_id = org and c.owner_agent_id = of_id and c.kind <> 'agent';
        update wiki_entries w set author_type = 'system' -- its words stay, under its name
        where w.org_id = org and w.author_type = 'agent' and w.author_id = of_id;
        -- what refers to an agent without a foreign key: tables in partitions, and columns that hold people, too
        return query select p.relation, p.gone from (values
            ('events', 'org_id = %L and author_id = %L'), ('events', 'org_id = %L and agent_id = %L'),
            ('credential_usage', 'org_id = %L and agent_id = %L'),
            ('conversation_members', 'org_id = %L and member_id = %L'),
            ('project_members', 'org_id = %L and member_id = %L'),
            ('notifications', 'org_id = %L and recipient_id = %L')) as w (relation, condition)
        cross join lateral purge_rows(w.relation::regclass, format(w.condition, org, of_id)) p;
    end if;
    return query select p.relation, p.gone
        from purge_rows((kind || 's')::regclass, format('org_id = %L and id = %L', org, of_id)) p;
    perform set_config('crewhall.purging', '', true);
end $$;
alter function purge(text, uuid) owner to crewhall_definer;
alter function purge(text, uuid) security definer;
revoke all on function purge(text, uuid) from public;
grant execute on function purge(text, uuid) to crewhall_admin;
