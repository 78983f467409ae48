-- Documents: fair turns, models that come while others are asked, texts that no model reads, nothing told of hidden places.
-- Search: what documents and the wiki are found by is written anew, in the background, in another language.

-- ---------------------------------------------------------------------------------------------- turns

create index documents_turn_read on documents (org_id, look_at) where look_at is not null and status in ('queued', 'extracting');
create index documents_turn_embed on documents (org_id, look_at) where look_at is not null and status = 'embedding';
create index documents_turn_again on documents (org_id, look_at) where look_at is not null and status = 'ready';

-- Whether a process is at work on a document: it says so by `look_at`, and `attempt` has counted it (knowledge/work.py, ROUND).
create function is_at_work(look_at timestamptz, attempt integer) returns boolean language sql stable parallel safe as $$
    select look_at > clock_timestamp() and attempt % 1000 <> 0
$$;

-- Which model an organization's searches ask (`model`), and which one its documents are being brought up to meanwhile.
alter table knowledge_indexes
    add column coming text constraint knowledge_indexes_coming check (length(coming) between 1 and 200),
    add column coming_dimension integer,
    add column coming_since timestamptz,
    add constraint knowledge_indexes_coming_whole
        check ((coming is null) = (coming_dimension is null) and (coming is null) = (coming_since is null)),
    add constraint knowledge_indexes_coming_other check (coming <> model);

-- Whose turn it is: what nobody can find yet goes before what is brought up to date; then the organization that has the fewest at
-- work; of its documents those that nobody has read yet, then its longest due. What is to be brought up to another model is left to processes that have that one.
drop function next_documents(integer);
create function next_documents(most integer, by_model text)
returns table (org_id uuid, id uuid, is_found boolean, due_in double precision) language sql stable as $$
    with recursive waiting as (
        (select d.org_id from documents d where d.look_at is not null order by d.org_id limit 1)
        union all
        select (select d.org_id from documents d where d.look_at is not null and d.org_id > w.org_id
                order by d.org_id limit 1)
        from waiting w where w.org_id is not null
    )
    select w.org_id, n.id, n.is_found, extract(epoch from n.look_at - clock_timestamp())
    from waiting w
    left join knowledge_indexes k on k.org_id = w.org_id
    cross join lateral (
        (select d.id, d.look_at, false as is_found, 1 as stage from documents d
         where d.org_id = w.org_id and d.look_at is not null and d.status in ('queued', 'extracting')
         order by d.look_at limit 1)
        union all
        (select d.id, d.look_at, false, 2 from documents d
         where d.org_id = w.org_id and d.look_at is not null and d.status = 'embedding' order by d.look_at limit 1)
        union all
        (select d.id, d.look_at, true, 3 from documents d
         where d.org_id = w.org_id and d.look_at is not null and d.status = 'ready'
           and (by_model is null or coalesce(k.coming, k.model, by_model) = by_model) order by d.look_at limit 1)) n
    cross join lateral (select count(*) as busy from documents d
                        where d.org_id = w.org_id and d.look_at > clock_timestamp() and is_at_work(d.look_at, d.attempt)) b
    order by n.look_at > clock_timestamp(), n.look_at <= clock_timestamp() and n.is_found,
             case when n.look_at > clock_timestamp() then 0 else b.busy end,
             case when n.look_at > clock_timestamp() then 0 else n.stage end, n.look_at
    limit most
$$;
call make_definer('next_documents(integer, text)');

-- Has the documents looked at that are indexed otherwise than this, and says that this model comes; gives how many. Asked again it
-- finds those that are left. One that a process with a former model finished after searches had gone on to this one is brought up to
-- it, too: its vectors go. So do those of a model that was coming and does not any more.
drop function queue_outdated(text, integer);
create function queue_outdated(of_model text, of_dimension integer, of_extractor integer) returns integer
language plpgsql volatile as $$
declare
    queued integer;
