-- Apps: programs to which a person gives access to one organization, through MCP.

-- ---------------------------------------------------------------------------------------------- apps

-- What OAuth calls a client. It belongs to nobody: it says of itself who it is, and may hold no access at all.
create table apps (
    id text primary key constraint apps_id check (length(id) between 1 and 1000),
    source text not null constraint apps_source check (source in ('registered', 'document')),
    name text not null constraint apps_name check (length(name) between 1 and 100),
    redirect_uris text[] not null constraint apps_redirect_uris check (cardinality(redirect_uris) between 1 and 20),
    created_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    fresh_until timestamptz,
    constraint apps_fresh check ((source = 'document') = (fresh_until is not null))
);
create index apps_used on apps (used_at);
comment on table apps is 'no-rls: apps belong to nobody; what they say of themselves is no secret';
grant select, insert, update on apps to crewhall_app;
grant select, insert, update, delete on apps to crewhall_definer;
grant select on apps to crewhall_read;

-- An app's access is a login of the person's: what ends those ends it.
alter table logins drop constraint logins_kind;
alter table logins add constraint logins_kind check (kind in ('browser', 'token', 'personal', 'app'));
alter table logins drop constraint logins_personal;
alter table logins add constraint logins_personal check ((kind in ('personal', 'app')) = (name is not null));
alter table login_tokens drop constraint login_tokens_kind;
alter table login_tokens add constraint login_tokens_kind
    check (kind in ('session', 'access', 'refresh', 'personal', 'app_code', 'app_access', 'app_refresh'));

-- What was asked and granted: `challenge` proves who asked, `resource` is where the tokens are good.
create table app_logins (
    login_id uuid primary key references logins on delete cascade,
    user_id uuid not null references users,
    app_id text not null references apps,
    scopes text[] not null,
    resource text not null,
    redirect_uri text not null,
    challenge text not null
);
create index app_logins_app on app_logins (app_id);
create index app_logins_user on app_logins (user_id);
call secure_table('app_logins', 'user_id = current_actor()');

-- Who is behind an app's access token, in the one organization that it was granted for, while they are its member.
create function authenticate_app(token_digest bytea)
    returns table (login_id uuid, user_id uuid, name text, org_id uuid, slug text, role text, expires_at timestamptz,
                   scopes text[], resource text)
    language sql stable rows 1 as $$
    select l.id, u.id, u.name, o.id, o.slug, m.role, least(t.expires_at, l.expires_at), a.scopes, a.resource
    from login_tokens t
    join logins l on l.id = t.login_id and l.revoked_at is null and l.expires_at > now()
    join app_logins a on a.login_id = l.id
    join users u on u.id = t.user_id and u.deleted_at is null
    join memberships m on m.user_id = u.id and m.org_id = l.org_id
    join organizations o on o.id = m.org_id and o.deleted_at is null
    where t.digest = token_digest and t.kind = 'app_access' and t.expires_at > now()
$$;
call make_definer('authenticate_app(bytea)');

-- Whose a code or a token of an app is, whatever has become of it.
create function find_app_owner(token_digest bytea) returns table (user_id uuid, org_id uuid)
    language sql stable rows 1 as $$
    select t.user_id, l.org_id from login_tokens t
    join logins l on l.id = t.login_id and l.kind = 'app'
    join users u on u.id = t.user_id and u.deleted_at is null
    where t.digest = token_digest
$$;
call make_definer('find_app_owner(bytea)');

-- Forgets apps that nobody lets in: after so many days, after one where nobody ever did, and the oldest beyond so many.
create function forget_apps(after_days integer, most integer) returns void language sql volatile as $$
    delete from apps where id in (
        select u.id from (
            select a.id, row_number() over (order by a.used_at desc) as place,
                   a.used_at + make_interval(days => case when a.used_at = a.created_at then 1 else after_days end) as until
            from apps a where not exists (select from app_logins l where l.app_id = a.id)) u
        where u.place > most or u.until < now())
$$;
call make_definer('forget_apps(integer, integer)');

-- ---------------------------------------------------------------------------------------------- tool servers

-- A server elsewhere whose tools an organization lets its agents use, through MCP. `sealed` is what signs us in there,
-- encrypted by the application: neither the reading role nor any face shows it.
create table tool_servers (
    id uuid primary key,
    org_id uuid not null references organizations,
    name text not null constraint tool_servers_name check (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(name) <= 20),
    url text not null constraint tool_servers_url check (length(url) between 8 and 2000),
    sealed bytea,
    is_enabled boolean not null default true,
    problem text,
    listed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    unique (org_id, id),
    unique (org_id, name)
);
call keep_updated_at('tool_servers');
call secure_tenant_table('tool_servers');
revoke select on tool_servers from crewhall_read;
grant select (id, org_id, name, url, is_enabled, problem, listed_at, created_at, updated_at, created_by, updated_by)
    on tool_servers to crewhall_read;

-- What such a server offers, and what of it was accepted. Agents use a tool only while both are the same, letter by letter.
create table server_tools (
    org_id uuid not null,
    server_id uuid not null,
    tool text not null constraint server_tools_tool check (length(tool) between 1 and 128),
    name text not null constraint server_tools_name check (length(name) between 1 and 50),
    offered jsonb not null,
    digest text not null,
    accepted jsonb,
    accepted_digest text,
    accepted_by uuid,
    accepted_at timestamptz,
    risk text constraint server_tools_risk check (risk in ('read', 'write', 'outside', 'destructive')),
    is_gone boolean not null default false,
    constraint server_tools_accepted check ((accepted is null) = (accepted_digest is null)),
    primary key (org_id, server_id, tool),
    unique (org_id, name),
    foreign key (org_id, server_id) references tool_servers (org_id, id) on delete cascade
);
call secure_tenant_table('server_tools');
