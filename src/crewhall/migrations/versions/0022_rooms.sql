-- Rooms: groups that fall idle and archive themselves, and direct sessions that named people read along.

-- ---------------------------------------------------------------------------------------------- readers

-- A reader is a person with whom a direct session is shared. It is still a session of two: readers are no partners.
alter table conversation_members drop constraint conversation_members_role;
alter table conversation_members
    add constraint conversation_members_role check (role in ('owner', 'member', 'reader')),
    add constraint conversation_members_reader check (role <> 'reader' or member_type = 'user');

-- How many they are: each list of conversations says so.
alter table conversations add column readers integer not null default 0;

-- What a session is called by who reads it along: the agent, the person, and what it is about.
create function session_name(c conversations) returns text language sql stable as $$
    select concat_ws(': ', concat_ws(' with ', (select a.name from agents a where a.id = c.direct_agent_id), (
        select u.name from conversation_members o join users u on u.id = o.member_id
        where o.conversation_id = c.id and o.member_type = 'user' and o.role <> 'reader' limit 1)), c.title)
$$;
grant execute on function session_name(conversations) to crewhall_app, crewhall_definer;

-- Whose session it is that somebody reads along. Its own search path keeps the two below from being planned with each list of
-- conversations, few of which are shared or archived.
create function shared_by(session uuid) returns json language sql stable set search_path = public, pg_temp as $$
    select json_build_object('type', 'user', 'id', u.id, 'name', u.name, 'handle', u.handle)
    from conversation_members m join users u on u.id = m.member_id
    where m.conversation_id = session and m.member_type = 'user' and m.role <> 'reader' limit 1
$$;

create function named_actor(of_type text, who uuid) returns json language sql stable set search_path = public, pg_temp as $$
    select json_build_object('type', of_type, 'id', who, 'name', coalesce(
        (select u.name from users u where u.id = who), (select a.name from agents a where a.id = who),
        case of_type when 'system' then 'Crewhall' else '' end))
$$;

-- As before; sessions that the actor only reads along lead to nobody.
create or replace function find_places(query text, size integer)
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
        join conversation_members me on me.conversation_id = c.id
         and (me.member_type, me.member_id) = (current_actor_type(), current_actor()) and me.role <> 'reader'
        join conversation_members o on o.conversation_id = c.id
         and (o.member_type, o.member_id) <> (current_actor_type(), current_actor()) and o.role <> 'reader'
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

-- As before; sessions that the actor reads along are places of their own.
create or replace function usual_places(size integer)
returns table (type text, id uuid, name text, detail text, conversation_id uuid, kind text, access text, status text,
               presence text, score double precision) language sql stable as $$
    with mine as materialized (
        select c.id, c.kind, c.type, c.status, c.description, m.role = 'reader' as reads_along,
               case m.role when 'reader' then session_name(c) else coalesce(c.name, c.title) end as name,
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
        where m.kind = 'direct' and not m.reads_along and k.conversation_id = m.id and k.role <> 'reader'
          and (k.member_type, k.member_id) <> (current_actor_type(), current_actor())
        limit 1) o on true
    left join users u on o.member_type = 'user' and u.id = o.member_id
    left join agents a on o.member_type = 'agent' and a.id = o.member_id
    order by m.score desc, m.id
$$;
call make_definer('usual_places(integer)');

-- ---------------------------------------------------------------------------------------------- idle and archived

-- What an organization settles about its groups: after how many hours without a message one is idle, and after how many idle
-- days it archives itself (null: never). Without a row the defaults hold.
create table idle_policies (
    org_id uuid primary key references organizations,
    idle_after_hours integer not null default 24
        constraint idle_policies_idle_after_hours check (idle_after_hours between 1 and 8760),
    archive_after_days integer default 7
        constraint idle_policies_archive_after_days check (archive_after_days between 1 and 3650),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid
);
call keep_updated_at('idle_policies');
call secure_tenant_table('idle_policies');

-- How a conversation comes to be archived. `look_at` is when somebody has to look whether a group has been idle long enough:
-- a message moves nothing here, so that posting pays nothing; who looks too early puts it off. `archived_by` is the system's
-- where it archived itself.
create table archivings (
    conversation_id uuid primary key,
    org_id uuid not null,
    stays_open boolean not null default false,
    look_at timestamptz,
    archived_at timestamptz,
    archived_by_type text constraint archivings_archived_by_type check (archived_by_type in ('user', 'agent', 'system')),
    archived_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint archivings_by check ((archived_at is null) = (archived_by_type is null and archived_by is null)),
    constraint archivings_look check (look_at is null or (archived_at is null and not stays_open)),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index archivings_look_at on archivings (look_at) where look_at is not null;
create index archivings_org on archivings (org_id, archived_at desc, conversation_id);
call keep_updated_at('archivings');
call secure_tenant_table('archivings');

-- After how long without a message a group of the transaction's organization is idle, and how long it is idle until it
-- archives itself (null: never).
create function idle_after() returns interval language sql stable as $$
    select make_interval(hours => coalesce((
        select p.idle_after_hours from idle_policies p where p.org_id = any (current_orgs()) limit 1), 24))
$$;
create function archive_after() returns interval language sql stable as $$
    select case when count(*) = 0 then interval '7 days' else make_interval(days => max(p.archive_after_days)) end
    from idle_policies p where p.org_id = any (current_orgs())
$$;

-- The groups that somebody has to look at next, with the seconds until then.
create function next_archivings(size integer)
returns table (org_id uuid, conversation_id uuid, due_in double precision) language sql stable as $$
    select a.org_id, a.conversation_id, extract(epoch from a.look_at - clock_timestamp())::double precision
    from archivings a where a.look_at is not null order by a.look_at limit size
$$;
call make_definer('next_archivings(integer)');

-- Groups that are there already have the whole time from now on; what is archived was so by whoever changed it last.
insert into archivings (conversation_id, org_id, look_at)
select c.id, c.org_id, now() + interval '8 days' from conversations c
where c.kind = 'group' and c.status = 'active' and c.deleted_at is null;
insert into archivings (conversation_id, org_id, archived_at, archived_by_type, archived_by)
select c.id, c.org_id, c.updated_at,
       case when exists (select from agents a where a.id = c.updated_by) then 'agent' else 'user' end, c.updated_by
from conversations c
where c.status = 'archived' and c.kind <> 'agent' and c.deleted_at is null and c.updated_by is not null;
