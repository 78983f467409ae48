-- The wiki: entries in versions that never change, what everybody reads of them, links, views, their documents.

-- ---------------------------------------------------------------------------------------------- entries

-- An entry as it stands: its name, and the version that everybody in scope reads (none until one is approved). `title` is that
-- version's, before there is one the newest's, so that a name is taken once. `open`: versions that nothing has followed yet and
-- that are not approved: drafts, what waits for a decision, what was rejected. `vector`: full text of what is approved, in the
-- organization's language.
create table wiki_heads (
    entry_id uuid primary key,
    org_id uuid not null references organizations,
    project_id uuid,
    slug text not null constraint wiki_heads_slug check (slug ~ '^[a-z0-9-]+$' and length(slug) between 1 and 200),
    title text not null constraint wiki_heads_title check (length(title) between 1 and 500),
    category text constraint wiki_heads_category check (length(category) between 1 and 60),
    tags text[] not null default '{}',
    approved_id uuid,
    open uuid[] not null default '{}',
    last_version integer not null default 0,
    vector tsvector not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    deleted_by uuid,
    unique (org_id, entry_id)
);
create unique index wiki_heads_slug_key on wiki_heads (org_id, project_id, slug) nulls not distinct where deleted_at is null;
create unique index wiki_heads_title_key on wiki_heads (org_id, project_id, lower(title)) nulls not distinct
    where deleted_at is null;
create index wiki_heads_open on wiki_heads (org_id) where open <> '{}';
create index wiki_heads_tags on wiki_heads using gin (tags);
create index wiki_heads_vector on wiki_heads using gin (vector);
call keep_updated_at('wiki_heads');
call secure_tenant_table('wiki_heads');

-- The versions: every edit and every step is a row, which follows another (`parent_entry_id`). `author` is whose words they are,
-- `created_by` who took the step. `base_id`: the approved version that the words were made from, none in a new entry: where
-- another has been approved since, they have to be looked at anew. `note` is what the author says of the change, `reason` what
-- who decided says.
create table wiki_entries (
    id uuid primary key,
    org_id uuid not null,
    entry_id uuid not null,
    parent_entry_id uuid,
    base_id uuid,
    version integer not null constraint wiki_entries_version check (version > 0),
    status text not null default 'draft' constraint wiki_entries_status check (status in (
        'draft', 'pending_approval', 'approved', 'rejected')),
    title text not null constraint wiki_entries_title check (length(title) between 1 and 500),
    content text not null constraint wiki_entries_content check (length(content) between 1 and 100000),
    category text constraint wiki_entries_category check (length(category) between 1 and 60),
    tags text[] not null default '{}' constraint wiki_entries_tags check (cardinality(tags) <= 20),
    author_type text not null constraint wiki_entries_author_type check (author_type in ('user', 'agent', 'system')),
    author_id uuid not null,
    author_name text not null,
    proposed_by_agent_id uuid generated always as (case when author_type = 'agent' then author_id end) stored,
    decided_by uuid references users,
    note text constraint wiki_entries_note check (length(note) <= 500),
    reason text constraint wiki_entries_reason check (length(reason) <= 2000),
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    created_by uuid not null,
    unique (org_id, id),
    unique (entry_id, version),
    foreign key (org_id, entry_id) references wiki_heads (org_id, entry_id),
    foreign key (org_id, parent_entry_id) references wiki_entries (org_id, id),
    foreign key (org_id, base_id) references wiki_entries (org_id, id),
    foreign key (org_id, proposed_by_agent_id) references agents (org_id, id),
    constraint wiki_entries_decided check ((status in ('approved', 'rejected')) = (decided_by is not null)),
    constraint wiki_entries_rejected check (status <> 'rejected' or reason is not null)
);
create index wiki_entries_parent on wiki_entries (org_id, parent_entry_id) where parent_entry_id is not null;
create index wiki_entries_author on wiki_entries (org_id, author_id, id);
create index wiki_entries_decided_by on wiki_entries (org_id, decided_by) where decided_by is not null;
call secure_tenant_table('wiki_entries');
call make_append_only('wiki_entries');
-- Drafts are nobody else's: whatever forgets to ask for whom gets its own actor's alone.
create policy own_drafts on wiki_entries as restrictive for select to crewhall_app
    using (status <> 'draft' or author_id = current_actor());
alter table wiki_heads add foreign key (org_id, approved_id) references wiki_entries (org_id, id);

