-- What is known: a document for every hundred messages in sources of agents (a fifth of them in one of the first agent's), one for each
-- eighth file, and the wiki: an entry for every two hundred messages, the first with 300 versions. Nothing is embedded: the row
-- `knowledge` has that.

create temp table given as
select i, s.org, h.id as agent_id, uuidv7(i * interval '-1 minute') as id
from shape s cross join generate_series(0, greatest(20, s.agents / 2) - 1) i join hired h on h.n = i % s.agents;
insert into agent_knowledge_sources (id, org_id, agent_id, type, path, name, config, synced_at, counts, created_by)
select g.id, g.org, g.agent_id, case when g.i % 2 = 0 then 'url' else 'folder' end, 'https://handbook.example.test/' || g.i || '/',
       'Handbook ' || g.i, case when g.i % 2 = 0 then '{"depth": 2}'::jsonb else '{"watch": false}' end, now(), '{"seen": 100}', s.owner
from given g cross join shape s;
insert into source_syncs (id, org_id, source_id, started_at, outcome, seen, unchanged)
select uuidv7(k * interval '-1 hour'), g.org, g.id, now() - k * interval '1 hour', 'done', 100, 100
from given g cross join lateral generate_series(1, case when g.i = 0 then 2000 else 20 end) k;

create temp table known as
select n as i, s.org, g.id as source_id, uuidv7(n * interval '-1 second') as item_id, uuidv7(n * interval '-1 second') as document_id,
       uuidv7(n * interval '-1 second') as origin_id, sha256(('document ' || n)::bytea) as sha256
from shape s cross join generate_series(0, greatest(200, s.messages / 100) - 1) n
join given g on g.i = case when n % 5 = 0 then 0 else n % (select count(*) from given) end;
insert into blobs (org_id, sha256, key, size) select org, sha256, 'document ' || i, 12 from known;
insert into source_items (id, org_id, source_id, key, name, media_type, size, sha256, changed_at)
select item_id, org, source_id, 'page-' || i, 'page-' || i || '.md', 'text/markdown', 12, sha256, now() from known;
insert into documents (id, org_id, sha256, media_type, name, size, status, title, characters, chunks, extractor, ready_at)
select document_id, org, sha256, 'text/markdown', 'page-' || i || '.md', 12, 'ready', 'Page ' || i, 4000, 8, 1, now() from known;
insert into document_origins (id, org_id, document_id, kind, source_id, item_id)
select origin_id, org, document_id, 'source', source_id, item_id from known;
insert into chunks (id, org_id, document_id, position, content, heading, starts, ends, vector)
select uuidv7(), k.org, k.document_id, c, t.body, array['Page ' || k.i], c * 500, (c + 1) * 500,
       chunk_vector('english', 'Page ' || k.i, array['Page ' || k.i], t.body)
from known k cross join generate_series(0, 7) c join sentences t on t.n = (k.i * 8 + c) % 5000;

-- Each file of text is a document of its own content here, as large installations have it.
create temp table attached as
select row_number() over (order by f.id) as i, f.id, f.org_id, f.conversation_id, f.name, uuidv7() as document_id
from files f where get_byte(uuid_send(f.id), 0) % 8 = 0;
insert into documents (id, org_id, sha256, media_type, name, size, status, characters, chunks, extractor, ready_at)
select document_id, org_id, sha256(('file ' || i)::bytea), 'text/plain', name, 12, 'ready', 60, 1, 1, now() from attached;
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id)
select uuidv7(), org_id, document_id, 'file', id, conversation_id from attached;
insert into chunks (id, org_id, document_id, position, content, starts, ends, vector)
select uuidv7(), a.org_id, a.document_id, 0, t.body, 0, 60, chunk_vector('english', a.name, '{}', t.body)
from attached a join sentences t on t.n = a.i % 5000;

create temp table written as
select i, s.org, s.owner, uuidv7(i * interval '-1 minute') as entry_id, uuidv7(i * interval '-1 minute') as version_id
from shape s cross join generate_series(0, greatest(100, s.messages / 200) - 1) i;
insert into wiki_heads (entry_id, org_id, slug, title, category, tags, approved_id, open, last_version, vector)
select w.entry_id, w.org, 'entry-' || w.i, 'Entry ' || w.i, 'category-' || w.i % 40, array['tag-' || w.i % 100], w.version_id,
       '{}', case when w.i = 0 then 300 else 1 end, wiki_vector('english', 'Entry ' || w.i, '{}', t.body)
from written w join sentences t on t.n = w.i % 5000;
insert into wiki_entries (id, org_id, entry_id, version, status, title, content, category, tags, author_type, author_id,
                          author_name, decided_by, created_by)
select w.version_id, w.org, w.entry_id, case when w.i = 0 then 300 else 1 end, 'approved', 'Entry ' || w.i,
       repeat(t.body || E'\n\n[[Entry ' || (w.i + 1) || E']]\n\n', 5), 'category-' || w.i % 40, array['tag-' || w.i % 100], 'user', w.owner,
       'Owner', w.owner, w.owner
from written w join sentences t on t.n = w.i % 5000;
insert into wiki_entries (id, org_id, entry_id, parent_entry_id, version, status, title, content, author_type, author_id,
                          author_name, decided_by, created_by)
select uuidv7(k * interval '-1 hour'), w.org, w.entry_id, null, k, 'approved', 'Entry 0', t.body, 'user', w.owner, 'Owner', w.owner, w.owner
from written w cross join generate_series(1, 299) k join sentences t on t.n = k where w.i = 0;
insert into wiki_links (org_id, entry_id, slug) select org, entry_id, 'entry-' || (i + 1) from written;
insert into wiki_views (org_id, entry_id, shard, views) select org, entry_id, 0, 10 + i from written;

create temp table waiting as
select i, s.org, p.id as author_id, uuidv7(i * interval '-1 minute') as entry_id, uuidv7(i * interval '-1 minute') as version_id
from shape s cross join generate_series(0, 299) i join person p on p.n = i % 50;
insert into wiki_heads (entry_id, org_id, slug, title, open, last_version)
select entry_id, org, 'waiting-' || i, 'Waiting ' || i, array[version_id], 1 from waiting;
insert into wiki_entries (id, org_id, entry_id, version, status, title, content, author_type, author_id, author_name, created_by)
select version_id, org, entry_id, 1, 'pending_approval', 'Waiting ' || i, 'It waits.', 'user', author_id, 'Person', author_id from waiting;