begin
    update knowledge_indexes k set
        former = case when k.coming is null or k.coming = of_model then array_remove(k.former, of_model)
                      else array_append(array_remove(array_remove(k.former, of_model), k.coming), k.coming) end,
        coming = case when k.model <> of_model then of_model end,
        coming_dimension = case when k.model <> of_model then of_dimension end,
        coming_since = case when k.model <> of_model then now() end
    where k.coming is distinct from case when k.model <> of_model then of_model end;
    with late as (
        update documents d set look_at = now()
        from knowledge_indexes k
        where k.org_id = d.org_id and d.status = 'ready' and (d.look_at is null or d.attempt % 1000 = 0)
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
call make_definer('queue_outdated(text, integer, integer)');

-- Lets the searches of organizations whose last document has come ask the new model, and forgets vectors of former ones, so many at
-- a time; gives how many went. A document that was found once, and is read anew just now, is waited for as the others are.
create or replace function settle_indexes(of_model text, of_dimension integer, of_extractor integer, most integer) returns integer
language plpgsql volatile as $$
declare
    gone integer;
    more integer;
begin
    update knowledge_indexes k
    set model = of_model, dimension = of_dimension, extractor = greatest(k.extractor, of_extractor),
        coming = null, coming_dimension = null, coming_since = null,
        former = case when k.model = of_model then k.former else array_append(array_remove(k.former, of_model), k.model) end
    where (k.model <> of_model or k.extractor < of_extractor) and (k.coming is null or k.coming = of_model) and not exists (
        select from documents d where d.org_id = k.org_id and d.status <> 'failed'
          and case when d.status = 'ready' then d.model is distinct from of_model or d.extractor < of_extractor
                   else d.model <> of_model end);
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

-- ---------------------------------------------------------------------------------------------- what no model reads

-- Models that refuse a passage whenever they are asked: it is found by its words. `words_only`: how many of a document its model does.
alter table chunks add column refused_by text[] not null default '{}';
alter table documents add column words_only integer not null default 0
    constraint documents_words_only check (words_only >= 0);

-- ---------------------------------------------------------------------------------------------- what is told of hidden places

-- Ids of documents and passages say nothing of when somebody was first, in a place that others may not read, to have the same bytes.
create or replace function document_file() returns trigger language plpgsql as $$
declare
    known uuid;
begin
    insert into documents as d (id, org_id, sha256, media_type, name, size, look_at)
    values (gen_random_uuid(), new.org_id, new.sha256, new.media_type, new.name, new.size, now())
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

-- Lists walk the places, the newest first: a document's time is that of a place which the reader may see.
create index document_origins_newest on document_origins (org_id, created_at desc);
drop index documents_org;
alter function origins_of(uuid[]) rows 100;

-- Documents within reach, each since the first of its places that the caller may see, the newest first, behind (`before`, `before_id`).
-- Walked until there are enough, whatever the statistics say: they see nothing of thousands that came just now.
create function newest_documents(
    before timestamptz, before_id uuid, in_conversation uuid, of_files uuid[], in_status text, words text, size integer)
returns table (document_id uuid, since timestamptz) language plpgsql stable
set plan_cache_mode = force_custom_plan set enable_sort = off as $$
#variable_conflict use_column
begin
    return query
    select o.document_id, o.created_at from readable_origins() o
    where not exists (select from readable_origins() e where e.document_id = o.document_id
                        and (e.created_at, e.id) < (o.created_at, o.id) offset 0)
      and (before is null or (o.created_at, o.document_id) < (before, before_id))
      and (in_conversation is null or o.document_id in (
           select c.document_id from readable_origins() c where c.conversation_id = in_conversation))
      and (of_files is null or o.document_id in (
           select c.document_id from readable_origins() c where c.file_id = any (of_files)))
      and (in_status is null or exists (
           select from documents d where d.org_id = o.org_id and d.id = o.document_id and d.status = in_status offset 0))
      and (words is null or exists (
           select from documents d where d.org_id = o.org_id and d.id = o.document_id
             and strpos(lower(d.title), lower(words)) > 0 offset 0)
           or exists (
           select from (select n.* from readable_origins() n where n.document_id = o.document_id offset 0) n
           left join files f on f.org_id = n.org_id and f.id = n.file_id
           left join source_items i on i.org_id = n.org_id and i.id = n.item_id
           left join wiki_heads w on w.org_id = n.org_id and w.entry_id = n.entry_id
           where strpos(lower(coalesce(f.name, i.name, w.title)), lower(words)) > 0 offset 0))
    order by o.created_at desc, o.document_id desc limit size;
end $$;
call make_definer('newest_documents(timestamptz, uuid, uuid, uuid[], text, text, integer)');

create or replace function searched_documents(
    kinds text[], in_conversation uuid, of_agent uuid, of_source uuid, in_document uuid, of_type text,
    since timestamptz, until timestamptz)
returns table (document_id uuid, chunks integer) language sql stable as $$
    select d.id, greatest(d.chunks, 1) from documents d
    where d.org_id = (select (current_orgs())[1])
      and (in_document is null or d.id = in_document)
      and (of_type is null or d.media_type = of_type)
      and d.id in (
          select o.document_id from readable_origins() o
          where (kinds is null or o.kind = any (kinds))
            and (since is null or o.created_at >= since)
            and (until is null or o.created_at < until)
            and (in_document is null or o.document_id = in_document)
            and (in_conversation is null or o.conversation_id = in_conversation)
            and (of_source is null or o.source_id = of_source)
            and (of_agent is null or o.source_id in (select sources_of(of_agent))))
$$;

-- ---------------------------------------------------------------------------------------------- another language

-- Organizations whose language of search was changed: what the wiki and documents are found by is written anew, first the one, then
-- the other (`chunks_after` is null before). Gone when all is.
create table knowledge_rewrites (
    org_id uuid primary key references organizations,
    entries_after uuid not null default '00000000-0000-0000-0000-000000000000',
    chunks_after uuid,
    total bigint not null,
    done bigint not null default 0,
    created_at timestamptz not null default now()
);
call secure_tenant_table('knowledge_rewrites');

drop trigger reword_wiki on organizations;
drop function reword_wiki();
create function rewrite_knowledge_later() returns trigger language plpgsql as $$
begin
    insert into knowledge_rewrites (org_id, total)
    select new.id, t.total from (
        select (select count(*) from wiki_heads h where h.org_id = new.id and h.approved_id is not null)
               + (select coalesce(sum(d.chunks), 0) from documents d where d.org_id = new.id) as total) t
    where t.total > 0
    on conflict (org_id) do update set entries_after = default, chunks_after = null, total = excluded.total, done = 0,
        created_at = now();
    perform pg_notify('crewhall_knowledge_rewrites', '');
    return null;
end $$;
create trigger rewrite_knowledge_later after update of search_language on organizations
    for each row when (old.search_language is distinct from new.search_language) execute function rewrite_knowledge_later();

-- Writes the next so many anew, unless another process does: gives how many, null where another is at it. Each call is whole: who dies
-- leaves what is done. Whoever writes a passage meanwhile holds the organization's row, and with it the language that it writes in.
create function rewrite_knowledge(size integer) returns integer language plpgsql volatile as $$
declare
    rewrite knowledge_rewrites;
    language regconfig;
    taken integer;
    last_id uuid;
begin
    select * into rewrite from knowledge_rewrites order by created_at, org_id limit 1 for update skip locked;
    if not found then
        return case when exists (select from knowledge_rewrites) then null else 0 end;
    end if;
    select o.search_language into language from organizations o where o.id = rewrite.org_id;
    if rewrite.chunks_after is null then
        with next as materialized (
            select h.entry_id, h.approved_id from wiki_heads h
            where h.org_id = rewrite.org_id and h.entry_id > rewrite.entries_after and h.approved_id is not null
            order by h.entry_id limit size
        ), written as (
            update wiki_heads h set vector = wiki_vector(language, e.title, e.tags, e.content)
            from next n join wiki_entries e on e.org_id = rewrite.org_id and e.id = n.approved_id
            where h.org_id = rewrite.org_id and h.entry_id = n.entry_id and h.approved_id = n.approved_id
        )
        select count(*), (array_agg(n.entry_id order by n.entry_id desc))[1] into taken, last_id from next n;
        update knowledge_rewrites set done = done + taken, entries_after = coalesce(last_id, entries_after),
            chunks_after = case when taken < size then '00000000-0000-0000-0000-000000000000'::uuid end
        where org_id = rewrite.org_id;
        return size; -- documents are still to come
    end if;
    with next as materialized (
        select c.id, c.heading, c.content, c.document_id from chunks c
        where c.org_id = rewrite.org_id and c.id > rewrite.chunks_after order by c.id limit size
    ), written as (
        update chunks c set vector = chunk_vector(language, d.title, n.heading, n.content)
        from next n join documents d on d.org_id = rewrite.org_id and d.id = n.document_id
        where c.org_id = rewrite.org_id and c.id = n.id
    )
    select count(*), (array_agg(n.id order by n.id desc))[1] into taken, last_id from next n;
    if taken < size then
        delete from knowledge_rewrites where org_id = rewrite.org_id;
    else
        update knowledge_rewrites set chunks_after = last_id, done = done + taken where org_id = rewrite.org_id;
    end if;
    return size; -- perhaps not the only one: look again
end $$;
call make_definer('rewrite_knowledge(integer)');

grant execute on function is_at_work(timestamptz, integer) to crewhall_app, crewhall_definer;

-- ---------------------------------------------------------------------------------------------- the librarian

-- Installations that were there before it may have one; new ones are given their templates at their first start.
insert into agent_templates (id, code, name, description, role_title, instructions, kind, capabilities, model_config)
select gen_random_uuid(), 'librarian', 'Librarian',
       'Quotes what files, sources and the wiki say about a question, with its sources. Needs no model.', 'Librarian',
       'You answer from the organization''s documents, and cite them.', 'custom', '{answers}',
       '{"provider": "crewhall", "model": "librarian"}'
where exists (select from agent_templates)
on conflict (code) do nothing;