-- Which step may follow which; `knowledge/wiki_steps.py` says the same.
create function may_follow(before text, after text) returns boolean language sql immutable parallel safe as $$
    select case
        when before is null or before = 'approved' then after in ('draft', 'pending_approval')
        when before = 'draft' then after in ('draft', 'pending_approval')
        when before = 'pending_approval' then true
        when before = 'rejected' then after in ('draft', 'pending_approval')
        else false end
$$;

-- Numbers a version, and refuses what no version may be: a step that may not follow, one that follows what another has followed
-- already, the words of an agent of a project, a decision that changes the words.
create function check_wiki_step() returns trigger language plpgsql as $$
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
       or not may_follow(parent.status, new.status)
       or (parent.status <> 'approved' and not parent.id = any (head.open))
       or (parent.status = 'approved' and parent.id is distinct from head.approved_id)
       or (parent.id is null and head.last_version > 0) then
        raise exception '% cannot follow % here', new.status, coalesce(parent.status, 'nothing')
            using errcode = '23514', constraint = 'wiki_entries_step';
    end if;
    if parent.id is not null and parent.status <> 'approved' and parent.author_id <> new.author_id
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
create trigger check_step before insert on wiki_entries for each row execute function check_wiki_step();

create function follow_wiki_step() returns trigger language plpgsql as $$
begin
    update wiki_heads h set last_version = new.version,
        open = array_remove(h.open, new.parent_entry_id) || case when new.status <> 'approved' then array[new.id] else '{}' end,
        approved_id = case when new.status = 'approved' then new.id else h.approved_id end
    where h.org_id = new.org_id and h.entry_id = new.entry_id;
    return null;
end $$;
create trigger follow_step after insert on wiki_entries for each row execute function follow_wiki_step();

-- What is decided, taken back or thrown away asks nobody any more.
create function forget_proposal() returns trigger language plpgsql as $$
begin
    delete from notifications n where n.org_id = new.org_id and n.kind = 'wiki_proposal'
      and n.subject_id = any (old.open) and not n.subject_id = any (new.open);
    return null;
end $$;
call make_definer('forget_proposal()');
create trigger notifications_of_proposals after update of open on wiki_heads for each row
    when (old.open <> '{}' and old.open <> new.open) execute function forget_proposal();

-- What entries lead to, as they are approved: by slug, whether an entry of that name is there or not.
create table wiki_links (
    org_id uuid not null,
    entry_id uuid not null,
    slug text not null,
    primary key (entry_id, slug),
    foreign key (org_id, entry_id) references wiki_heads (org_id, entry_id) on delete cascade
);
create index wiki_links_slug on wiki_links (org_id, slug);
create index wiki_links_entry on wiki_links (org_id, entry_id);
call secure_tenant_table('wiki_links');

-- How often an entry was read. Each connection counts in a row of its own, nearly: readers do not wait for one another.
create table wiki_views (
    org_id uuid not null,
    entry_id uuid not null,
    shard smallint not null,
    views bigint not null default 0,
    last_viewed_at timestamptz not null default now(),
    primary key (entry_id, shard),
    foreign key (org_id, entry_id) references wiki_heads (org_id, entry_id) on delete cascade
) with (fillfactor = 50);
create index wiki_views_entry on wiki_views (org_id, entry_id);
call secure_tenant_table('wiki_views');

create function count_view(of_entry uuid) returns void language sql volatile as $$
    insert into wiki_views as v (org_id, entry_id, shard, views)
    select h.org_id, h.entry_id, pg_backend_pid() % 16, 1 from wiki_heads h where h.entry_id = of_entry
    on conflict (entry_id, shard) do update set views = v.views + 1, last_viewed_at = now()
$$;

-- ---------------------------------------------------------------------------------------------- reading

-- Whether somebody is in an entry's scope, whoever asks: the organization's people and agents; of a project the people, its
-- agents and those of the organization.
create function is_in_scope(of_org uuid, project uuid, who uuid) returns boolean language sql stable
set search_path = public, pg_temp as $$
    select exists (select from memberships m where m.org_id = of_org and m.user_id = who)
        or exists (select from agents a where a.org_id = of_org and a.id = who and a.deleted_at is null
                     and (project is null or a.level = 'organization' or a.project_id = project))
$$;

-- Entries that the caller may read, and everybody for whom it acts.
create or replace function readable_entries() returns setof uuid language sql stable security definer
set search_path = public, pg_temp as $$
    select h.entry_id from wiki_heads h
    where h.org_id = any (current_orgs()) and h.approved_id is not null and h.deleted_at is null
      and (h.project_id is null or current_actor_type() is distinct from 'agent'
           or is_in_scope(h.org_id, h.project_id, current_actor()))
      and (current_behalf() is null or not exists (
          select from unnest(current_behalf()) as b (id) where not is_in_scope(h.org_id, h.project_id, b.id)))
