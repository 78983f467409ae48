-- Knowledge that is lent with an agent, folders that are watched, and what a sync left out.

-- ---------------------------------------------------------------------------------------------- lent with an agent

-- Whether the agent that is lent answers from its sources in the borrower's organization, too. The lender alone says so.
alter table agent_grants add column knowledge boolean not null default false;

-- Which passages of its lender's an agent has cited in which turn's answer: who reads that answer may open them. They are another
-- organization's, and may be gone: nothing holds them here.
create table lent_citations (
    org_id uuid not null,
    conversation_id uuid not null,
    run_id uuid not null,
    agent_id uuid not null,
    chunk_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (org_id, chunk_id, run_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id) on delete cascade,
    foreign key (org_id, agent_id) references agents (org_id, id) on delete cascade
);
create index lent_citations_conversation on lent_citations (org_id, conversation_id);
create index lent_citations_agent on lent_citations (org_id, agent_id);
call secure_tenant_table('lent_citations');

-- A passage that is lent to the caller: for the agent that is lent, and for who reads an answer of it that cites the passage and was
-- not deleted; while the grant lends knowledge and the source is on. Of the lender's nothing else is told. Tenant and actor come from
-- the transaction.
create function lent_passage(of_chunk uuid)
returns table (id uuid, title text, name text, heading text[], page integer, content text, agent_id uuid, agent_name text, lender text)
language sql stable rows 1 as $$
    select c.id, coalesce(d.title, i.name), i.name, c.heading, c.page, c.content, a.id, a.name, g.lender_name
    from chunks c
    join documents d on d.org_id = c.org_id and d.id = c.document_id
    join document_origins o on o.org_id = c.org_id and o.document_id = c.document_id and o.kind = 'source'
    join source_items i on i.org_id = o.org_id and i.id = o.item_id
    join agent_knowledge_sources s on s.org_id = o.org_id and s.id = o.source_id and s.enabled
    join agents home on home.org_id = s.org_id and home.id = s.agent_id and home.deleted_at is null
    join organizations l on l.id = home.org_id and l.deleted_at is null
    join agent_grants g on g.org_id = home.org_id and g.agent_id = home.id and g.knowledge and g.ended_at is null
    join agents a on a.org_id = g.borrower_org_id and a.id = g.borrowed_agent_id and a.deleted_at is null
    where c.id = of_chunk and g.borrower_org_id = (select (current_orgs())[1])
      and ((current_actor_type() = 'agent' and a.id = current_actor())
           or exists (
               select from lent_citations t
               where t.org_id = g.borrower_org_id and t.chunk_id = c.id and t.agent_id = a.id
                 and t.conversation_id in (select reachable_conversations())
                 and exists (
                     select from message_records r left join message_overlays v on v.message_id = r.id
                     where r.conversation_id = t.conversation_id and r.author_id = a.id
                       and r.client_id = 'run:' || t.run_id and v.deleted_at is null)))
    order by o.created_at, o.id limit 1
$$;
call make_definer('lent_passage(uuid)');

-- ---------------------------------------------------------------------------------------------- folders that are watched

-- `stirred_at`: when a process last saw it change; a sync that began before is followed by another. `watch_failure`: why it is not
-- watched although it is to be. `cut`: what the last sync left out because of a limit.
alter table agent_knowledge_sources add column stirred_at timestamptz, add column watch_failure text, add column cut text;
alter table source_syncs add column cut text;

-- The folders that processes are to watch, of every organization.
create function watched_folders() returns table (org_id uuid, id uuid, slug text, path text, patterns jsonb)
language sql stable as $$
    select s.org_id, s.id, o.slug, s.path, coalesce(s.config -> 'patterns', '[]')
    from agent_knowledge_sources s
    join organizations o on o.id = s.org_id and o.deleted_at is null
    join agents a on a.org_id = s.org_id and a.id = s.agent_id and a.deleted_at is null
    where s.type = 'folder' and s.enabled and coalesce((s.config ->> 'watch')::boolean, true)
    order by s.id
$$;
call make_definer('watched_folders()');
create index agent_knowledge_sources_folders on agent_knowledge_sources (id) where type = 'folder' and enabled;
