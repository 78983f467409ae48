-- The foundation: roles' grants, tenancy, identity, agents, conversations, the message log on Postgres, audit.
-- Runs as crewhall_admin, which owns every table. Roles are made beforehand (kernel/postgres/provision.py).

-- ---------------------------------------------------------------------------------------------- scope and policies

create function current_orgs() returns uuid[] language sql stable parallel safe
    as $$ select nullif(current_setting('crewhall.orgs', true), '')::uuid[] $$;
create function current_actor() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('crewhall.actor', true), '')::uuid $$;
create function current_actor_type() returns text language sql stable parallel safe
    as $$ select nullif(current_setting('crewhall.actor_type', true), '') $$;
create function current_actor_role() returns text language sql stable parallel safe
    as $$ select nullif(current_setting('crewhall.role', true), '') $$;

-- Gives a table to the application: grants, forced row-level security, and the policies of the three roles.
-- The permissive policy of crewhall_definer serves security-definer functions, which filter by the scope themselves.
create procedure secure_table(target regclass, app_policy text, app_check text default null) language plpgsql as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('create policy application on %s to crewhall_app using (%s) with check (%s)',
                   target, app_policy, coalesce(app_check, app_policy));
    execute format('create policy reader on %s for select to crewhall_read using (%s)', target, app_policy);
    execute format('create policy administrator on %s to crewhall_admin using (true) with check (true)', target);
    execute format('create policy definer on %s to crewhall_definer using (true) with check (true)', target);
    execute format('grant select, insert, update, delete on %s to crewhall_app, crewhall_definer', target);
    execute format('grant select on %s to crewhall_read', target);
end $$;

create procedure secure_tenant_table(target regclass) language plpgsql as $$
begin
    call secure_table(target, 'org_id = any (current_orgs())');
end $$;

create function touch() returns trigger language plpgsql as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end $$;

-- Append-only tables refuse UPDATE, DELETE and TRUNCATE to everybody but the one purge function (owned by
-- crewhall_definer), which says so for its own transaction.
create function refuse_change() returns trigger language plpgsql as $$
begin
    if current_user = 'crewhall_definer' and current_setting('crewhall.purging', true) = 'on' then
        return case when tg_op = 'DELETE' then old else new end;
    end if;
    raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op) using errcode = '42501';
end $$;

create procedure make_append_only(target regclass) language plpgsql as $$
begin
    execute format('create trigger append_only before update or delete on %s for each row '
                   'execute function refuse_change()', target);
    execute format('create trigger never_truncated before truncate on %s execute function refuse_change()', target);
    execute format('revoke update, delete, truncate on %s from crewhall_app', target);
end $$;

create procedure keep_updated_at(target regclass) language plpgsql as $$
begin
    execute format('create trigger touch before update on %s for each row execute function touch()', target);
end $$;

-- ---------------------------------------------------------------------------------------------- installation

create table installation (
    id boolean primary key default true constraint installation_single check (id),
    created_at timestamptz not null default now(),
    seeded_at timestamptz,
    setup_digest bytea,
    peer_secret text not null default md5(random()::text) || md5(random()::text) || md5(random()::text),
    log_offset bigint not null default 0,
    cluster_id text
);
comment on table installation is 'no-rls: one row about this installation, no tenant data';
grant select, update on installation to crewhall_app;
grant select on installation to crewhall_definer;
insert into installation default values;

create table processes (
    id uuid primary key,
    kind text not null,
    address text,
    started_at timestamptz not null default now(),
    lease_until timestamptz not null
);
comment on table processes is 'no-rls: processes of this installation under a lease, no tenant data';
grant select, insert, update, delete on processes to crewhall_app;

-- ---------------------------------------------------------------------------------------------- identity

create table organizations (
    id uuid primary key,
    slug text not null constraint organizations_slug check (slug ~ '^[a-z0-9-]+$' and length(slug) between 1 and 100),
    name text not null constraint organizations_name check (length(name) between 1 and 255),
    description text constraint organizations_description check (length(description) <= 1024),
    plan text not null default 'free',
    settings jsonb not null default '{}',
    search_language regconfig not null default 'english',
    clerk_org_id text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    deleted_at timestamptz
);
create unique index organizations_slug_key on organizations (slug) where deleted_at is null;
create unique index organizations_clerk_key on organizations (clerk_org_id);
call keep_updated_at('organizations');

