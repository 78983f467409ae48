-- Documents of attached files, their turn to be worked on, what they are indexed with, and how long files are kept.

-- ---------------------------------------------------------------------------------------------- a document's turn

-- `retries`: how often it was put off because something passing failed (a model that cannot be asked, a store that is away).
-- `model`: whose vectors of all its chunks are there. Whose turn it is: the organization that has the fewest at work, its longest due.
alter table documents add column retries integer not null default 0, add column model text;
drop index documents_due;
create index documents_turn on documents (org_id, look_at) where look_at is not null;

create function next_documents(most integer) returns table (org_id uuid, id uuid, due_in double precision)
    language sql stable as $$
    with recursive waiting as (
        (select d.org_id from documents d where d.look_at is not null order by d.org_id limit 1)
        union all
        select (select d.org_id from documents d where d.look_at is not null and d.org_id > w.org_id
                order by d.org_id limit 1)
        from waiting w where w.org_id is not null
    )
    select w.org_id, n.id, extract(epoch from n.look_at - clock_timestamp())
    from waiting w
    cross join lateral (select d.id, d.look_at from documents d
                        where d.org_id = w.org_id and d.look_at is not null order by d.look_at limit 1) n
    cross join lateral (select count(*) as busy from documents d
                        where d.org_id = w.org_id and d.look_at > clock_timestamp() and d.retries = 0) b
    order by n.look_at > clock_timestamp(), case when n.look_at > clock_timestamp() then 0 else b.busy end, n.look_at
    limit most
$$;
call make_definer('next_documents(integer)');

-- ---------------------------------------------------------------------------------------------- what is searched

