-- What the wiki says of one project; more kinds of files whose text is found.

-- ---------------------------------------------------------------------------------------------- entries of projects

-- A name is taken once in the organization, whatever project an entry is of: links between entries and addresses name no project.
drop index wiki_heads_slug_key, wiki_heads_title_key;
create unique index wiki_heads_slug_key on wiki_heads (org_id, slug) where deleted_at is null;
create unique index wiki_heads_title_key on wiki_heads (org_id, lower(title)) where deleted_at is null;

-- Approved entries within the caller's reach that match, titles above bodies. Tenant and actor come from the transaction.
drop function search_entries(text, text, text, integer, integer);
create function search_entries(words text, in_category text, tagged text, of_project uuid, size integer, skip integer)
returns table (entry_id uuid) language plpgsql stable set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    wanted tsquery := (select search_query(o.search_language, words) from organizations o where o.id = (current_orgs())[1]);
begin
    return query
    with found as materialized (
        select h.entry_id, h.vector, h.title from wiki_heads h
        where h.vector @@ wanted and h.org_id = (current_orgs())[1]
          and (in_category is null or h.category = in_category) and (tagged is null or tagged = any (h.tags))
          and (of_project is null or h.project_id = of_project))
    select f.entry_id from found f where f.entry_id in (select readable_entries())
    order by ts_filter(f.vector, '{a}') @@ wanted desc, ts_rank(array[0.1, 0.2, 0.4, 1.0], f.vector, wanted, 1) desc,
             f.title, f.entry_id
    limit size offset skip;
end $$;
call make_definer('search_entries(text, text, text, uuid, integer, integer)');

-- ---------------------------------------------------------------------------------------------- files

-- As it was, and OpenDocument's tables and slides: extraction reads them (knowledge/formats/open_document.py).
create or replace function holds_text(media_type text, name text) returns boolean language sql immutable parallel safe as $$
    select media_type like 'text/%' or media_type ~ '^application/([a-z0-9.-]+\+)?(json|xml|yaml|x-yaml|javascript|toml|sql|x-sh)$'
        or media_type in (
            'application/pdf', 'application/rtf', 'application/xhtml+xml', 'application/x-ndjson',
            'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
            'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
            'application/vnd.openxmlformats-officedocument.presentationml.presentation',
            'application/vnd.oasis.opendocument.text', 'application/vnd.oasis.opendocument.spreadsheet',
            'application/vnd.oasis.opendocument.presentation',
            'image/png', 'image/jpeg', 'image/webp', 'image/tiff', 'image/bmp')
        or name ~* '\.(docx?|xlsx?|pptx?|od[tsp]|rtf)$'
        or (media_type = 'application/octet-stream' and name ~* '\.(txt|text|md|csv|tsv|log|srt|html?)$')
$$;

-- What was attached before, as a post attaches it.
with known as (
    insert into documents as d (id, org_id, sha256, media_type, name, size, look_at)
    select gen_random_uuid(), f.org_id, f.sha256, f.media_type, f.name, f.size, now()
    from (select distinct on (f.org_id, f.sha256, f.media_type) f.* from files f
          where f.attached_at is not null and f.released_at is null and holds_text(f.media_type, f.name)
            and not exists (select from document_origins o where o.org_id = f.org_id and o.file_id = f.id)
          order by f.org_id, f.sha256, f.media_type, f.id) f
    on conflict (org_id, sha256, media_type) do update set size = d.size
    returning d.org_id, d.id, d.sha256, d.media_type)
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id, created_at)
select gen_random_uuid(), f.org_id, k.id, 'file', f.id, f.conversation_id, f.attached_at
from files f join known k on k.org_id = f.org_id and k.sha256 = f.sha256 and k.media_type = f.media_type
where f.attached_at is not null and f.released_at is null
  and not exists (select from document_origins o where o.org_id = f.org_id and o.file_id = f.id)
on conflict do nothing;

-- What sources hold of these kinds.
with known as (
    insert into documents as d (id, org_id, sha256, media_type, name, size, look_at)
    select gen_random_uuid(), i.org_id, i.sha256, i.media_type, i.name, i.size, now()
    from (select distinct on (i.org_id, i.sha256, i.media_type) i.* from source_items i
          where i.sha256 is not null and holds_text(i.media_type, i.name)
            and not exists (select from document_origins o where o.org_id = i.org_id and o.item_id = i.id)
          order by i.org_id, i.sha256, i.media_type, i.id) i
    on conflict (org_id, sha256, media_type) do update set size = d.size
    returning d.org_id, d.id, d.sha256, d.media_type)
insert into document_origins (id, org_id, document_id, kind, source_id, item_id)
select gen_random_uuid(), i.org_id, k.id, 'source', i.source_id, i.id
from source_items i join known k on k.org_id = i.org_id and k.sha256 = i.sha256 and k.media_type = i.media_type
where not exists (select from document_origins o where o.org_id = i.org_id and o.item_id = i.id)
on conflict do nothing;
update source_items i set failure = null
where i.sha256 is not null and i.failure = 'It holds no text that can be read.' and holds_text(i.media_type, i.name);

-- Documents of the wiki are called as their entries are; reading them took the title away.
update documents d set title = e.title
from document_origins o join wiki_entries e on e.org_id = o.org_id and e.id = o.version_id
where o.org_id = d.org_id and o.document_id = d.id and o.kind = 'wiki' and d.title is null;
