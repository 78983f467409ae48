-- What was said, at positions before all that consumers read. In each forty records of a conversation the second begins a thread that the eighth part answers; one in
-- twenty is a reaction, one in a hundred an edit of the one before, one in fifty has a file, one in 25 mentions somebody.

create temp table sentences as
select n, string_agg(
    'k' || translate((1 + floor(4000 * power(random(), 3)))::int::text, '0123456789', 'abcdefghij'), ' ') as body
from generate_series(0, 4999) n, generate_series(1, 12) w group by n;
alter table sentences add primary key (n);

create temp table said as
select p.n as place, p.id as conversation_id, q.seq, t.created_at,
       uuidv7(t.created_at - clock_timestamp()) as id,
       case when q.seq % 20 = 11 then 'reaction' when q.seq % 100 = 33 then 'edit' else 'message' end as type,
       case when q.seq % 7 = 3 then (p.n + q.seq) % p.agents end as agent,
       case when p.kind = 'direct' then q.seq % 2 else (q.seq::bigint * 7919 + p.n) % p.people end as person
from place p cross join lateral generate_series(1, p.size) q (seq)
cross join lateral (
    select now() - interval '200 days' * (1 - q.seq::float8 / p.size) - p.n * interval '3 minutes' as created_at) t;
create index on said (place, seq);
analyze said;

insert into message_records (conversation_id, seq, org_id, id, type, target_id, author_type, author_id, author_name, role,
                             kind, content, html, metadata, parent_id, mentions, created_at, position)
select m.conversation_id, m.seq, s.org, m.id, m.type, aim.id,
       case when m.agent is null then 'user' else 'agent' end, coalesce(a.id, w.id), coalesce(a.name, w.name),
       case when m.agent is null then 'user' else 'assistant' end,
       case when m.seq % 400 = 3 then 'question' when m.seq % 300 = 4 then 'insight' else 'message' end,
       case m.type when 'reaction' then '👍' else t.body end,
       case m.type when 'reaction' then null else '<p>' || t.body || '</p>' end,
       case when m.seq % 50 = 7 then jsonb_build_object('files', jsonb_build_array(jsonb_build_object(
           'id', md5(m.id::text)::uuid, 'name', 'plan ' || m.seq || '.txt', 'size', 12, 'media_type', 'text/plain'))) end,
       root.id, case when m.seq % 25 = 4 then array[told.id] end, m.created_at,
       extract(epoch from m.created_at - now() - interval '1 hour')::bigint * 1000 - m.place
from said m cross join shape s
join sentences t on t.n = (m.seq::bigint * 7919 + m.place) % 5000
left join person w on w.n = m.person
left join hired a on a.n = m.agent
left join said aim on m.type <> 'message' and aim.place = m.place and aim.seq = m.seq - 1
left join said root on m.type = 'message' and m.seq % 8 = 5 and root.place = m.place
    and root.seq = case when m.place = 0 and m.seq < 40000 then 1 else m.seq / 40 * 40 + 1 end and root.seq < m.seq
left join person told on told.n = m.seq / 25 % 10
order by m.created_at;

insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, holds, created_at)
select r.id, r.org_id, r.conversation_id, r.seq, r.author_id, r.kind, search_vector('english', r.content),
       held_by(r.content, r.metadata), r.created_at
from message_records r join place p on p.id = r.conversation_id where r.type = 'message';

insert into message_overlays (message_id, conversation_id, org_id, content, html, edit_count, edited_at, pinned_at, pinned_by,
                              reactions, reply_count, last_reply_at, last_seq)
select m.id, m.conversation_id, s.org, t.body, '<p>' || t.body || '</p>', (edit.id is not null)::int, edit.created_at,
       case when m.seq % 500 = 1 then m.created_at end, case when m.seq % 500 = 1 then s.owner end,
       case when liked.id is null then '{}' else jsonb_build_object('👍', jsonb_build_array(jsonb_build_object(
           'type', 'user', 'id', (select id from person where n = 3)))) end,
       coalesce(answers.n, 0), answers.last_at, greatest(m.seq, edit.seq, liked.seq, answers.seq)
from said m cross join shape s
left join said edit on edit.place = m.place and edit.seq = m.seq + 1 and edit.type = 'edit'
left join said liked on liked.place = m.place and liked.seq = m.seq + 1 and liked.type = 'reaction'
left join lateral (
    select sentences.body from sentences where edit.id is not null
      and sentences.n = (edit.seq::bigint * 7919 + edit.place) % 5000) t on true
left join (select parent_id, count(*) as n, max(created_at) as last_at, max(seq) as seq
           from message_records where parent_id is not null group by parent_id) answers on answers.parent_id = m.id
where m.type = 'message' and (edit.id is not null or liked.id is not null or answers.n > 0 or m.seq % 500 = 1);

insert into blobs (org_id, sha256, key, size) select org, sha256('bench'), 'bench', 12 from shape;
insert into files (id, org_id, conversation_id, created_by_type, created_by, name, media_type, size, sha256, attached_at)
select md5(r.id::text)::uuid, r.org_id, r.conversation_id, r.author_type, r.author_id, 'plan ' || r.seq || '.txt',
       'text/plain', 12, sha256('bench'), r.created_at
from message_records r join place p on p.id = r.conversation_id where r.metadata is not null;
insert into message_files (message_id, file_id, org_id, conversation_id, message_seq)
select r.id, md5(r.id::text)::uuid, r.org_id, r.conversation_id, r.seq
from message_records r join place p on p.id = r.conversation_id where r.metadata is not null;

-- What people were told, and what they keep.
insert into notifications (id, org_id, recipient_type, recipient_id, kind, actor_type, actor_id, actor_name, conversation_id,
                           message_id, seq, happened_at, read_at)
select r.id, r.org_id, 'user', r.mentions[1], 'mention', r.author_type, r.author_id, r.author_name, r.conversation_id,
       r.id, r.seq, r.created_at, case when r.seq % 3 > 0 then r.created_at + interval '1 hour' end
from message_records r join place p on p.id = r.conversation_id where r.mentions is not null and r.type = 'message';
insert into saved_messages (org_id, user_id, conversation_id, message_id, note, done_at, created_at)
select s.org, w.id, m.conversation_id, m.id, 'look again', case when m.seq % 80 = 0 then now() end, m.created_at
from said m cross join shape s cross join person w
where m.place = 0 and m.seq % 40 = 0 and m.seq < 200000 and m.type = 'message' and w.n in (0, 1);
insert into drafts (id, org_id, user_id, conversation_id, content)
select uuidv7(p.n * interval '-1 minute'), s.org, w.id, p.id, 'what I begin to say'
from place p cross join shape s cross join person w where w.n in (0, 1) and p.n % 2 = 0 and p.kind in ('channel', 'group');
insert into later_messages (id, org_id, user_id, conversation_id, content, due_at, timezone, look_at)
select uuidv7(p.n * interval '-1 minute'), s.org, w.id, p.id, 'what I shall say', d.at, 'UTC', d.at
from place p cross join shape s cross join person w
cross join lateral (select now() + interval '1000 days' + p.n * interval '1 hour' as at) d
where w.n in (0, 1) and p.n % 2 = 0 and p.kind in ('channel', 'group');
