-- Files: their bytes lie in the blob store, once per organization; everything else about them is here.

-- Bytes that are kept, by what they are: uploaded twice, they are kept once. `key` is their name in the blob store, never used
-- again. An image has its size and a thumbnail of its own key.
create table blobs (
    org_id uuid not null references organizations,
    sha256 bytea not null constraint blobs_sha256 check (octet_length(sha256) = 32),
    key text not null unique,
    size bigint not null constraint blobs_size check (size > 0),
    thumbnail_key text unique,
    width integer,
    height integer,
    created_at timestamptz not null default now(),
    primary key (org_id, sha256),
    constraint blobs_image check ((thumbnail_key is null) = (width is null) and (width is null) = (height is null))
);
call secure_tenant_table('blobs');

-- Keys in the blob store that nothing refers to. A key is noted before its bytes are written and the note is taken away by the
-- transaction that refers to it: whatever breaks off when, the bytes are removed when the note is due.
create table stray_blobs (
    key text primary key,
    org_id uuid not null references organizations,
    due_at timestamptz not null
);
create index stray_blobs_due on stray_blobs (due_at);
call secure_tenant_table('stray_blobs');

-- Uploads in parts that are under way. A finished one becomes a file of the same id.
create table uploads (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    created_by_type text not null constraint uploads_created_by_type check (created_by_type in ('user', 'agent', 'system')),
    created_by uuid not null,
    name text not null constraint uploads_name check (length(name) between 1 and 255),
    size bigint not null constraint uploads_size check (size > 0),
    received bigint not null default 0 constraint uploads_received check (received between 0 and size),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index uploads_old on uploads (updated_at);
create index uploads_mine on uploads (org_id, created_by);
call secure_tenant_table('uploads');
call keep_updated_at('uploads');

create table upload_parts (
    upload_id uuid not null,
    starts_at bigint not null,
    org_id uuid not null,
    size bigint not null constraint upload_parts_size check (size > 0),
    key text not null unique,
    primary key (upload_id, starts_at),
    foreign key (org_id, upload_id) references uploads (org_id, id) on delete cascade
);
create index upload_parts_upload on upload_parts (org_id, upload_id);
call secure_tenant_table('upload_parts');

-- A file of a conversation. `attached_at`: since when a message has it; until then its uploader alone sees it, and a day after
-- `held_at` it goes. `released_at`: its last message was deleted, or its conversation. `media_type` is what its bytes are.
create table files (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    created_by_type text not null constraint files_created_by_type check (created_by_type in ('user', 'agent', 'system')),
    created_by uuid not null,
    name text not null constraint files_name check (length(name) between 1 and 255),
    path text generated always as (
        'workspaces/' || org_id::text || '/' || created_by::text || '/' || conversation_id::text || '/files/' || name) stored,
    source text not null default 'upload' constraint files_source check (source in ('upload', 'generated', 'attachment')),
    status text not null default 'ready' constraint files_status check (status in ('processing', 'ready', 'failed')),
    failure text,
    media_type text not null,
    size bigint not null constraint files_size check (size > 0),
    sha256 bytea not null,
    metadata jsonb not null default '{}',
    held_at timestamptz not null default now(),
    attached_at timestamptz,
    released_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, id),
    constraint files_failure check ((failure is not null) = (status = 'failed')),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, sha256) references blobs (org_id, sha256)
);
create index files_attached on files (conversation_id, id desc) where attached_at is not null;
create index files_unattached on files (held_at) where attached_at is null;
create index files_pending on files (org_id, created_by) where attached_at is null;
create index files_blob on files (org_id, sha256);
call secure_tenant_table('files');
call keep_updated_at('files');

create table message_files (
    message_id uuid not null,
    file_id uuid not null,
    org_id uuid not null,
    conversation_id uuid not null,
    message_seq bigint not null,
    primary key (message_id, file_id),
    foreign key (org_id, file_id) references files (org_id, id) on delete cascade
);
create index message_files_file on message_files (org_id, file_id);
call secure_tenant_table('message_files');

-- ---------------------------------------------------------------------------------------------- attaching

-- As append_records, for a batch in which a message has files: they are attached in the same transaction. A message's
-- metadata names them; only files of its author and its conversation are.
create function append_records_with_files(orgs uuid[], conversation_ids uuid[], records json, process text, overlays boolean)
returns table (i integer, verdict text, seq bigint, id uuid, created_at timestamptz, previous_seq bigint)
language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query select a.* from append_records(orgs, conversation_ids, records, process, overlays) a;
    with attached as (
        insert into message_files (message_id, file_id, org_id, conversation_id, message_seq)
        select m.id, f.id, m.org_id, m.conversation_id, m.seq
        from json_to_recordset(records) as r (id uuid)
        join message_records m on m.id = r.id and m.type = 'message'
        cross join lateral jsonb_array_elements(m.metadata -> 'files') as e (named)
        join files f on f.id = (e.named ->> 'id')::uuid and f.org_id = m.org_id
         and f.conversation_id = m.conversation_id and f.created_by = m.author_id and f.released_at is null
        where jsonb_typeof(m.metadata -> 'files') = 'array'
        on conflict do nothing
        returning file_id
    )
    update files f set attached_at = coalesce(f.attached_at, now()) from attached a where f.id = a.file_id;
end $$;