-- Which model an organization's searches ask, and which version of the extraction made its chunks. A process that embeds with another
-- brings the documents up to it first; the row follows when the last of them has come. `former`: models whose vectors are still to go.
create table knowledge_indexes (
    org_id uuid primary key references organizations,
    model text not null constraint knowledge_indexes_model check (length(model) between 1 and 200),
    dimension integer not null,
    extractor integer not null,
    former text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
call secure_tenant_table('knowledge_indexes');
call keep_updated_at('knowledge_indexes');

-- The model whose vectors the organization's searches compare: null while it has none.
create or replace function searched_model() returns text language sql stable as $$
    select k.model from knowledge_indexes k where k.org_id = (current_orgs())[1]
$$;
grant execute on function searched_model() to crewhall_app, crewhall_definer;

-- Has the documents looked at that are indexed otherwise than this; gives how many. Asked again it finds those that are left. One
-- that a process with a former model finished after searches had gone on to this one is brought up to it, too: its vectors go.
create function queue_outdated(of_model text, of_extractor integer) returns integer language plpgsql volatile as $$
declare
    queued integer;
begin
    with late as (
        update documents d set look_at = now()
        from knowledge_indexes k
        where k.org_id = d.org_id and d.status = 'ready' and d.look_at is null
          and (d.model <> of_model or d.extractor < of_extractor
               or (d.model is null and (k.model <> of_model or k.extractor < of_extractor)))
        returning d.org_id, d.model
    ), former as (
        update knowledge_indexes k set former = array(
            select unnest(k.former) union select l.model from late l where l.org_id = k.org_id and l.model <> of_model)
        where k.model = of_model and exists (select from late l where l.org_id = k.org_id and l.model <> of_model)
    )
    select count(*) into queued from late;
    return queued;
end $$;
call make_definer('queue_outdated(text, integer)');

-- Lets the searches of organizations whose last document has come ask the new model, and forgets vectors of former ones, so many at
-- a time; gives how many went.
create function settle_indexes(of_model text, of_dimension integer, of_extractor integer, most integer) returns integer
language plpgsql volatile as $$
declare
    gone integer;
    more integer;
begin
    update knowledge_indexes k
    set model = of_model, dimension = of_dimension, extractor = greatest(k.extractor, of_extractor),
        former = case when k.model = of_model then k.former else array_append(array_remove(k.former, of_model), k.model) end
    where (k.model <> of_model or k.extractor < of_extractor) and not exists (
        select from documents d where d.org_id = k.org_id and d.status = 'ready'
          and (d.model is distinct from of_model or d.extractor < of_extractor));
    with stale as (
        select e.org_id, e.chunk_id, e.model from knowledge_indexes k
        join embeddings_384 e on e.org_id = k.org_id and e.model = any (k.former)
        where k.former <> '{}' and k.model = of_model and e.model <> of_model limit most)
    delete from embeddings_384 e using stale s where e.org_id = s.org_id and e.chunk_id = s.chunk_id and e.model = s.model;
    get diagnostics gone = row_count;
    with stale as (
        select e.org_id, e.chunk_id, e.model from knowledge_indexes k
        join embeddings_1536 e on e.org_id = k.org_id and e.model = any (k.former)
        where k.former <> '{}' and k.model = of_model and e.model <> of_model limit most)
    delete from embeddings_1536 e using stale s where e.org_id = s.org_id and e.chunk_id = s.chunk_id and e.model = s.model;
    get diagnostics more = row_count;
    if gone + more = 0 then
        update knowledge_indexes k set former = '{}' where k.former <> '{}' and k.model = of_model;
    end if;
    return gone + more;
end $$;
call make_definer('settle_indexes(text, integer, integer, integer)');

-- ---------------------------------------------------------------------------------------------- documents of files

-- Whether a file has a text that can be found: what extraction reads, by what the bytes are. Text that is in no UTF-8, and office
-- files that are old, locked or damaged, are known by their names: whoever sent one is told what to do.
create function holds_text(media_type text, name text) returns boolean language sql immutable parallel safe as $$
    select media_type like 'text/%' or media_type ~ '^application/([a-z0-9.-]+\+)?(json|xml|yaml|x-yaml|javascript|toml|sql|x-sh)$'
        or media_type in (
            'application/pdf', 'application/rtf', 'application/xhtml+xml', 'application/x-ndjson',
            'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
            'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
            'application/vnd.openxmlformats-officedocument.presentationml.presentation',
            'application/vnd.oasis.opendocument.text', 'image/png', 'image/jpeg', 'image/webp', 'image/tiff', 'image/bmp')
        or name ~* '\.(docx?|xlsx?|pptx?|odt|rtf)$'
        or (media_type = 'application/octet-stream' and name ~* '\.(txt|text|md|csv|tsv|log|srt|html?)$')
$$;

-- A file that is attached has its document from that moment, in the transaction of the post: nothing has to notice it later. Its
-- document is of its id where nobody has the same bytes yet. The document's row is locked against who drops it (below). One that
-- failed is read again: whoever sends a file again was told to, or hopes for better.
create function document_file() returns trigger language plpgsql as $$
declare
    known uuid;
begin
    insert into documents as d (id, org_id, sha256, media_type, name, size, look_at)
    values (new.id, new.org_id, new.sha256, new.media_type, new.name, new.size, now())
    on conflict (org_id, sha256, media_type) do update set
        status = case d.status when 'failed' then 'queued' else d.status end, failure = null, failure_code = null,
        look_at = case d.status when 'failed' then now() else d.look_at end
    returning d.id into known;
    insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id)
    values (gen_random_uuid(), new.org_id, known, 'file', new.id, new.conversation_id)
    on conflict do nothing;
    perform pg_notify('crewhall_documents', '');
    return null;
end $$;
create trigger documented after update of attached_at on files for each row
    when (old.attached_at is null and new.attached_at is not null and holds_text(new.media_type, new.name))
    execute function document_file();

-- A file that is let go of leaves its document in the same transaction, and a document that nothing is any more goes with its
-- chunks and vectors.
create function undocument_file() returns trigger language plpgsql as $$
begin
    delete from document_origins o where o.org_id = new.org_id and o.file_id = new.id;
    return null;
