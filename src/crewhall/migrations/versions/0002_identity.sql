-- What identity needs before anybody is known: a fixed list of definer functions that answer with ids, hashes, role and
-- name only. Each filters by a secret's digest, by an exact email, or by the transaction's own actor and organizations.

-- Hands a function to crewhall_definer, whose policy sees every row, and lets only the application call it.
create procedure make_definer(target regprocedure) language plpgsql as $$
begin
    execute format('alter function %s owner to crewhall_definer', target);
    execute format('alter function %s security definer', target);
    execute format('alter function %s set search_path = public, pg_temp', target);
    execute format('revoke all on function %s from public', target);
    execute format('grant execute on function %s to crewhall_app', target);
end $$;

-- Hashes are read through the functions below only, and never by the reading role.
revoke select on users from crewhall_app, crewhall_read;
grant select (id, handle, email, name, clerk_user_id, avatar_url, locale, timezone, created_at, updated_at, created_by,
              updated_by, deleted_at) on users to crewhall_app, crewhall_read;
revoke select on login_tokens, password_resets, invitations from crewhall_read;
grant select (id, org_id, email, role, expires_at, accepted_at, accepted_by, revoked_at, created_at, created_by)
    on invitations to crewhall_read;

-- Who is behind a session cookie or an access token. `wanted` names an organization (id or slug); without it the login's
-- own. `org_id` is null where the person is no member of it, or it is gone.
create function authenticate_login(token_digest bytea, wanted text)
    returns table (login_id uuid, user_id uuid, name text, org_id uuid, role text, expires_at timestamptz)
    language sql stable rows 1 as $$
    select l.id, u.id, u.name, m.org_id, m.role, least(t.expires_at, l.expires_at)
    from login_tokens t
    join logins l on l.id = t.login_id and l.revoked_at is null and l.expires_at > now()
    join users u on u.id = t.user_id and u.deleted_at is null
    left join lateral (
        select m.org_id, m.role
        from memberships m join organizations o on o.id = m.org_id and o.deleted_at is null
        where m.user_id = u.id
          and case when wanted is null then o.id = l.org_id else o.slug = wanted or o.id::text = lower(wanted) end
        order by (o.id::text = lower(wanted)) desc nulls last limit 1
    ) m on true
    where t.digest = token_digest and t.kind in ('session', 'access') and t.expires_at > now()
$$;
call make_definer('authenticate_login(bytea, text)');

create function find_password(wanted text) returns table (user_id uuid, password_hash text)
    language sql stable rows 1 as $$
    select u.id, u.password_hash from users u where u.email = lower(wanted) and u.deleted_at is null
$$;
call make_definer('find_password(text)');

-- The actor's own hash; locked until the transaction ends, so that a password cannot change while a login is made.
create function own_password() returns text language sql volatile as $$
    select u.password_hash from users u where u.id = current_actor() and u.deleted_at is null for share
$$;
call make_definer('own_password()');

create function find_refresh_owner(token_digest bytea) returns uuid language sql stable as $$
    select t.user_id from login_tokens t join users u on u.id = t.user_id and u.deleted_at is null
    where t.digest = token_digest and t.kind = 'refresh'
$$;
call make_definer('find_refresh_owner(bytea)');

create function find_reset_owner(reset_digest bytea) returns uuid language sql stable as $$
    select r.user_id from password_resets r join users u on u.id = r.user_id and u.deleted_at is null
    where r.digest = reset_digest and r.used_at is null and r.expires_at > now()
$$;
call make_definer('find_reset_owner(bytea)');

create function find_invitation(invitation_digest bytea) returns table (invitation_id uuid, org_id uuid)
    language sql stable rows 1 as $$
    select i.id, i.org_id from invitations i join organizations o on o.id = i.org_id and o.deleted_at is null
    where i.digest = invitation_digest and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
$$;
call make_definer('find_invitation(bytea)');

-- Ends the logins that a person who leaves has in the transaction's organization; answers how many there were.
create function end_logins_of(member uuid) returns bigint language sql volatile as $$
    with ended as (
        update logins l set revoked_at = now()
        where l.user_id = member and l.revoked_at is null and l.org_id = any (current_orgs())
          and current_actor_type() in ('user', 'system')
          and (member = current_actor() or current_actor_role() in ('owner', 'admin'))
        returning 1)
    select count(*) from ended
$$;
call make_definer('end_logins_of(uuid)');

-- An organization that still has agents is never deleted, whoever asks. The full row lock waits for a creation that is
-- under way (its foreign key holds the row), so that none slips in between.
create function refuse_deletion_with_agents() returns trigger language plpgsql as $$
begin
    perform from organizations o where o.id = new.id for update;
    if exists (select from agents a where a.org_id = new.id and a.deleted_at is null) then
        raise exception 'the organization still has agents' using errcode = '23503', constraint = 'organizations_no_agents';
    end if;
    return new;
end $$;
alter function refuse_deletion_with_agents() owner to crewhall_definer;
alter function refuse_deletion_with_agents() security definer;
alter function refuse_deletion_with_agents() set search_path = public, pg_temp;
create trigger no_agents before update of deleted_at on organizations for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function refuse_deletion_with_agents();

create index password_resets_user on password_resets (user_id);