$$;
call make_definer('readable_entries()');

create function wiki_vector(language regconfig, title text, tags text[], content text) returns tsvector
language sql stable parallel safe as $$
    select setweight(search_vector(language, title), 'A')
        || setweight(search_vector(language, array_to_string(tags, ' ')), 'B')
        || setweight(search_vector(language, content), 'D')
$$;

-- Approved entries within the caller's reach that match, titles above bodies. Tenant and actor come from the transaction.
create function search_entries(words text, in_category text, tagged text, size integer, skip integer)
returns table (entry_id uuid) language plpgsql stable set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    wanted tsquery := (select search_query(o.search_language, words) from organizations o where o.id = (current_orgs())[1]);
begin
    return query
    with found as materialized (
        select h.entry_id, h.vector, h.title from wiki_heads h
        where h.vector @@ wanted and h.org_id = (current_orgs())[1]
          and (in_category is null or h.category = in_category) and (tagged is null or tagged = any (h.tags)))
    select f.entry_id from found f where f.entry_id in (select readable_entries())
    order by ts_filter(f.vector, '{a}') @@ wanted desc, ts_rank(array[0.1, 0.2, 0.4, 1.0], f.vector, wanted, 1) desc,
             f.title, f.entry_id
    limit size offset skip;
end $$;
call make_definer('search_entries(text, text, text, integer, integer)');

-- Another language of the organization's search: its entries are few, and follow at once.
create function reword_wiki() returns trigger language plpgsql as $$
begin
    update wiki_heads h set vector = wiki_vector(new.search_language, e.title, e.tags, e.content)
    from wiki_entries e where h.org_id = new.id and e.org_id = new.id and e.id = h.approved_id;
    return null;
end $$;
create trigger reword_wiki after update of search_language on organizations
    for each row when (old.search_language is distinct from new.search_language) execute function reword_wiki();

grant execute on function may_follow(text, text), is_in_scope(uuid, uuid, uuid), count_view(uuid),
    wiki_vector(regconfig, text, text[], text) to crewhall_app, crewhall_definer;

-- ---------------------------------------------------------------------------------------------- their documents

-- An approved entry is a document: `version_id` is the version whose words it holds.
alter table document_origins add column if not exists entry_id uuid, add column version_id uuid;
alter table document_origins add foreign key (org_id, entry_id) references wiki_heads (org_id, entry_id) on delete cascade;
alter table document_origins add foreign key (org_id, version_id) references wiki_entries (org_id, id);
alter table document_origins add constraint document_origins_wiki
    check ((kind = 'wiki') = (entry_id is not null) and (entry_id is null) = (version_id is null));
-- When an entry's words change, too, a document that stands nowhere any more goes with its chunks and vectors.
create or replace trigger lonely after delete or update of document_id on document_origins
    for each row execute function drop_lonely_document();
create unique index document_origins_of_entry on document_origins (org_id, entry_id) where entry_id is not null;

-- ---------------------------------------------------------------------------------------------- notifications

-- Two more kinds, beside whatever kinds there are.
do $$
declare
    known text := (select string_agg(quote_literal(k.word[1]), ', ') from pg_constraint c
        cross join lateral regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') as k (word)
        where c.conname = 'notifications_kind');
begin
    alter table notifications drop constraint notifications_kind;
    execute format('alter table notifications add constraint notifications_kind check (kind in (%s, %L, %L))',
                   known, 'wiki_proposal', 'wiki_decision');
end $$;
comment on column notifications.detail is
    'the emoji of a reaction, the tool of an approval, the name of what is not answered, the title of a wiki entry';

-- As it was for every other kind; a proposal is shown to who may decide, while it waits, a decision to whose words it was about.
alter function shows_notification(notifications) rename to shows_notification_of_talk;
create function shows_notification(n notifications) returns boolean language sql stable as $$
    select case n.kind
        when 'wiki_proposal' then current_actor_role() in ('owner', 'admin') and exists (
            select from wiki_entries e join wiki_heads h on h.org_id = e.org_id and h.entry_id = e.entry_id
            where e.id = n.subject_id and e.id = any (h.open) and h.deleted_at is null)
        when 'wiki_decision' then exists (select from wiki_entries e where e.id = n.subject_id)
        else shows_notification_of_talk(n) end
$$;