-- The files that a message has, as an agent is told of them after its text: what they are, never what they hold.
create function attached_words(metadata jsonb) returns text language sql immutable parallel safe as $$
    select case when jsonb_typeof(metadata -> 'files') = 'array' then coalesce((
        select string_agg(format(E'\n[attached: %s (%s, %s bytes), file %s]', f ->> 'name', f ->> 'media_type',
                                 f ->> 'size', f ->> 'id'), '' order by place)
        from jsonb_array_elements(metadata -> 'files') with ordinality as e (f, place)), '') else '' end
$$;

-- A deleted message lets go of its files, in the same transaction; those that no other message has are gone.
create function release_files() returns trigger language plpgsql as $$
begin
    with gone as (
        delete from message_files k where k.message_id = new.message_id returning k.file_id)
    update files f set attached_at = null, released_at = now()
    from gone g
    where f.id = g.file_id and not exists (
        select from message_files k
        where k.org_id = f.org_id and k.file_id = f.id and k.message_id <> new.message_id);
    if found then
        perform pg_notify('crewhall_files', '');
    end if;
    return null;
end $$;
create trigger files_on_deletion after update on message_overlays for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function release_files();
create trigger files_on_insert after insert on message_overlays for each row
    when (new.deleted_at is not null) execute function release_files();

create function release_files_of_conversation() returns trigger language plpgsql as $$
begin
    update files f set attached_at = null, released_at = now()
    where f.org_id = new.org_id and f.conversation_id = new.id and f.released_at is null;
    if found then
        perform pg_notify('crewhall_files', '');
    end if;
    return null;
end $$;
create trigger files_on_deletion after update of deleted_at on conversations for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function release_files_of_conversation();

-- ---------------------------------------------------------------------------------------------- storage used

-- What was stored and removed by the day (UTC), of each conversation and who uploaded it: summed up, what is stored now.
-- Bytes that are kept once count for each file that is them.
create table storage_days (
    org_id uuid not null,
    day date not null,
    conversation_id uuid not null,
    created_by_type text not null
        constraint storage_days_created_by_type check (created_by_type in ('user', 'agent', 'system')),
    created_by uuid not null,
    files_added bigint not null default 0,
    bytes_added bigint not null default 0,
    files_removed bigint not null default 0,
    bytes_removed bigint not null default 0,
    primary key (org_id, day, conversation_id, created_by_type, created_by),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index storage_days_conversation on storage_days (org_id, conversation_id, day);
call secure_tenant_table('storage_days');

create function meter_storage() returns trigger language plpgsql as $$
declare
    about files := case when tg_op = 'INSERT' then new else old end;
    is_new boolean := tg_op = 'INSERT';
begin
    insert into storage_days as s (org_id, day, conversation_id, created_by_type, created_by,
                                   files_added, bytes_added, files_removed, bytes_removed)
    values (about.org_id, (now() at time zone 'UTC')::date, about.conversation_id, about.created_by_type, about.created_by,
            is_new::integer, case when is_new then about.size else 0 end,
            (not is_new)::integer, case when is_new then 0 else about.size end)
    on conflict (org_id, day, conversation_id, created_by_type, created_by) do update
    set files_added = s.files_added + excluded.files_added, bytes_added = s.bytes_added + excluded.bytes_added,
        files_removed = s.files_removed + excluded.files_removed, bytes_removed = s.bytes_removed + excluded.bytes_removed;
    return null;
end $$;
create trigger metered after insert or delete on files for each row execute function meter_storage();

-- ---------------------------------------------------------------------------------------------- removing

-- Removes files that were let go of or never attached, and uploads that nobody went on with; their bytes become stray, unless
-- another file is the same ones. Gives how many of both went: as many as `most` means that there may be more.
create function sweep_files(most integer) returns integer language plpgsql volatile as $$
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
        where f.attached_at is null and (f.released_at is not null or f.held_at < now() - interval '1 day')
        limit most for update skip locked
    ), gone as (
        delete from files f using due d where f.id = d.id returning f.org_id, f.sha256, f.id
    ), lonely as (
        delete from blobs b using (select distinct g.org_id, g.sha256 from gone g) g
        where b.org_id = g.org_id and b.sha256 = g.sha256 and not exists (
            select from files f where f.org_id = b.org_id and f.sha256 = b.sha256
              and not exists (select from due d where d.id = f.id))
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

create function due_strays(size integer) returns setof text language sql stable as $$
    select s.key from stray_blobs s where s.due_at <= now() order by s.due_at limit size
$$;
call make_definer('due_strays(integer)');

create function forget_strays(keys text[]) returns void language sql volatile as $$
    delete from stray_blobs s where s.key = any (keys)
$$;
call make_definer('forget_strays(text[])');

-- The seconds until something is to be removed; null while nothing waits.
create function next_sweep() returns double precision language sql stable as $$
    select extract(epoch from min(d.due_at) - clock_timestamp())::double precision
    from (
        (select u.updated_at + interval '1 day' as due_at from uploads u order by u.updated_at limit 1)
        union all
        (select f.held_at + interval '1 day' from files f where f.attached_at is null order by f.held_at limit 1)
        union all
        (select now() from files f where f.attached_at is null and f.released_at is not null limit 1)
        union all
        (select s.due_at from stray_blobs s order by s.due_at limit 1)) d
$$;
call make_definer('next_sweep()');
