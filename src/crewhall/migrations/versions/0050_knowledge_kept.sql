-- Where pages of the web were read; entries of the wiki that move between projects and the organization.

-- ---------------------------------------------------------------------------------------------- pages of the web

-- The address that an item of a source was read at, where that is a page of the web: nothing else is one, whatever an API or a
-- database calls its things. None that names a person or a password.
create function address_of_page(type text, key text) returns text language sql immutable parallel safe as $$
    select case when type = 'url' and key ~* '^https?://[^/?#@\s]+([/?#]\S*)?$' then key end
$$;
grant execute on function address_of_page(text, text) to crewhall_app, crewhall_definer;

-- ---------------------------------------------------------------------------------------------- entries that move

-- A version that `moves` its entry has the words of the one before, and says of which project the entry was (`former_project_id`) and
-- is from then on (`project_id`); null is the organization. It is approved as it is made: who decides moves.
alter table wiki_entries add column moves boolean not null default false, add column former_project_id uuid,
    add column project_id uuid;
alter table wiki_entries add constraint wiki_entries_moves check (
    case when moves then status = 'approved' and former_project_id is distinct from project_id
         else former_project_id is null and project_id is null end);

-- As it was, and what moves follows what is approved, with its words.
create or replace function check_wiki_step() returns trigger language plpgsql as $$
declare
    head wiki_heads;
    parent wiki_entries;
begin
    select * into head from wiki_heads h where h.org_id = new.org_id and h.entry_id = new.entry_id for update;
    if not found or head.deleted_at is not null then
        raise exception 'this entry is not there' using errcode = '23514', constraint = 'wiki_entries_step';
    end if;
    if new.parent_entry_id is not null then
        select * into parent from wiki_entries e where e.org_id = new.org_id and e.id = new.parent_entry_id;
    end if;
    if (new.parent_entry_id is not null and parent.entry_id is distinct from new.entry_id)
       or not (case when new.moves then parent.status is not distinct from 'approved' else may_follow(parent.status, new.status) end)
       or (parent.status <> 'approved' and not parent.id = any (head.open))
       or (parent.status = 'approved' and parent.id is distinct from head.approved_id)
       or (parent.id is null and head.last_version > 0) then
        raise exception '% cannot follow % here', new.status, coalesce(parent.status, 'nothing')
            using errcode = '23514', constraint = 'wiki_entries_step';
    end if;
    if new.moves and new.former_project_id is distinct from head.project_id then
        raise exception 'this entry is elsewhere' using errcode = '23514', constraint = 'wiki_entries_step';
    end if;
    if parent.id is not null and (parent.status <> 'approved' or new.moves) and parent.author_id <> new.author_id
       or (new.decided_by is not null and (new.title, new.content, new.category, new.tags)
           is distinct from (parent.title, parent.content, parent.category, parent.tags)) then
        raise exception 'who decides does not write' using errcode = '23514', constraint = 'wiki_entries_words';
    end if;
    if new.author_type = 'agent' and new.decided_by is null and not exists (
        select from agents a where a.org_id = new.org_id and a.id = new.author_id and a.level = 'organization') then
        raise exception 'only agents of the organization propose' using errcode = '42501';
    end if;
    new.version := head.last_version + 1;
    return new;
end $$;

-- A project as an entry's history names it, to who may see it.
create function project_shown(project uuid) returns json language sql stable as $$
    select json_build_object('id', p.id, 'slug', p.slug, 'name', p.name) from projects p
    where p.org_id = any (current_orgs()) and p.id = project and p.id in (select readable_projects())
$$;
grant execute on function project_shown(uuid) to crewhall_app, crewhall_definer;

create or replace function follow_wiki_step() returns trigger language plpgsql as $$
begin
    update wiki_heads h set last_version = new.version,
        open = array_remove(h.open, new.parent_entry_id) || case when new.status <> 'approved' then array[new.id] else '{}' end,
        approved_id = case when new.status = 'approved' then new.id else h.approved_id end,
        project_id = case when new.moves then new.project_id else h.project_id end
    where h.org_id = new.org_id and h.entry_id = new.entry_id;
    return null;
end $$;

-- ---------------------------------------------------------------------------------------------- turns of documents

-- As it was, for one of two stages: what is to be read, and what is to be embedded, have places of their own, so that the model does
-- not wait until all is read.
drop function next_documents(integer, text);
create function next_documents(most integer, by_model text, of_stage text)
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
         where d.org_id = w.org_id and d.look_at is not null and of_stage = 'reading' and d.status in ('queued', 'extracting')
         order by d.look_at limit 1)
        union all
        (select d.id, d.look_at, false, 2 from documents d
         where d.org_id = w.org_id and d.look_at is not null
           and of_stage = 'embedding' and d.status = 'embedding' order by d.look_at limit 1)
        union all
        (select d.id, d.look_at, true, 3 from documents d
         where d.org_id = w.org_id and d.look_at is not null
           and of_stage = 'embedding' and d.status = 'ready'
           and (by_model is null or coalesce(k.coming, k.model, by_model) = by_model) order by d.look_at limit 1)) n
    cross join lateral (select count(*) as busy from documents d
                        where d.org_id = w.org_id and d.look_at > clock_timestamp() and is_at_work(d.look_at, d.attempt)) b
    order by n.look_at > clock_timestamp(), n.look_at <= clock_timestamp() and n.is_found,
             case when n.look_at > clock_timestamp() then 0 else b.busy end,
             case when n.look_at > clock_timestamp() then 0 else n.stage end, n.look_at
    limit most
$$;
call make_definer('next_documents(integer, text, text)');
