-- Handles of people and codes of agents share the `@`: within an organization a name after it means one of them only.
-- A handle is global and a code belongs to one organization, so the rule is held wherever the two meet: where an agent
-- gets a code, where a person gets another handle, and where a person joins. Names that met before this migration stay
-- as they are; a mention means the person there. Whoever comes second is refused: both take the name's lock, and look
-- only then. A person's row is locked before a name is, in every case, so that no two wait for each other.

create function lock_name(name text) returns void language sql volatile as $$
    select pg_advisory_xact_lock(hashtextextended('name after @: ' || name, 0))
$$;

create function refuse_code_of_member() returns trigger language plpgsql as $$
begin
    perform lock_name(new.code);
    if exists (select from memberships m join users u on u.id = m.user_id
               where m.org_id = new.org_id and u.handle = new.code and u.deleted_at is null) then
        raise exception 'a member has this handle' using errcode = '23505', constraint = 'names_code';
    end if;
    return new;
end $$;

create function refuse_handle_of_agent() returns trigger language plpgsql as $$
begin
    perform lock_name(new.handle);
    if exists (select from memberships m join agents a on a.org_id = m.org_id
               where m.user_id = new.id and a.code = new.handle and a.deleted_at is null) then
        raise exception 'an agent has this code' using errcode = '23505', constraint = 'names_handle';
    end if;
    return new;
end $$;

create function refuse_member_named_as_agent() returns trigger language plpgsql as $$
declare
    joining text;
begin
    select u.handle into joining from users u where u.id = new.user_id for share;
    perform lock_name(joining);
    if exists (select from agents a where a.org_id = new.org_id and a.code = joining and a.deleted_at is null) then
        raise exception 'an agent has this code' using errcode = '23505', constraint = 'names_member';
    end if;
    return new;
end $$;

-- Who has a name already: 'agent' where an agent of the transaction's organizations, or of those that its person is a
-- member of, has it as its code (agents that the person may not see count as well), else 'user', or null for nobody.
create function holder_of_name(wanted text) returns text language sql stable as $$
    select case
        when exists (
            select from agents a where a.code = wanted and a.deleted_at is null
              and (a.org_id = any (current_orgs()) or exists (
                  select from memberships m where m.org_id = a.org_id and m.user_id = current_actor()))) then 'agent'
        when exists (select from users u where u.handle = wanted and u.deleted_at is null) then 'user'
    end
$$;
call make_definer('holder_of_name(text)');
create index agents_code on agents (code) where deleted_at is null;

do $$
declare
    guard regprocedure;
begin
    foreach guard in array array['refuse_code_of_member()', 'refuse_handle_of_agent()',
                                 'refuse_member_named_as_agent()']::regprocedure[] loop
        execute format('alter function %s owner to crewhall_definer', guard);
        execute format('alter function %s security definer', guard);
        execute format('alter function %s set search_path = public, pg_temp', guard);
    end loop;
end $$;

create trigger names_code before insert or update of code, deleted_at on agents for each row
    when (new.deleted_at is null) execute function refuse_code_of_member();
create trigger names_handle before update of handle on users for each row
    when (old.handle is distinct from new.handle) execute function refuse_handle_of_agent();
create trigger names_member before insert on memberships for each row execute function refuse_member_named_as_agent();
