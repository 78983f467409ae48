-- The organization: people who are deactivated, invitations with limits, offers of ownership, settings and looks.

-- ---------------------------------------------------------------------------------------------- deactivated people

-- Who was deactivated has no membership: whatever asks for one refuses them at once. This is what they come back to.
create table deactivated_members (
    org_id uuid not null references organizations,
    user_id uuid not null references users,
    role text not null constraint deactivated_members_role check (role in ('admin', 'member')),
    joined_at timestamptz not null,
    deactivated_at timestamptz not null default now(),
    deactivated_by uuid,
    primary key (org_id, user_id)
);
create index deactivated_members_user on deactivated_members (user_id);
call secure_tenant_table('deactivated_members');

-- Nobody comes back by a link: only by being reactivated, which takes that row away first. After the insertion, which has
-- waited by then for a deactivation that was under way.
create function refuse_deactivated_member() returns trigger language plpgsql as $$
begin
    if exists (select from deactivated_members d where d.org_id = new.org_id and d.user_id = new.user_id) then
        raise exception 'the person is deactivated' using errcode = '23503', constraint = 'members_deactivated';
    end if;
    return new;
end $$;
create trigger members_deactivated after insert on memberships for each row execute function refuse_deactivated_member();

-- The deactivated people of the transaction's organization, for its owners and admins: without a membership, their rows of
-- `users` are nobody's here.
create function deactivated_people(query text, with_role text, one uuid, after_name text, after_id uuid, size integer)
returns table (id uuid, handle text, name text, email text, avatar_url text, timezone text, role text,
               joined_at timestamptz, deactivated_at timestamptz) language sql stable as $$
    select u.id, u.handle, u.name, u.email, u.avatar_url, u.timezone, d.role, d.joined_at, d.deactivated_at
    from deactivated_members d join users u on u.id = d.user_id and u.deleted_at is null
    where d.org_id = any (current_orgs()) and current_actor_type() in ('user', 'system')
      and current_actor_role() in ('owner', 'admin')
      and (one is null or u.id = one)
      and (with_role is null or d.role = with_role)
      and (query is null or strpos(lower(u.name || ' ' || u.handle || ' ' || u.email), lower(query)) > 0)
      and (after_name is null or (u.name, u.id) > (after_name, after_id))
    order by u.name, u.id limit size
$$;
call make_definer('deactivated_people(text, text, uuid, text, uuid, integer)');

-- Conversations that a deactivated person was in, each row as it was.
create table kept_memberships (
    org_id uuid not null,
    conversation_id uuid not null,
    user_id uuid not null references users,
    membership jsonb not null,
    primary key (org_id, user_id, conversation_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
call secure_tenant_table('kept_memberships');

-- Agents that rest because their owner is deactivated, with the standing that they had.
create table resting_agents (
    org_id uuid not null,
    agent_id uuid primary key,
    user_id uuid not null references users,
    status text not null,
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index resting_agents_user on resting_agents (org_id, user_id);
call secure_tenant_table('resting_agents');

-- ---------------------------------------------------------------------------------------------- invitations

-- A link may serve several people: it is accepted (and dead) with the last of them. A mailed one is for one person.
alter table invitations
    add column max_uses integer not null default 1 constraint invitations_max_uses check (max_uses between 1 and 1000),
    add column uses integer not null default 0,
    add column sent_at timestamptz not null default now(),
    add constraint invitations_uses check (uses between 0 and max_uses),
    add constraint invitations_one_for_email check (email is null or max_uses = 1);
grant select (max_uses, uses, sent_at) on invitations to crewhall_read;

-- ---------------------------------------------------------------------------------------------- ownership

-- The organization that its owner offers to somebody, until they accept or it is too late.
create table ownership_offers (
    org_id uuid primary key references organizations,
    person_id uuid not null references users,
    offered_by uuid not null references users,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
call secure_tenant_table('ownership_offers');

-- Whatever is done to memberships, an organization has an owner when the transaction ends.
create function refuse_orphan() returns trigger language plpgsql as $$
begin
    if exists (select from organizations o where o.id = old.org_id and o.deleted_at is null)
       and not exists (select from memberships m where m.org_id = old.org_id and m.role = 'owner') then
        raise exception 'the organization would have no owner' using errcode = '23503', constraint = 'organizations_owner';
    end if;
    return null;
end $$;
alter function refuse_orphan() owner to crewhall_definer;
alter function refuse_orphan() security definer;
alter function refuse_orphan() set search_path = public, pg_temp;
create constraint trigger organizations_owner after update of role or delete on memberships
    deferrable initially deferred for each row when (old.role = 'owner') execute function refuse_orphan();

-- ---------------------------------------------------------------------------------------------- settings and looks

-- `locale` and `timezone` are what new people start with; `logo` is the last part of a key of the blob store.
alter table organizations
    add column locale text not null default 'en' constraint organizations_locale check (length(locale) between 2 and 35),
    add column timezone text not null default 'UTC' constraint organizations_timezone check (length(timezone) between 1 and 64),
    add column accent text constraint organizations_accent check (accent ~ '^#[0-9a-f]{6}$'),
    add column logo uuid;
create unique index organizations_logo on organizations (logo) where logo is not null;

-- Whose logo this is, for whoever was led to it.
create function organization_with_logo(wanted uuid) returns uuid language sql stable as $$
    select o.id from organizations o where o.logo = wanted and o.deleted_at is null
$$;
call make_definer('organization_with_logo(uuid)');

-- What an organization looks like to who is not inside: one whose id they have, else the only one that there is.
create function looks_of(wanted uuid) returns table (name text, accent text, logo uuid) language sql stable rows 1 as $$
    select o.name, o.accent, o.logo from organizations o
    where o.deleted_at is null
      and case when wanted is null
               then (select count(*) from (select from organizations x where x.deleted_at is null limit 2) few) = 1
               else o.id = wanted end
$$;
call make_definer('looks_of(uuid)');

-- Channels that new people join: few among many.
create index conversations_default on conversations (org_id) where is_default and deleted_at is null;
