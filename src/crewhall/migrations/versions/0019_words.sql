-- What is not said yet: drafts, and messages that are posted later.

-- ---------------------------------------------------------------------------------------------- drafts

-- What a person has begun to write in a conversation or (`parent_id`) in one of its threads. `version` never comes back, even
-- where a draft is thrown away and begun anew: who saves one says which one it has read.
create table drafts (
    id uuid primary key,
    org_id uuid not null,
    user_id uuid not null references users,
    conversation_id uuid not null,
    parent_id uuid,
    kind text constraint drafts_kind check (kind in (
        'message', 'update', 'insight', 'question', 'answer', 'alert', 'metric')),
    title text constraint drafts_title check (length(title) between 1 and 255),
    content text not null constraint drafts_content check (length(content) <= 40000),
    version bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint drafts_place unique nulls not distinct (org_id, user_id, conversation_id, parent_id),
    constraint drafts_something check (content <> '' or title is not null),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index drafts_newest on drafts (org_id, user_id, updated_at desc, id desc);
call keep_updated_at('drafts');
call secure_table('drafts', 'org_id = any (current_orgs()) and user_id = current_actor()');

-- ---------------------------------------------------------------------------------------------- later messages

-- A message that is posted at `due_at` by its writer's rights of that moment, under the client id `later:<id>`: once, whatever is
-- killed. While it is `sending` nothing of it changes; it is gone once it is posted. `look_at` is when somebody has to look at it:
-- when it is due, or when whoever took it seems to have died. A refused one is kept with the reason.
create table later_messages (
    id uuid primary key,
    org_id uuid not null,
    user_id uuid not null references users,
    conversation_id uuid not null,
    parent_id uuid,
    kind text constraint later_messages_kind check (kind in (
        'message', 'update', 'insight', 'question', 'answer', 'alert', 'metric')),
    title text constraint later_messages_title check (length(title) between 1 and 255),
    content text not null constraint later_messages_content check (length(content) between 1 and 40000),
    due_at timestamptz not null,
    timezone text not null constraint later_messages_timezone check (length(timezone) <= 100),
    status text not null default 'waiting' constraint later_messages_status check (status in (
        'waiting', 'sending', 'refused')),
    look_at timestamptz,
    refusal text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint later_messages_look check ((status = 'refused') = (look_at is null)),
    constraint later_messages_refusal check ((status = 'refused') = (refusal is not null)),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index later_messages_next on later_messages (org_id, user_id, due_at, id);
create index later_messages_look_at on later_messages (look_at) where look_at is not null;
create index later_messages_refused on later_messages (org_id, user_id) where status = 'refused';
call keep_updated_at('later_messages');
call secure_table('later_messages',
    'org_id = any (current_orgs()) and (user_id = current_actor() or current_actor_type() = ''system'')');

-- The later messages that somebody has to look at next, with the seconds until then.
create function next_later_messages(size integer)
returns table (org_id uuid, user_id uuid, id uuid, due_in double precision) language sql stable as $$
    select m.org_id, m.user_id, m.id, extract(epoch from m.look_at - clock_timestamp())::double precision
    from later_messages m where m.look_at is not null order by m.look_at limit size
$$;
call make_definer('next_later_messages(integer)');
