-- GitHub: how an organization reaches it, what its webhooks deliver, the mirror of its repositories, what goes out to them.

-- `sealed` is a token or an app's private key, `webhook_sealed` what webhooks are signed with: encrypted outside (kernel/sealing.py).
-- `answered` is whom GitHub took us for when it was asked last, `problem` why it did not answer.
create table github_connections (
    id uuid primary key,
    org_id uuid not null references organizations (id),
    kind text not null constraint github_connections_kind check (kind in ('app', 'token')),
    name text not null constraint github_connections_name check (length(name) between 1 and 100),
    app_id bigint,
    sealed bytea not null,
    webhook_sealed bytea not null,
    answered text,
    problem text,
    checked_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    updated_by uuid,
    unique (org_id, id),
    unique (org_id, name),
    constraint github_connections_app check ((kind = 'app') = (app_id is not null))
);
call secure_tenant_table('github_connections');
call keep_updated_at('github_connections');
revoke select on github_connections from crewhall_read;

-- `project_id` says for which project tasks are made of its issues. `cursor` is where a sync goes on; `watermark` is up to when all
-- is known. `look_at`: when a process is to look at it; set anew while one is at work. `attempt` fences what that one writes.
create table github_repositories (
    id uuid primary key,
    org_id uuid not null,
    connection_id uuid not null,
    full_name text not null constraint github_repositories_full_name check (full_name ~ '^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$'),
    github_id bigint,
    installation_id bigint,
    default_branch text,
    project_id uuid,
    state text not null default 'waiting'
        constraint github_repositories_state check (state in ('waiting', 'syncing', 'synced', 'limited', 'failed')),
    problem text,
    cursor jsonb not null default '{}' constraint github_repositories_cursor check (jsonb_typeof(cursor) = 'object'),
    pages_done integer not null default 0,
    pages_total integer,
    watermark timestamptz,
    synced_at timestamptz,
    named_at timestamptz,
    look_at timestamptz,
    attempt integer not null default 0,
    retries integer not null default 0,
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    unique (org_id, id),
    foreign key (org_id, connection_id) references github_connections (org_id, id) on delete cascade
);
create unique index github_repositories_name on github_repositories (org_id, lower(full_name));
create unique index github_repositories_github on github_repositories (org_id, github_id) where github_id is not null;
create index github_repositories_connection on github_repositories (org_id, connection_id);
create index github_repositories_due on github_repositories (look_at) where look_at is not null;
call secure_tenant_table('github_repositories');
call keep_updated_at('github_repositories');

-- What came in, as it came: the bytes that were signed, until it is done and its time is over. `body` is null from then on.
create table github_deliveries (
    id uuid primary key,
    org_id uuid not null,
    connection_id uuid not null,
    delivery text not null constraint github_deliveries_delivery check (length(delivery) between 1 and 128),
    event text not null constraint github_deliveries_event check (length(event) between 1 and 100),
    body bytea,
    is_form boolean not null default false,
    state text not null default 'waiting'
        constraint github_deliveries_state check (state in ('waiting', 'done', 'ignored', 'failed')),
    reason text,
    repository_id uuid,
    look_at timestamptz default clock_timestamp(),
    attempt integer not null default 0,
    retries integer not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    unique (org_id, delivery),
    constraint github_deliveries_due check ((state = 'waiting') = (look_at is not null)),
    foreign key (org_id, connection_id) references github_connections (org_id, id) on delete cascade
);
create index github_deliveries_due_index on github_deliveries (look_at) where look_at is not null;
create index github_deliveries_list on github_deliveries (org_id, id desc);
create index github_deliveries_of_state on github_deliveries (org_id, state, id desc) where state <> 'done';
create index github_deliveries_connection on github_deliveries (org_id, connection_id);
create index github_deliveries_kept on github_deliveries (done_at) where body is not null and done_at is not null;
call secure_tenant_table('github_deliveries');

-- What a repository holds, each thing once, as it was newest. `(deleted_at is not null, moment, rank)` says which of two is newer,
-- in whatever order they come; what is deleted stays deleted. `number` is that of the issue or pull request which it is, or is part of.
create table github_items (
    org_id uuid not null,
    repository_id uuid not null,
    kind text not null constraint github_items_kind check (kind in (
        'issue', 'pull_request', 'comment', 'review', 'review_comment', 'check_run', 'check_suite', 'status', 'push',
        'deployment', 'deployment_status', 'label')),
    key text not null constraint github_items_key check (length(key) between 1 and 400),
    number integer,
    sha text,
    state text,
    title text,
    body text,
    author text,
    url text,
    moment timestamptz not null,
    rank text collate "C" not null default '',
    deleted_at timestamptz,
    data jsonb not null default '{}',
    primary key (org_id, repository_id, kind, key),
    foreign key (org_id, repository_id) references github_repositories (org_id, id) on delete cascade
);
create index github_items_number on github_items (org_id, repository_id, number, kind) where number is not null;
create index github_items_sha on github_items (org_id, repository_id, sha) where sha is not null;
create index github_items_newest on github_items (org_id, repository_id, kind, moment desc, key desc);
call secure_tenant_table('github_items');