end $$;
create trigger undocumented after update of released_at on files for each row
    when (old.released_at is null and new.released_at is not null) execute function undocument_file();

-- Locked first, looked at then: whoever adds an origin meanwhile is waited for, and seen.
create function drop_lonely_document() returns trigger language plpgsql as $$
begin
    perform from documents d where d.id = old.document_id and d.org_id = old.org_id for update;
    if found then
        delete from documents d where d.id = old.document_id and d.org_id = old.org_id and not exists (
            select from document_origins o where o.org_id = d.org_id and o.document_id = d.id);
    end if;
    return null;
end $$;
call make_definer('drop_lonely_document()');
create trigger lonely after delete on document_origins for each row execute function drop_lonely_document();

-- How a file stands is how its document does: nothing is kept twice.
alter table files drop column status, drop column failure;

-- What was attached before.
insert into documents (id, org_id, sha256, media_type, name, size, look_at)
select distinct on (f.org_id, f.sha256, f.media_type) f.id, f.org_id, f.sha256, f.media_type, f.name, f.size, now()
from files f where f.attached_at is not null and holds_text(f.media_type, f.name)
order by f.org_id, f.sha256, f.media_type, f.id;
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id)
select gen_random_uuid(), f.org_id, d.id, 'file', f.id, f.conversation_id
from files f join documents d on d.org_id = f.org_id and d.sha256 = f.sha256 and d.media_type = f.media_type
where f.attached_at is not null;

-- ---------------------------------------------------------------------------------------------- how long files are kept

-- How many days after its conversation was archived a file is kept; null: as long as the conversation. Without a row: 30.
create table file_policies (
    org_id uuid primary key references organizations,
    keep_days integer constraint file_policies_keep_days check (keep_days between 1 and 3650),
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    updated_by uuid
);
call secure_tenant_table('file_policies');
call keep_updated_at('file_policies');

create function files_kept_for(of_org uuid) returns interval language sql stable as $$
    select case when p.org_id is null then interval '30 days' else make_interval(days => p.keep_days) end
    from (select of_org as id) o left join file_policies p on p.org_id = o.id
$$;

-- When a file goes because its conversation is closed; who restores that keeps it.
alter table files add column expires_at timestamptz;
create index files_of_org on files (org_id, id desc) where attached_at is not null;
create index files_expiring on files (expires_at) where expires_at is not null;

create function expire_files() returns trigger language plpgsql as $$
begin
    update files f set expires_at = case when new.status = 'archived' then now() + files_kept_for(new.org_id) end
    where f.org_id = new.org_id and f.conversation_id = new.id and f.attached_at is not null;
    if found then
        perform pg_notify('crewhall_files', '');
    end if;
    return null;
end $$;
create trigger expire_files after update of status on conversations for each row
    when ((old.status = 'archived') <> (new.status = 'archived')) execute function expire_files();

-- What is archived already has its whole time from now on: nothing goes because a version came.
update files f set expires_at = now() + interval '30 days'
from conversations c where c.org_id = f.org_id and c.id = f.conversation_id and c.status = 'archived' and f.attached_at is not null;

-- As it was, and what has expired.
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

create or replace function next_sweep() returns double precision language sql stable as $$
    select extract(epoch from min(d.due_at) - clock_timestamp())::double precision
    from (
        (select u.updated_at + interval '1 day' as due_at from uploads u order by u.updated_at limit 1)
        union all
        (select f.held_at + interval '1 day' from files f where f.attached_at is null order by f.held_at limit 1)
        union all
        (select now() from files f where f.attached_at is null and f.released_at is not null limit 1)
        union all
        (select f.expires_at from files f where f.expires_at is not null order by f.expires_at limit 1)
        union all
        (select s.due_at from stray_blobs s order by s.due_at limit 1)) d
$$;
call make_definer('next_sweep()');
