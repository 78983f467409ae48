-- Reading: places in long conversations and threads, what people keep for themselves, and the switcher.

-- ---------------------------------------------------------------------------------------------- places

-- The seq from which on a conversation was written at a moment or later; one past the newest where nothing was. Seqs rise with
-- time: halving them finds the place in twenty steps among a million, without an index by time on the log.
create function seq_at(in_conversation uuid, moment timestamptz) returns bigint language plpgsql stable as $$
declare
    earlier bigint := 0; -- up to here all was written before
    later bigint := (select h.last_seq + 1 from conversation_heads h where h.conversation_id = in_conversation);
    middle bigint;
    found_seq bigint;
    found_at timestamptz;
begin
    while later - earlier > 1 loop
        middle := (earlier + later) / 2;
        select r.seq, r.created_at into found_seq, found_at from message_records r
            where r.conversation_id = in_conversation and r.seq >= middle order by r.seq limit 1;
        if found_seq is null or found_seq >= later or found_at >= moment then
            later := middle;
        else
            earlier := found_seq;
        end if;
    end loop;
    return later;
end $$;

-- As read_messages, of one thread, in either direction.
create function read_thread(
    orgs uuid[], in_conversation uuid, thread uuid, forward boolean, bound bigint, size integer)
returns table (items text, first bigint, last bigint, length bigint) language plpgsql volatile
set plan_cache_mode = force_generic_plan as $$
begin
    perform set_config('crewhall.orgs', orgs::text, true);
    if forward then
        return query select '[' || string_agg(message_text(p), ',' order by p.seq) || ']', min(p.seq), max(p.seq), count(*)
            from (select m.* from messages m
                  where m.parent_id = thread and m.conversation_id = in_conversation and m.seq > bound
                  order by m.seq limit size) p;
    else
        return query select '[' || string_agg(message_text(p), ',' order by p.seq) || ']', min(p.seq), max(p.seq), count(*)
            from (select m.* from messages m
                  where m.parent_id = thread and m.conversation_id = in_conversation and m.seq < bound
                  order by m.seq desc limit size) p;
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------- what people keep

