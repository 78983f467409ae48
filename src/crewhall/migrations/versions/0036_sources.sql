-- Sources of agents' knowledge: what an agent looks things up in, beside the conversations it is in.

-- `path` is where it is, in the words of its type: a file's name, a folder below one that the operator names, an address, a query of
-- a database that the operator names. `sync_id`: the sync that is asked for or under way; what it saw carries it, so that another
-- process goes on where one died. `look_at`: when a process is to look at it, set anew while one is at work; else when it is due by
-- its `cron`. `attempt` fences what is written. `counts` and `failure` are those of the sync under way, else of the last one.
create table agent_knowledge_sources (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    type text not null constraint agent_knowledge_sources_type check (type in ('file', 'folder', 'url', 'database', 'api')),
    path text not null constraint agent_knowledge_sources_path check (length(path) between 1 and 2000),
    name text not null constraint agent_knowledge_sources_name check (length(name) between 1 and 200),
    enabled boolean not null default true,
    config jsonb not null default '{}' constraint agent_knowledge_sources_config check (jsonb_typeof(config) = 'object'),
    cron text constraint agent_knowledge_sources_cron check (length(cron) <= 200),
    timezone text constraint agent_knowledge_sources_timezone check (length(timezone) <= 100),
    sync_id uuid,
    started_at timestamptz,
    synced_at timestamptz,
    counts jsonb not null default '{}',
    failure text,
    retries integer not null default 0,
    attempt integer not null default 0,
    look_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    updated_by uuid,
    unique (org_id, id),
    unique (org_id, agent_id, path),
    constraint agent_knowledge_sources_schedule check ((cron is null) = (timezone is null)),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index agent_knowledge_sources_due on agent_knowledge_sources (look_at) where look_at is not null;
call secure_tenant_table('agent_knowledge_sources');
call keep_updated_at('agent_knowledge_sources');

-- What a source holds, as it was seen last (`sync_id`, `seen_at`): the content, whose bytes it keeps, and what the other side says to
-- tell a change by. `links`: what a page leads to. `failure`: why what is there now could not be taken; what was there stays.
create table source_items (
    id uuid primary key,
    org_id uuid not null,
    source_id uuid not null,
    key text not null constraint source_items_key check (length(key) between 1 and 2000),
    name text not null constraint source_items_name check (length(name) between 1 and 255),
    media_type text,
    size bigint,
    sha256 bytea constraint source_items_sha256 check (octet_length(sha256) = 32),
    etag text,
    last_modified text,
    links text[] not null default '{}',
    failure text,
    sync_id uuid,
    seen_at timestamptz not null default now(),
    changed_at timestamptz,
    created_at timestamptz not null default now(),
    unique (org_id, id),
    unique (source_id, key),
    constraint source_items_content check ((sha256 is null) = (media_type is null) and (sha256 is null) = (size is null)),
    foreign key (org_id, source_id) references agent_knowledge_sources (org_id, id) on delete cascade,
    foreign key (org_id, sha256) references blobs (org_id, sha256)
);
create index source_items_source on source_items (org_id, source_id, id);
create index source_items_blob on source_items (org_id, sha256) where sha256 is not null;
call secure_tenant_table('source_items');

-- Each time a source was gone through, and how that ended. Never changed.
create table source_syncs (
    id uuid primary key,
    org_id uuid not null,
    source_id uuid not null,
    started_at timestamptz not null,
    ended_at timestamptz not null default clock_timestamp(),
    outcome text not null constraint source_syncs_outcome check (outcome in ('done', 'failed', 'canceled')),
    seen integer not null default 0,
    fresh integer not null default 0,
    changed integer not null default 0,
    unchanged integer not null default 0,
    gone integer not null default 0,
    failed integer not null default 0,
    error text,
    constraint source_syncs_error check ((error is not null) = (outcome = 'failed')),
    foreign key (org_id, source_id) references agent_knowledge_sources (org_id, id) on delete cascade
);
create index source_syncs_source on source_syncs (org_id, source_id, id desc);
call secure_tenant_table('source_syncs');
revoke update, delete on source_syncs from crewhall_app; -- it goes with its source

create function next_sources(most integer) returns table (org_id uuid, id uuid, due_in double precision)
    language sql stable as $$
    select s.org_id, s.id, extract(epoch from s.look_at - clock_timestamp())
    from agent_knowledge_sources s where s.look_at is not null order by s.look_at limit most
$$;
call make_definer('next_sources(integer)');

-- ---------------------------------------------------------------------------------------------- where documents stand

alter table document_origins add column item_id uuid;
alter table document_origins add foreign key (org_id, source_id) references agent_knowledge_sources (org_id, id) on delete cascade;
alter table document_origins add foreign key (org_id, item_id) references source_items (org_id, id) on delete cascade;
alter table document_origins add constraint document_origins_source
    check ((kind = 'source') = (source_id is not null) and (source_id is null) = (item_id is null));
create unique index document_origins_of_item on document_origins (org_id, item_id) where item_id is not null;
create index document_origins_of_source on document_origins (org_id, source_id) where source_id is not null;

-- An agent reads its own sources, whomever it answers; people those of the agents that they may see. What is switched off is read by
-- nobody.
create or replace function readable_sources() returns setof uuid language sql stable as $$
    select s.id from agent_knowledge_sources s join agents a on a.org_id = s.org_id and a.id = s.agent_id
    where s.org_id = (select (current_orgs())[1]) and s.enabled and a.deleted_at is null
      and case current_actor_type() when 'agent' then a.id = current_actor() when 'user' then may_see_agent(a) else false end
$$;
call make_definer('readable_sources()');

create or replace function sources_of(agent uuid) returns setof uuid language sql stable as $$
    select s.id from agent_knowledge_sources s where s.org_id = (select (current_orgs())[1]) and s.agent_id = agent
$$;

-- ---------------------------------------------------------------------------------------------- bytes

-- Bytes that nothing is any more become stray. Locked first, looked at then: whoever refers to them meanwhile is waited for, and seen.
create function drop_lonely_blob() returns trigger language plpgsql as $$
begin
    perform from blobs b where b.org_id = old.org_id and b.sha256 = old.sha256 for update;
    if found then
        with lonely as (
            delete from blobs b where b.org_id = old.org_id and b.sha256 = old.sha256
              and not exists (select from files f where f.org_id = b.org_id and f.sha256 = b.sha256)
              and not exists (select from source_items i where i.org_id = b.org_id and i.sha256 = b.sha256)
            returning b.org_id, b.key, b.thumbnail_key)
        insert into stray_blobs (key, org_id, due_at)
        select k.key, l.org_id, now() from lonely l cross join lateral (values (l.key), (l.thumbnail_key)) as k (key)
        where k.key is not null;
        perform pg_notify('crewhall_files', '');
    end if;
    return null;
end $$;
call make_definer('drop_lonely_blob()');
create trigger lonely_deleted after delete on source_items for each row
    when (old.sha256 is not null) execute function drop_lonely_blob();
create trigger lonely_changed after update of sha256 on source_items for each row
    when (old.sha256 is not null and old.sha256 is distinct from new.sha256) execute function drop_lonely_blob();

-- As it was; what a source holds stays.
create or replace function sweep_files(most integer) returns integer language plpgsql volatile as $$
declare
    taken integer;
begin
    with old as (
        select u.id from uploads u where u.updated_at < now() - interval '1 day'
        order by u.updated_at limit most for update skip locked
    ), stray as (
        insert into stray_blobs (key, org_id, due_at)
        select p.key, p.org_id, now() from upload_parts p join old o on o.id = p.upload_id
    )
    delete from uploads u using old o where u.id = o.id;
    get diagnostics taken = row_count;

    with due as (
        select f.id from files f
        where (f.attached_at is null and (f.released_at is not null or f.held_at < now() - interval '1 day'))
           or f.expires_at <= now()
        limit most for update skip locked
    ), gone as (
        delete from files f using due d where f.id = d.id returning f.org_id, f.sha256, f.id
    ), lonely as (
        delete from blobs b using (select distinct g.org_id, g.sha256 from gone g) g
        where b.org_id = g.org_id and b.sha256 = g.sha256 and not exists (
            select from files f where f.org_id = b.org_id and f.sha256 = b.sha256
              and not exists (select from due d where d.id = f.id))
          and not exists (select from source_items i where i.org_id = b.org_id and i.sha256 = b.sha256)
        returning b.org_id, b.key, b.thumbnail_key
    ), stray as (
        insert into stray_blobs (key, org_id, due_at)
        select k.key, l.org_id, now() from lonely l cross join lateral (values (l.key), (l.thumbnail_key)) as k (key)
        where k.key is not null
    )
    select taken + count(*) into taken from gone;
    return taken;
end $$;
call make_definer('sweep_files(integer)');