-- What is to change at GitHub. `fields` is what was asked for, `base` what stood there when it was; `outcome` what became of each field.
create table github_changes (
    id uuid primary key,
    org_id uuid not null,
    repository_id uuid not null,
    kind text not null constraint github_changes_kind check (kind in ('create_issue', 'change_issue', 'comment')),
    number integer,
    fields jsonb not null,
    base jsonb not null default '{}',
    state text not null default 'waiting' constraint github_changes_state check (state in ('waiting', 'done', 'failed')),
    outcome jsonb not null default '{}',
    reason text,
    url text,
    look_at timestamptz default clock_timestamp(),
    attempt integer not null default 0,
    retries integer not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    created_by uuid,
    done_at timestamptz,
    constraint github_changes_number check (kind = 'create_issue' or number is not null),
    constraint github_changes_due check ((state = 'waiting') = (look_at is not null)),
    foreign key (org_id, repository_id) references github_repositories (org_id, id) on delete cascade
);
create index github_changes_due_index on github_changes (look_at) where look_at is not null;
create index github_changes_list on github_changes (org_id, repository_id, id desc);
create index github_changes_waiting on github_changes (org_id, repository_id, number, id) where state = 'waiting';
call secure_tenant_table('github_changes');

-- Before the tenant is known: whose connection a webhook calls, and what it is signed with, encrypted.
create function github_door(of_connection uuid) returns table (org_id uuid, webhook_sealed bytea) language sql stable as $$
    select c.org_id, c.webhook_sealed from github_connections c join organizations o on o.id = c.org_id
    where c.id = of_connection and o.deleted_at is null
$$;
call make_definer('github_door(uuid)');

-- What is due next of each, for the worker of every process: ids and moments alone.
create function next_github_deliveries(most integer) returns table (org_id uuid, id uuid, due_in double precision)
    language sql stable as $$
    select d.org_id, d.id, extract(epoch from d.look_at - clock_timestamp())
    from github_deliveries d where d.look_at is not null order by d.look_at limit most
$$;
call make_definer('next_github_deliveries(integer)');
create function next_github_repositories(most integer) returns table (org_id uuid, id uuid, due_in double precision)
    language sql stable as $$
    select r.org_id, r.id, extract(epoch from r.look_at - clock_timestamp())
    from github_repositories r where r.look_at is not null order by r.look_at limit most
$$;
call make_definer('next_github_repositories(integer)');
create function next_github_changes(most integer) returns table (org_id uuid, id uuid, due_in double precision)
    language sql stable as $$
    select c.org_id, c.id, extract(epoch from c.look_at - clock_timestamp())
    from github_changes c where c.look_at is not null order by c.look_at limit most
$$;
call make_definer('next_github_changes(integer)');

-- Payloads whose time is over lose their bytes, rows that are three times as old go; gives how many.
create function forget_github_payloads(days integer, most integer) returns integer language plpgsql volatile as $$
declare
    emptied integer;
    gone integer;
begin
    with old as (
        select d.id from github_deliveries d
        where d.body is not null and d.done_at < now() - make_interval(days => days)
        order by d.done_at limit most for update skip locked)
    update github_deliveries d set body = null from old where d.id = old.id;
    get diagnostics emptied = row_count;
    with old as (
        select d.id from github_deliveries d
        where d.body is null and d.done_at < now() - 3 * make_interval(days => days) limit most for update skip locked)
    delete from github_deliveries d using old where d.id = old.id;
    get diagnostics gone = row_count;
    return emptied + gone;
end $$;
call make_definer('forget_github_payloads(integer, integer)');

-- In how many seconds the next payload's time is over; null while none is kept that is done.
create function github_payloads_forgotten_in(days integer) returns double precision language sql stable as $$
    select extract(epoch from min(d.done_at) + make_interval(days => days) - now())
    from github_deliveries d where d.body is not null and d.done_at is not null
$$;
call make_definer('github_payloads_forgotten_in(integer)');