-- Messages that a person wants to find again. Whether they may still read one is asked each time it is shown.
create table saved_messages (
    org_id uuid not null,
    user_id uuid not null references users,
    conversation_id uuid not null,
    message_id uuid not null,
    note text not null default '' constraint saved_messages_note check (length(note) <= 1000),
    done_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, message_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index saved_messages_open on saved_messages (org_id, user_id, created_at, message_id) where done_at is null;
create index saved_messages_done on saved_messages (org_id, user_id, done_at, message_id) where done_at is not null;
call keep_updated_at('saved_messages');
call secure_table('saved_messages', 'org_id = any (current_orgs()) and user_id = current_actor()');

-- Conversations that a person wants at the top of the sidebar.
create table stars (
    org_id uuid not null,
    user_id uuid not null references users,
    conversation_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (user_id, conversation_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
call secure_table('stars', 'org_id = any (current_orgs()) and user_id = current_actor()');

-- ---------------------------------------------------------------------------------------------- who is there

-- Which of these people have used a browser or client in the transaction's organization within the last five minutes.
create function people_online(who uuid[]) returns setof uuid language sql stable as $$
    select distinct l.user_id from logins l
    join memberships k on k.org_id = l.org_id and k.user_id = l.user_id
    where l.user_id = any (who) and l.org_id = any (current_orgs()) and l.kind in ('browser', 'token')
      and l.revoked_at is null and l.last_seen_at > now() - interval '5 minutes'
$$;
call make_definer('people_online(uuid[])');

-- ---------------------------------------------------------------------------------------------- the switcher

-- How often a person was lately in a conversation: each visit adds one, and what there was halves in three weeks.
create table visits (
    org_id uuid not null,
    user_id uuid not null references users,
    conversation_id uuid not null,
    warmth real not null default 1,
    visited_at timestamptz not null default now(),
    primary key (user_id, conversation_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
call secure_table('visits', 'org_id = any (current_orgs()) and user_id = current_actor()');

create function warmth_now(warmth real, visited_at timestamptz) returns double precision language sql stable parallel safe
    as $$ select warmth * exp(-extract(epoch from greatest(now() - visited_at, interval '0')) / 2620000) $$;

-- Names as they are typed: small letters without accents; what joins words parts them. It begins with a space, so that
-- `like '% ab%'` finds words that begin with `ab`, by trigrams. (Indexes are built without a search path.)
create function typed_name(name text) returns text language sql immutable parallel safe
    as $$ select ' ' || lower(public.without_accents(translate(name, '-_./@#', '      '))) $$;

create index users_typed on users using gin (typed_name(name || ' ' || handle) gin_trgm_ops) where deleted_at is null;
create index agents_typed on agents using gin (typed_name(name || ' ' || code) gin_trgm_ops) where deleted_at is null;
create index conversations_typed on conversations using gin (typed_name(coalesce(name, title)) gin_trgm_ops)
    where deleted_at is null and coalesce(name, title) is not null;

-- How well a name fits what was typed: all of it, its beginning, or the beginnings of other words in it. `typed_as` is the
-- typed_name of all that it is found by.
create function fit_of(name text, typed_as text, typed text) returns double precision language sql immutable parallel safe
    as $$ select case when not starts_with(typed_as, ' ' || typed) then 0 when lower(name) = typed then 3 else 1 end $$;

-- Where somebody may want to go: conversations, people and agents within reach whose names have words that begin like those
-- typed, best first: by fit, and by how often and how lately they were there. Tenant and actor come from the transaction.
create function find_places(query text, size integer)
returns table (type text, id uuid, name text, detail text, conversation_id uuid, kind text, access text, status text,
               presence text, score double precision)
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    org uuid := (current_orgs())[1];
    typed text := regexp_replace(btrim(typed_name(query)), '\s+', ' ', 'g');
    wanted text[] := array(
        select '% ' || replace(replace(replace(word, '\', '\\'), '%', '\%'), '_', '\_') || '%'
        from regexp_split_to_table(typed, ' ') word order by length(word) desc);
    longest text := wanted[1]; -- an index takes one pattern, and helps with none of a single letter
begin
    return query
    with been as materialized (
        select v.conversation_id, ln(1 + warmth_now(v.warmth, v.visited_at)) as heat
        from visits v where v.user_id = current_actor() and v.org_id = org
    ), met as materialized (
        select distinct on (o.member_type, o.member_id) o.member_type, o.member_id, c.id, b.heat
        from been b
        join conversations c on c.id = b.conversation_id and c.kind = 'direct' and c.deleted_at is null
        join conversation_members o on o.conversation_id = c.id
         and (o.member_type, o.member_id) <> (current_actor_type(), current_actor())
        order by o.member_type, o.member_id, b.heat desc
    ), found as (
        select 'conversation' as type, c.id, coalesce(c.name, c.title) as name, c.description as detail,
               c.id as conversation_id, c.kind, c.type as access, c.status, null::text as presence,
               fit_of(coalesce(c.name, c.title), t.name, typed) + coalesce(b.heat, 0)
               + case when c.status = 'archived' then -2 when mine.yes then 0.5 else 0 end
               + 0.5 * exp(-extract(epoch from now() - h.last_active_at) / 604800) as score
        from conversations c
        join conversation_heads h on h.conversation_id = c.id
        left join been b on b.conversation_id = c.id
        cross join lateral (
            select exists (select from conversation_members m where m.conversation_id = c.id
                           and m.member_type = current_actor_type() and m.member_id = current_actor()) as yes) mine
        cross join lateral (select typed_name(coalesce(c.name, c.title)) as name offset 0) t
        where c.org_id = org and c.deleted_at is null and coalesce(c.name, c.title) is not null and c.kind <> 'agent'
          and (length(typed) < 2 or typed_name(coalesce(c.name, c.title)) like longest) and t.name like all (wanted)
          and (c.type = 'public' or mine.yes or (c.type = 'system' and current_actor_role() in ('owner', 'admin')))
          and (current_behalf() is null or all_may_reach(c))
        union all
        select 'user', u.id, u.name, u.handle, met.id, null, null, null, null,
               case when u.handle = typed then 3 else fit_of(u.name, t.name, typed) end + coalesce(met.heat, 0)
        from users u
        join memberships k on k.org_id = org and k.user_id = u.id
        cross join lateral (select typed_name(u.name || ' ' || u.handle) as name offset 0) t
        left join met on met.member_type = 'user' and met.member_id = u.id
        where u.deleted_at is null and (length(typed) < 2 or typed_name(u.name || ' ' || u.handle) like longest)
          and t.name like all (wanted)
        union all
        select 'agent', a.id, a.name, a.code, met.id, null, null, a.status, presence_of(a),
               case when a.code = typed then 3 else fit_of(a.name, t.name, typed) end + coalesce(met.heat, 0)
        from agents a
        cross join lateral (select typed_name(a.name || ' ' || a.code) as name offset 0) t
        left join met on met.member_type = 'agent' and met.member_id = a.id
        where a.org_id = org and a.deleted_at is null and a.status <> 'terminated'
          and (length(typed) < 2 or typed_name(a.name || ' ' || a.code) like longest) and t.name like all (wanted)
          and may_see_agent(a) and (a.visibility <> 'hidden' or met.id is not null)
    )
    select f.* from found f order by f.score desc, f.name, f.id limit size;
end $$;
call make_definer('find_places(text, integer)');

-- Where somebody may want to go who has typed nothing: where they are often, where they were lately, what moved last. A direct
-- conversation is shown as who it is with.
create function usual_places(size integer)
returns table (type text, id uuid, name text, detail text, conversation_id uuid, kind text, access text, status text,
               presence text, score double precision) language sql stable as $$
    with mine as materialized (
        select c.id, c.kind, c.type, c.status, coalesce(c.name, c.title) as name, c.description,
               coalesce(ln(1 + warmth_now(v.warmth, v.visited_at)), 0)
               + coalesce(exp(-extract(epoch from now() - v.visited_at) / 86400), 0)
               + exp(-extract(epoch from now() - h.last_active_at) / 604800) as score
        from conversation_members m
        join conversations c on c.id = m.conversation_id and c.deleted_at is null and c.status <> 'archived' and c.kind <> 'agent'
        join conversation_heads h on h.conversation_id = c.id
        left join visits v on v.user_id = current_actor() and v.conversation_id = c.id
        where m.org_id = (current_orgs())[1] and m.member_type = current_actor_type() and m.member_id = current_actor()
          and (current_behalf() is null or all_may_reach(c))
        order by score desc, c.id limit size
    )
    select coalesce(o.member_type, 'conversation'), coalesce(o.member_id, m.id),
           case when o.member_id is null then coalesce(m.name, '')
                else coalesce(u.name, a.name, '') || coalesce(': ' || m.name, '') end,
           case when o.member_id is null then m.description else coalesce(u.handle, a.code, '') end,
           m.id, m.kind, m.type, m.status, case when a.id is not null then presence_of(a) end, m.score
    from mine m
    left join lateral (
        select k.member_type, k.member_id from conversation_members k
        where m.kind = 'direct' and k.conversation_id = m.id
          and (k.member_type, k.member_id) <> (current_actor_type(), current_actor())
        limit 1) o on true
    left join users u on o.member_type = 'user' and u.id = o.member_id
    left join agents a on o.member_type = 'agent' and a.id = o.member_id
    order by m.score desc, m.id
$$;
call make_definer('usual_places(integer)');
grant execute on function typed_name(text), fit_of(text, text, text), warmth_now(real, timestamptz), presence_of(agents)
    to crewhall_app, crewhall_definer;
