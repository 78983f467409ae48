-- Imports: conversations of another product, taken in with their times, their people and their files.

-- Who wrote elsewhere and has no account here: a name for what they wrote. Nothing signs in as one. Whoever joins by an invitation
-- to its address later gets its id, and with it what was written (`claimed_at`).
create table placeholders (
    id uuid primary key,
    org_id uuid not null references organizations,
    name text not null constraint placeholders_name check (length(name) between 1 and 255),
    email text constraint placeholders_email check (email = lower(email)),
    claimed_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index placeholders_email_key on placeholders (org_id, email) where email is not null;
create index placeholders_org on placeholders (org_id, id);
call secure_tenant_table('placeholders');

-- `source_key` names where it comes from (`slack:T0123`). `look_at`: when a process is to look at it; set anew while one is at work,
-- so that another takes over from one that died. `attempt` fences what is written. The archive is noted as stray from the first
-- moment: it goes when the note is due, whatever becomes of the import.
create table imports (
    id uuid primary key,
    org_id uuid not null references organizations,
    source text not null constraint imports_source check (source in ('slack')),
    status text not null constraint imports_status check (status in (
        'reading', 'ready', 'running', 'done', 'failed', 'canceled')),
    source_key text,
    name text not null constraint imports_name check (length(name) between 1 and 255),
    size bigint not null constraint imports_size check (size > 0),
    blob_key text not null,
    failure text,
    report jsonb not null default '{}',
    attempt integer not null default 0,
    look_at timestamptz,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    unique (org_id, id),
    constraint imports_failure check ((failure is not null) = (status = 'failed'))
);
create index imports_org on imports (org_id, id desc);
create index imports_due on imports (look_at) where look_at is not null;
call secure_tenant_table('imports');
call keep_updated_at('imports');

-- What an import found of each channel, and what was taken of it. `fate`: a new one is opened, an empty one of the name is filled, or
-- the one that an earlier import made goes on.
create table import_channels (
    org_id uuid not null,
    import_id uuid not null,
    external_id text not null,
    name text not null,
    type text not null constraint import_channels_type check (type in ('public', 'private')),
    is_archived boolean not null default false,
    fate text not null constraint import_channels_fate check (fate in ('open', 'fill', 'continue')),
    target text not null,
    conversation_id uuid,
    messages integer not null default 0,
    fresh integer not null default 0,
    taken integer not null default 0,
    late integer not null default 0,
    begun_at timestamptz,
    finished_at timestamptz,
    primary key (import_id, external_id),
    foreign key (org_id, import_id) references imports (org_id, id) on delete cascade,
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index import_channels_import on import_channels (org_id, import_id, name, external_id);
create index import_channels_conversation on import_channels (org_id, conversation_id) where conversation_id is not null;
call secure_tenant_table('import_channels');

-- Who somebody elsewhere is here, a member or a placeholder, and which conversation a channel became: imported again it is the same.
create table imported_people (
    org_id uuid not null references organizations,
    source_key text not null,
    external_id text not null,
    person_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (org_id, source_key, external_id)
);
call secure_tenant_table('imported_people');

create table imported_conversations (
    org_id uuid not null references organizations,
    source_key text not null,
    external_id text not null,
    conversation_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (org_id, source_key, external_id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index imported_conversations_conversation on imported_conversations (org_id, conversation_id);
call secure_tenant_table('imported_conversations');

-- The imports that somebody is to look at, of every organization, the nearest first.
create function next_imports(most integer) returns table (org_id uuid, id uuid, due_in double precision)
    language sql stable as $$
    select i.org_id, i.id, extract(epoch from i.look_at - clock_timestamp()) from imports i
    where i.look_at is not null order by i.look_at limit most
$$;
call make_definer('next_imports(integer)');

-- Takes records that were written elsewhere into a conversation, with their own times: `records` is a JSON array in order of time. What
-- is there already stays as it is (`known`); what is older than the newest record there is left out (`late`), so that order of seq
-- stays order of time; what is laid over a message that is not there has no place (`lost`). Their position is before everything that
-- consumers follow: nobody is told, no agent is woken. The search rows that a consumer would derive are made here.
-- Runs as the caller: row-level security holds for every row.
create function take_past(in_conversation uuid, records json)
returns table (taken integer, messages integer, known integer, late integer, lost integer) language plpgsql volatile as $$
#variable_conflict use_column
declare
    head conversation_heads;
    newest timestamptz;
    entry message_records;
begin
    select * into strict head from conversation_heads h where h.conversation_id = in_conversation for update;
    select r.created_at into newest from message_records r
    where r.conversation_id = in_conversation order by r.seq desc limit 1;
    return query
    with input as materialized (
        select distinct on (r.id) r.* from json_to_recordset(records) as r (
            i integer, id uuid, type text, author uuid, author_name text, content text, html text, metadata jsonb,
            parent uuid, target uuid, mentions uuid[], at timestamptz)
        order by r.id, r.i
    ), judged as materialized (
        select n.*, case when exists (select from message_records m where m.id = n.id) then 'known'
                         when n.at < newest then 'late' else 'new' end as verdict
        from input n
    ), placed as materialized (
        select j.*, j.verdict = 'new' and j.target is not null
                    and not exists (select from judged o where o.id = j.target and o.verdict = 'new')
                    and not exists (select from message_records m where m.id = j.target) as is_lost
        from judged j
    ), inserted as (
        insert into message_records (
            conversation_id, seq, org_id, id, type, target_id, author_type, author_id, author_name, role, kind, content, html,
            metadata, parent_id, mentions, created_at, position)
        select in_conversation, head.last_seq + row_number() over (order by p.i), head.org_id, p.id, p.type, p.target, 'user',
               p.author, p.author_name, 'user', 'message', p.content, p.html, p.metadata,
               case when exists (select from judged o where o.id = p.parent and o.verdict = 'new')
                         or exists (select from message_records m where m.id = p.parent) then p.parent end,
               p.mentions, p.at, -1
        from placed p where p.verdict = 'new' and not p.is_lost
        returning type
    )
    select (select count(*) from inserted)::integer,
           (select count(*) from inserted x where x.type = 'message')::integer,
           count(*) filter (where verdict = 'known')::integer, count(*) filter (where verdict = 'late')::integer,
           count(*) filter (where is_lost)::integer
    from placed;

    for entry in
        select r.* from message_records r
        where r.conversation_id = in_conversation and r.seq > head.last_seq and (r.type <> 'message' or r.parent_id is not null)
        order by r.seq
    loop
        perform apply_overlay(entry);
    end loop;
    insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, holds, created_at)
    select r.id, r.org_id, r.conversation_id, r.seq, r.author_id, r.kind,
           search_vector(g.search_language, left(r.content, 100000)),
           held_by(left(r.content, 100000), r.metadata), r.created_at
    from message_records r join organizations g on g.id = r.org_id
    where r.conversation_id = in_conversation and r.seq > head.last_seq and r.type = 'message';
    with attached as (
        insert into message_files (message_id, file_id, org_id, conversation_id, message_seq)
        select r.id, f.id, r.org_id, r.conversation_id, r.seq
        from message_records r
        cross join lateral jsonb_array_elements(r.metadata -> 'files') as e (named)
        join files f on f.id = (e.named ->> 'id')::uuid and f.org_id = r.org_id
         and f.conversation_id = r.conversation_id and f.created_by = r.author_id and f.released_at is null
        where r.conversation_id = in_conversation and r.seq > head.last_seq and r.type = 'message'
          and jsonb_typeof(r.metadata -> 'files') = 'array'
        on conflict do nothing
        returning file_id
    )
    update files f set attached_at = coalesce(f.attached_at, now()) from attached a where f.id = a.file_id;
    update conversation_heads h
    set last_seq = n.last_seq, message_count = h.message_count + n.messages, last_active_at = now()
    from (select max(r.seq) as last_seq, count(*) filter (where r.type = 'message') as messages from message_records r
          where r.conversation_id = in_conversation and r.seq > head.last_seq) n
    where h.conversation_id = in_conversation and n.last_seq is not null;
    perform pg_notify('crewhall_records', 'import|' || in_conversation || ':' || h.last_seq)
    from conversation_heads h where h.conversation_id = in_conversation and h.last_seq > head.last_seq;
end $$;
revoke all on function take_past(uuid, json) from public;
grant execute on function take_past(uuid, json) to crewhall_app;