create table users (
    id uuid primary key,
    handle text not null constraint users_handle check (handle ~ '^[a-z0-9][a-z0-9._-]*$' and length(handle) <= 32),
    email text not null constraint users_email check (email = lower(email) and length(email) between 3 and 255),
    name text not null constraint users_name check (length(name) between 1 and 255),
    password_hash text,
    clerk_user_id text,
    avatar_url text constraint users_avatar_url check (length(avatar_url) <= 500),
    locale text not null default 'en',
    timezone text not null default 'UTC',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    deleted_at timestamptz
);
create unique index users_handle_key on users (handle) where deleted_at is null;
create unique index users_email_key on users (email) where deleted_at is null;
create unique index users_clerk_key on users (clerk_user_id);
call keep_updated_at('users');

create table memberships (
    org_id uuid not null references organizations,
    user_id uuid not null references users,
    role text not null constraint memberships_role check (role in ('owner', 'admin', 'member')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    primary key (org_id, user_id)
);
create index memberships_user on memberships (user_id);
create unique index memberships_one_owner on memberships (org_id) where role = 'owner';
call keep_updated_at('memberships');

create table logins (
    id uuid primary key,
    user_id uuid not null references users,
    org_id uuid references organizations,
    kind text not null constraint logins_kind check (kind in ('browser', 'token')),
    user_agent text,
    address text,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index logins_user on logins (user_id, id);

create table login_tokens (
    digest bytea primary key,
    login_id uuid not null references logins on delete cascade,
    user_id uuid not null references users,
    kind text not null constraint login_tokens_kind check (kind in ('session', 'access', 'refresh')),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index login_tokens_login on login_tokens (login_id);

create table invitations (
    id uuid primary key,
    org_id uuid not null references organizations,
    email text constraint invitations_email check (email = lower(email)),
    role text not null constraint invitations_role check (role in ('admin', 'member')),
    digest bytea not null unique,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid references users,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid
);
create index invitations_org on invitations (org_id, id);

create table password_resets (
    digest bytea primary key,
    user_id uuid not null references users,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default now()
);

call secure_table('memberships', 'org_id = any (current_orgs()) or user_id = current_actor()', 'org_id = any (current_orgs())');
call secure_table('organizations',
    'id = any (current_orgs()) or exists (select from memberships m where m.org_id = id and m.user_id = current_actor())',
    'id = any (current_orgs())');
call secure_table('users',
    'id = current_actor() or exists (select from memberships m where m.user_id = id and m.org_id = any (current_orgs()))',
    'id = current_actor()');
call secure_table('logins', 'user_id = current_actor()');
call secure_table('login_tokens', 'user_id = current_actor()');
call secure_tenant_table('invitations');
call secure_table('password_resets', 'user_id = current_actor()');

-- ---------------------------------------------------------------------------------------------- agents

create table agents (
    id uuid primary key,
    org_id uuid not null references organizations,
    level text not null default 'organization' constraint agents_level check (level in ('organization', 'project')),
    project_id uuid,
    code text not null constraint agents_code check (code ~ '^[a-z0-9-]+$' and length(code) between 1 and 100),
    name text not null constraint agents_name check (length(name) between 1 and 255),
    description text,
    role_title text not null default '' constraint agents_role_title check (length(role_title) <= 255),
    instructions text,
    icon_url text,
    kind text not null default 'custom' constraint agents_kind check (kind in (
        'stock_analysis', 'ringi_system', 'bpp_assistant', 'generic_chat', 'custom',
        'it_support', 'sales', 'hr', 'research')),
    status text not null default 'active' constraint agents_status check (status in (
        'active', 'probation', 'maintenance', 'inactive', 'terminated')),
    trust_score numeric(5,2) not null default 50 constraint agents_trust_score check (trust_score between 0 and 100),
    presence text not null default 'offline' constraint agents_presence check (presence in ('online', 'busy', 'offline')),
    last_heartbeat_at timestamptz,
    presence_until timestamptz,
    public_key text,
    model_config jsonb not null default '{}',
    tools jsonb not null default '[]',
    embedding_model text,
    rag_enabled boolean not null default false,
    capabilities text[] not null default '{}',
    scheduling_config jsonb not null default '{}',
    visibility text not null default 'public' constraint agents_visibility check (visibility in ('public', 'private', 'hidden')),
    parent_agent_id uuid,
    owner_user_id uuid references users on delete set null,
    version text not null default '1.0.0',
    topic text,
    settings jsonb not null default '{}',
    metadata jsonb not null default '{}',
    search tsvector generated always as (
        setweight(to_tsvector('english', name || ' ' || code || ' ' || role_title), 'A')
        || setweight(to_tsvector('english', coalesce(description, '')), 'B')) stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    deleted_at timestamptz,
    constraint agents_level_project check ((level = 'organization') = (project_id is null)),
    unique (org_id, id),
    foreign key (org_id, parent_agent_id) references agents (org_id, id)
);
create unique index agents_code_key on agents (org_id, code) where deleted_at is null;
create unique index agents_name_key on agents (org_id, project_id, name) nulls not distinct where deleted_at is null;
create index agents_org on agents (org_id, id) where deleted_at is null;
create index agents_owner on agents (owner_user_id);
create index agents_parent on agents (org_id, parent_agent_id) where parent_agent_id is not null;
create index agents_search on agents using gin (search);
create index agents_name_trigrams on agents using gin (name gin_trgm_ops);
create index agents_capabilities on agents using gin (capabilities);
call keep_updated_at('agents');
call secure_tenant_table('agents');

create table agent_credentials (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    type text not null default 'api_key' constraint agent_credentials_type check (type in ('api_key', 'jwt_secret')),
    label text not null default '' constraint agent_credentials_label check (length(label) <= 100),
    prefix text not null constraint agent_credentials_prefix check (length(prefix) = 12),
    hash text,
    ciphertext bytea,
    is_active boolean not null default true,
    expires_at timestamptz,
    last_used_at timestamptz,
    rotated_from uuid references agent_credentials,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    deleted_at timestamptz,
    constraint agent_credentials_kept check ((type = 'api_key') = (hash is not null)),
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create unique index agent_credentials_prefix_key on agent_credentials (prefix);
create index agent_credentials_agent on agent_credentials (org_id, agent_id, id);
call keep_updated_at('agent_credentials');
call secure_tenant_table('agent_credentials');
create policy own_credentials on agent_credentials as restrictive to crewhall_app
    using (current_actor_type() is distinct from 'agent' or agent_id = current_actor());

create table credential_usage (
    id uuid not null,
    org_id uuid not null,
    credential_id uuid not null,
    agent_id uuid not null,
    ok boolean not null,
    reason text,
    uses integer not null default 1,
    address text,
    used_at timestamptz not null default now(),
    primary key (id, used_at)
) partition by range (used_at);
create index credential_usage_credential on credential_usage (org_id, credential_id, used_at desc);
call secure_tenant_table('credential_usage');
call make_append_only('credential_usage');
create policy own_credentials on credential_usage as restrictive to crewhall_app
    using (current_actor_type() is distinct from 'agent' or agent_id = current_actor());

create table agent_templates (
    id uuid primary key,
    code text not null unique constraint agent_templates_code check (code ~ '^[a-z0-9-]+$'),
    name text not null,
    description text not null default '',
    role_title text not null default '',
    instructions text not null default '',
    kind text not null default 'custom',
    capabilities text[] not null default '{}',
    model_config jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table agent_templates is 'no-rls: owned by the platform, the same for every tenant, no tenant data';
grant select, insert on agent_templates to crewhall_app;
grant select on agent_templates to crewhall_read;
call keep_updated_at('agent_templates');

-- Monthly partitions of the append-only tables, made ahead of time (this month and the next three). Nobody has grants
-- on a partition: reading one directly would pass the parent's policy by.
create function ensure_partitions() returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
    parent text;
    month date;
    made integer := 0;
    name text;
begin
    perform pg_advisory_xact_lock(hashtext('crewhall.partitions'));
    foreach parent in array array['credential_usage'] loop
        for month in select generate_series(date_trunc('month', now()), date_trunc('month', now()) + interval '3 months',
                                            interval '1 month') loop
            name := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
            if to_regclass(name) is null then
                execute format('create table %I partition of %I for values from (%L) to (%L)',
                               name, parent, month, month + interval '1 month');
                execute format('alter table %I enable row level security', name);
                execute format('alter table %I force row level security', name);
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end $$;
select ensure_partitions();
revoke all on function ensure_partitions() from public;
grant execute on function ensure_partitions() to crewhall_app;

-- ---------------------------------------------------------------------------------------------- conversations

create table conversations (
    id uuid primary key,
    org_id uuid not null references organizations,
    kind text not null constraint conversations_kind check (kind in ('direct', 'group', 'channel', 'agent')),
    type text not null constraint conversations_type check (type in ('public', 'private', 'system')),
    name text constraint conversations_name check (name = lower(name) and length(name) between 1 and 80),
    title text constraint conversations_title check (length(title) <= 255),
    description text not null default '' constraint conversations_description check (length(description) <= 1024),
    topic text not null unique constraint conversations_topic check (length(topic) between 1 and 249),
    topic_state text not null default 'ready' constraint conversations_topic_state check (topic_state in (
        'provisioning', 'ready', 'retiring')),
    status text not null default 'active' constraint conversations_status check (status in (
        'active', 'idle', 'archived', 'deleted')),
    is_private boolean generated always as (type <> 'public') stored,
    is_default boolean not null default false,
    owner_type text not null,
    owner_user_id uuid references users,
    owner_agent_id uuid,
    direct_agent_id uuid,
    direct_key text,
    project_id uuid,
    agent_policy jsonb not null default '{}',
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    deleted_at timestamptz,
    constraint conversations_owner check (
        (owner_type = 'user' and owner_user_id is not null and owner_agent_id is null)
        or (owner_type = 'agent' and owner_agent_id is not null and owner_user_id is null)),
    constraint conversations_channel_name check ((kind = 'channel') = (name is not null)),
    constraint conversations_closed_kinds check (kind = 'channel' or type = 'private'),
    unique (org_id, id),
    foreign key (org_id, owner_agent_id) references agents (org_id, id),
    foreign key (org_id, direct_agent_id) references agents (org_id, id)
);
create unique index conversations_channel_key on conversations (org_id, name) where kind = 'channel' and deleted_at is null;
create unique index conversations_inbox_key on conversations (org_id, owner_agent_id) where kind = 'agent' and deleted_at is null;
create unique index conversations_direct_key on conversations (org_id, direct_key) where deleted_at is null;
create index conversations_org on conversations (org_id, id) where deleted_at is null;
call keep_updated_at('conversations');
call secure_tenant_table('conversations');

-- The moving head: one narrow row, locked by the log's writer, so that order of seq is order of commit.
create table conversation_heads (
    conversation_id uuid primary key,
    org_id uuid not null,
    last_seq bigint not null default 0,
    message_count bigint not null default 0,
    membership_version bigint not null default 1,
    is_open boolean not null default true,
    last_active_at timestamptz not null default now(),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
) with (fillfactor = 40);
call secure_tenant_table('conversation_heads');

create table conversation_members (
    conversation_id uuid not null,
    org_id uuid not null,
    member_type text not null constraint conversation_members_type check (member_type in ('user', 'agent')),
    member_id uuid not null,
    role text not null default 'member' constraint conversation_members_role check (role in ('owner', 'member')),
    added_by_type text,
    added_by uuid,
    joined_at timestamptz not null default now(),
    last_read_seq bigint not null default 0,
    primary key (conversation_id, member_type, member_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index conversation_members_member on conversation_members (org_id, member_type, member_id);
call secure_tenant_table('conversation_members');

-- The message log on Postgres. `position` orders records of all conversations for the consumers: the writing
-- transaction's id plus the installation's offset; a reader stays behind the oldest transaction still running.
create table message_records (
    conversation_id uuid not null,
    seq bigint not null,
    org_id uuid not null,
    id uuid not null,
    type text not null constraint message_records_type check (type in (
        'message', 'edit', 'deletion', 'pin', 'unpin', 'reaction', 'unreaction', 'delivery')),
    target_id uuid,
    author_type text not null constraint message_records_author_type check (author_type in ('user', 'agent', 'system')),
    author_id uuid not null,
    author_name text not null,
    role text not null constraint message_records_role check (role in ('user', 'assistant', 'system', 'tool')),
    kind text not null constraint message_records_kind check (kind in (
        'message', 'update', 'insight', 'question', 'answer', 'alert', 'metric')),
    status text not null default 'sent' constraint message_records_status check (status in ('sent', 'delivered', 'failed')),
    title text,
    content text not null,
    html text,
    metadata jsonb,
    parent_id uuid,
    mentions uuid[],
    client_id text,
    body_digest bytea,
    created_at timestamptz not null default now(),
    position bigint not null,
    primary key (conversation_id, seq),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create unique index message_records_id on message_records (id);
create unique index message_records_client on message_records (conversation_id, author_id, client_id) where client_id is not null;
create index message_records_parent on message_records (parent_id, seq) where parent_id is not null;
create index message_records_target on message_records (target_id, seq) where target_id is not null;
create index message_records_position on message_records (position, conversation_id, seq);
call secure_tenant_table('message_records');
call make_append_only('message_records');

-- What overlays add up to, per message; replay rebuilds it.
create table message_overlays (
    message_id uuid primary key,
    conversation_id uuid not null,
    org_id uuid not null,
    title text,
    content text,
    html text,
    metadata jsonb,
    mentions uuid[],
    edit_count integer not null default 0,
    edited_at timestamptz,
    deleted_at timestamptz,
    deleted_by uuid,
    pinned_at timestamptz,
    pinned_by uuid,
    reactions jsonb not null default '{}',
    reply_count integer not null default 0,
    last_reply_at timestamptz,
    last_seq bigint not null,
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index message_overlays_pinned on message_overlays (conversation_id, pinned_at) where pinned_at is not null;
call secure_tenant_table('message_overlays');

-- Derived by a consumer; dropped and replayed at will. `spaceless` text (Chinese, Japanese, Thai …) is found by trigrams.
create table message_search (
    message_id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    seq bigint not null,
    author_id uuid not null,
    kind text not null,
    vector tsvector not null,
    spaceless text,
    created_at timestamptz not null
);
create index message_search_recent on message_search (org_id, message_id desc) include (conversation_id);
create index message_search_vector on message_search using gin (vector) with (fastupdate = on);
create index message_search_spaceless on message_search using gin (spaceless gin_trgm_ops) where spaceless is not null;
call secure_tenant_table('message_search');

create table consumer_checkpoints (
    consumer text primary key,
    position bigint not null default 0,
    conversation_id uuid not null default '00000000-0000-0000-0000-000000000000',
    seq bigint not null default 0,
    updated_at timestamptz not null default now()
);
comment on table consumer_checkpoints is 'no-rls: how far each consumer of the log has come, no tenant data';
grant select, insert, update on consumer_checkpoints to crewhall_app, crewhall_definer;
call keep_updated_at('consumer_checkpoints');
insert into consumer_checkpoints (consumer) values ('search'), ('deliveries'), ('audit');

create view messages with (security_invoker = true) as
select r.org_id, r.conversation_id, r.seq, r.id, r.author_type, r.author_id, r.author_name, r.role, r.kind, r.status,
       case when o.deleted_at is null then coalesce(o.title, r.title) end as title,
       case when o.deleted_at is null then coalesce(o.content, r.content) else '' end as content,
       case when o.deleted_at is null then coalesce(o.html, r.html) else '' end as html,
       case when o.deleted_at is null then coalesce(o.metadata, r.metadata) end as metadata,
       case when o.deleted_at is null then coalesce(o.mentions, r.mentions) end as mentions,
       r.parent_id, r.client_id, r.created_at, o.edited_at, coalesce(o.edit_count, 0) as edit_count,
       o.deleted_at, o.pinned_at, o.pinned_by, coalesce(o.reactions, '{}') as reactions,
       coalesce(o.reply_count, 0) as reply_count, o.last_reply_at
from message_records r left join message_overlays o on o.message_id = r.id
where r.type = 'message';
grant select on messages to crewhall_app, crewhall_read;

-- ---------------------------------------------------------------------------------------------- audit

-- `position` orders acts of all organizations for the consumer that tells them, as it does for message_records.
create function current_log_position() returns bigint language sql volatile
    as $$ select pg_current_xact_id()::text::bigint + n.log_offset from installation n $$;

create table audit_log (
    id uuid primary key,
    org_id uuid not null references organizations,
    actor_type text not null constraint audit_log_actor_type check (actor_type in ('user', 'agent', 'system')),
    actor_id uuid not null,
    action text not null,
    resource_type text,
    resource_id text,
    details jsonb not null default '{}',
    ip_address text,
    created_at timestamptz not null default now(),
    position bigint not null default current_log_position()
);
create index audit_log_position on audit_log (position);
create index audit_log_org on audit_log (org_id, id desc);
call secure_tenant_table('audit_log');
call make_append_only('audit_log');
create policy admins_read on audit_log as restrictive for select to crewhall_app
    using (current_actor_role() in ('owner', 'admin'));
