-- Notifications: what concerns somebody, with its read state. Derived from the log by a consumer; what is not in the log
-- (invitations, approvals) is written by who makes it. Levels, personal settings, digests by mail, devices.

-- ---------------------------------------------------------------------------------------------- how far somebody is told

-- Null: as the conversation's kind has it (all of a direct one, mentions and replies elsewhere).
alter table conversation_members add column notification_level text
    constraint conversation_members_notification_level check (notification_level in ('all', 'mentions', 'nothing'));
create index conversation_members_all on conversation_members (conversation_id) where notification_level = 'all';

create function level_in(kind text, chosen text) returns text language sql immutable parallel safe
    as $$ select coalesce(chosen, case kind when 'direct' then 'all' else 'mentions' end) $$;

-- A person's choices in one organization. Minutes are of the day, by the person's own wall clock; `due_at` is when a digest
-- is to be looked at next.
create table notification_settings (
    org_id uuid not null references organizations,
    user_id uuid not null references users,
    quiet_from smallint constraint notification_settings_quiet_from check (quiet_from between 0 and 1439),
    quiet_until smallint constraint notification_settings_quiet_until check (quiet_until between 0 and 1439),
    digest text not null default 'off' constraint notification_settings_digest check (digest in ('off', 'daily', 'away')),
    daily_at smallint not null default 480 constraint notification_settings_daily_at check (daily_at between 0 and 1439),
    away_minutes smallint not null default 60
        constraint notification_settings_away_minutes check (away_minutes between 5 and 1440),
    due_at timestamptz,
    failures smallint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, user_id),
    constraint notification_settings_quiet check ((quiet_from is null) = (quiet_until is null))
);
create index notification_settings_due on notification_settings (due_at) where due_at is not null;
create index notification_settings_user on notification_settings (user_id);
call keep_updated_at('notification_settings');
call secure_tenant_table('notification_settings');

-- ---------------------------------------------------------------------------------------------- notifications

-- Nothing of a message is kept here: its text is read, with access checked, when the notification is. Of a direct
-- conversation, and of one that somebody hears all of, there is one row: the newest message, and how many since it was
-- read last. `detail` is the emoji of a reaction, the tool of an approval; `subject_id` what is neither message nor
-- conversation; `seq` the record's.
create table notifications (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references organizations,
    recipient_type text not null constraint notifications_recipient_type check (recipient_type in ('user', 'agent')),
    recipient_id uuid not null,
    kind text not null constraint notifications_kind check (kind in (
        'mention', 'reply', 'reaction', 'direct', 'message', 'invitation', 'approval')),
    actor_type text not null constraint notifications_actor_type check (actor_type in ('user', 'agent', 'system')),
    actor_id uuid not null,
    actor_name text not null,
    conversation_id uuid,
    message_id uuid,
    subject_id uuid,
    detail text,
    first_seq bigint,
    seq bigint,
    messages integer not null default 1,
    happened_at timestamptz not null default now(),
    read_at timestamptz,
    digest_id uuid,
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index notifications_recipient on notifications (recipient_id, org_id, happened_at desc, id desc);
create index notifications_unread on notifications (recipient_id, org_id, conversation_id) where read_at is null;
create unique index notifications_said_key on notifications (message_id, recipient_id) where kind in ('mention', 'reply');
create unique index notifications_reaction_key on notifications (message_id, actor_id, detail) where kind = 'reaction';
create unique index notifications_place_key on notifications (conversation_id, recipient_id)
    where kind in ('direct', 'message');
create index notifications_subject on notifications (subject_id) where subject_id is not null;
create index notifications_conversation on notifications (org_id, conversation_id);
create index notifications_digest on notifications (digest_id) where digest_id is not null;
create index notifications_age on notifications (happened_at);
call secure_tenant_table('notifications');
-- They are nobody else's: whatever forgets to ask for whom gets its own actor's alone.
create policy own_notifications on notifications as restrictive for select to crewhall_app
    using (recipient_id = current_actor());

-- Whether the actor may see a notification as things stand: what it has left, been removed from, or what was deleted is
-- gone. Runs as the caller; the same for one, the list and the count. An approval is seen by who decides.
create function shows_notification(n notifications) returns boolean language sql stable as $$
    select case
        when n.kind = 'approval' then current_actor_role() in ('owner', 'admin') or exists (
            select from agents a where a.id = n.actor_id and a.owner_user_id = n.recipient_id)
        else exists (
            select from conversations c
            where c.id = n.conversation_id and c.deleted_at is null
              and ((c.type = 'public' and n.kind <> 'invitation') or exists (
                  select from conversation_members k where k.conversation_id = c.id
                    and k.member_type = n.recipient_type and k.member_id = n.recipient_id))
              and (current_behalf() is null or all_may_reach(c)))
          and (n.message_id is null or not exists (
              select from message_overlays o where o.message_id = n.message_id and o.deleted_at is not null)) end
$$;

-- Whether the recipient's read mark has passed a notification: read in its place, it counts as read.
create function is_passed(n notifications) returns boolean language sql stable as $$
    select exists (select from conversation_members k where k.conversation_id = n.conversation_id
                     and k.member_type = n.recipient_type and k.member_id = n.recipient_id and k.last_read_seq >= n.seq)
$$;

-- How many the actor has not read, up to a hundred.
create function unread_notifications() returns integer language sql stable as $$
    select count(*)::integer from (
        select from notifications n
        where n.recipient_id = current_actor() and n.org_id = any (current_orgs()) and n.read_at is null
          and not is_passed(n) and shows_notification(n)
        limit 100) counted
$$;

-- ---------------------------------------------------------------------------------------------- digests, devices

-- A digest is claimed (`sending`) before it is handed to the mail server: one whose process dies then is lost rather than
-- sent twice, and what it told of still stands unread.
create table notification_digests (
    id uuid primary key,
    org_id uuid not null,
    user_id uuid not null,
    status text not null default 'sending' constraint notification_digests_status check (status in (
        'sending', 'sent', 'failed')),
    messages integer not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (org_id, user_id) references notification_settings (org_id, user_id) on delete cascade
);
create index notification_digests_user on notification_digests (org_id, user_id, created_at desc);
call keep_updated_at('notification_digests');
call secure_tenant_table('notification_digests');

-- A browser that a person lets tell them at once. It ends with the login in which that was said.
create table notification_devices (
    id uuid primary key,
    org_id uuid not null references organizations,
    user_id uuid not null references users,
    login_id uuid not null references logins on delete cascade,
    endpoint text not null constraint notification_devices_endpoint check (length(endpoint) between 1 and 1000),
    public_key bytea not null constraint notification_devices_public_key check (octet_length(public_key) = 65),
    secret bytea not null constraint notification_devices_secret check (octet_length(secret) = 16),
    user_agent text constraint notification_devices_user_agent check (length(user_agent) <= 500),
    created_at timestamptz not null default now(),
    told_at timestamptz,
    unique (org_id, user_id, endpoint)
);
create index notification_devices_login on notification_devices (login_id);
create index notification_devices_endpoint on notification_devices (endpoint);
call secure_tenant_table('notification_devices');
create policy own_devices on notification_devices as restrictive to crewhall_app using (user_id = current_actor());

-- Whether any device of a person is to be told at once. Within a tenant's transaction: of that tenant's alone.
create function has_device(org uuid, who uuid) returns boolean language sql stable as $$
    select coalesce(org = any (current_orgs()), true)
       and exists (select from notification_devices d where d.org_id = org and d.user_id = who)
$$;
call make_definer('has_device(uuid, uuid)');

-- Where to tell the actor at once: devices whose login is still good, of who is still a member. Runs as the caller.
create function own_devices()
returns table (id uuid, endpoint text, public_key bytea, secret bytea, role text) language sql stable as $$
    select d.id, d.endpoint, d.public_key, d.secret, m.role from notification_devices d
    join memberships m on m.org_id = d.org_id and m.user_id = d.user_id
    join logins l on l.id = d.login_id and l.revoked_at is null and l.expires_at > now()
    where d.org_id = any (current_orgs()) and d.user_id = current_actor() order by d.id
$$;

-- A browser is one person's at a time: whoever signs in there takes its address over.
create function claim_endpoint(wanted text) returns void language sql volatile as $$
    delete from notification_devices d where d.endpoint = wanted and d.user_id <> current_actor()
$$;
call make_definer('claim_endpoint(text)');

-- Takes away what somebody had here who is no member any more.
create function forget_recipient(who uuid) returns void language plpgsql volatile as $$
begin
    delete from notification_devices d where d.org_id = any (current_orgs()) and d.user_id = who;
    delete from notification_settings s where s.org_id = any (current_orgs()) and s.user_id = who;
    delete from notifications n where n.org_id = any (current_orgs()) and n.recipient_id = who;
end $$;
call make_definer('forget_recipient(uuid)');

-- Sets the digests that these people are to get once they have been away for as long as they said; tells whether any was.
-- Within a tenant's transaction: of that tenant's people alone.
create function expect_digests(org uuid, people uuid[]) returns boolean language sql volatile as $$
    with expected as (
        update notification_settings s set due_at = now() + make_interval(mins => s.away_minutes)
        where s.org_id = org and coalesce(org = any (current_orgs()), true) and s.user_id = any (people)
          and s.digest = 'away' and s.due_at is null
        returning 1
    )
    select exists (select from expected)
$$;
call make_definer('expect_digests(uuid, uuid[])');
grant execute on function has_device(uuid, uuid), expect_digests(uuid, uuid[]) to crewhall_definer;

-- The digests to be looked at next, of every organization, the most urgent first.
create function next_digests(size integer)
returns table (org_id uuid, user_id uuid, role text, email text, name text, timezone text, due_in double precision)
language sql stable as $$
    select s.org_id, s.user_id, m.role, u.email, u.name, u.timezone,
           extract(epoch from s.due_at - clock_timestamp())::double precision
    from notification_settings s
    join memberships m on m.org_id = s.org_id and m.user_id = s.user_id
    join organizations o on o.id = s.org_id and o.deleted_at is null
    join users u on u.id = s.user_id and u.deleted_at is null
    where s.due_at is not null order by s.due_at limit size
$$;
call make_definer('next_digests(integer)');

-- What is older than this is forgotten, read or not; gives how many went.
create function forget_notifications(older_than interval) returns bigint language sql volatile as $$
    with gone as (delete from notifications n where n.happened_at < now() - older_than returning 1)
    select count(*) from gone
$$;
call make_definer('forget_notifications(interval)');

-- A decided approval asks nobody any more.
create function forget_approval() returns trigger language plpgsql as $$
begin
    delete from notifications n where n.subject_id = new.id and n.org_id = new.org_id;
    return null;
end $$;
call make_definer('forget_approval()');
create trigger notifications_of_decided after update of status on approvals for each row
    when (old.status = 'waiting' and new.status <> 'waiting') execute function forget_approval();

-- ---------------------------------------------------------------------------------------------- the log's consumer

insert into consumer_checkpoints (consumer, position, conversation_id, seq)
select 'notifications', k.position, k.conversation_id, k.seq from consumer_checkpoints k where k.consumer = 'turns';

-- Whether somebody is a person or an agent of an organization; null: neither, or no longer.
create function kind_of_member(org uuid, who uuid) returns text language sql stable as $$
    select coalesce(
        (select 'user' from memberships m where m.org_id = org and m.user_id = who),
        (select 'agent' from agents a where a.org_id = org and a.id = who and a.deleted_at is null))
$$;

-- Takes back what deleted messages, edits and taken-back reactions had told. `changes` are records of those types.
create function withdraw_notifications(changes uuid[]) returns void language plpgsql volatile as $$
begin
    delete from notifications n using message_records d
    where d.id = any (changes) and d.type = 'deletion' and n.message_id = d.target_id
      and n.kind in ('mention', 'reply', 'reaction');

    delete from notifications n using message_records u
    where u.id = any (changes) and u.type = 'unreaction' and n.kind = 'reaction'
      and n.message_id = u.target_id and n.actor_id = u.author_id and n.detail = u.content;

    delete from notifications n using message_records e, messages m
    where e.id = any (changes) and e.type = 'edit' and m.id = e.target_id and n.message_id = m.id and n.kind = 'mention'
      and not n.recipient_id = any (coalesce(m.mentions, '{}'));
end $$;

-- Where only the newest message of a conversation is told of and it was deleted, the one before it is, if there is one since
-- the recipient read last.
create function withdraw_newest(changes uuid[]) returns void language plpgsql volatile as $$
declare
    gone record;
begin
    for gone in
        select r.conversation_id, r.seq from message_records d join message_records r on r.id = d.target_id
        where d.id = any (changes) and d.type = 'deletion'
    loop
        delete from notifications n
        where n.conversation_id = gone.conversation_id and n.kind in ('direct', 'message')
          and gone.seq between n.first_seq and n.seq and not exists (
              select from messages m where m.conversation_id = n.conversation_id and m.seq between n.first_seq and n.seq
                and m.deleted_at is null and m.author_id <> n.recipient_id);
        update notifications n
        set messages = (
                select count(*) from messages m
                where m.conversation_id = n.conversation_id and m.seq between n.first_seq and n.seq
                  and m.deleted_at is null and m.author_id <> n.recipient_id and (n.kind = 'direct' or not exists (
                      select from notifications o where o.message_id = m.id and o.recipient_id = n.recipient_id
                        and o.kind in ('mention', 'reply')))),
            (message_id, actor_type, actor_id, actor_name) = (
            select m.id, m.author_type, m.author_id, m.author_name from messages m
            where m.conversation_id = n.conversation_id and m.seq between n.first_seq and n.seq
              and m.deleted_at is null and m.author_id <> n.recipient_id
            order by m.seq desc limit 1)
        where n.conversation_id = gone.conversation_id and n.kind in ('direct', 'message')
          and gone.seq between n.first_seq and n.seq;
    end loop;
end $$;

-- Whom messages concern: `said` are messages, `changes` records that may be edits, which concern whoever they mention anew.
-- Each message once per recipient, the strongest reason first. Whoever follows a thread by having written in it (its newest
-- hundred replies count) hears of its replies.
create function concerned_by(said uuid[], changes uuid[])
returns table (message_id uuid, seq bigint, recipient_id uuid, kind text, rank integer) language sql stable as $$
    with spoken as materialized (
        select m.id, m.conversation_id, m.seq, m.author_id, m.mentions, m.parent_id, c.kind as place
        from messages m
        cross join lateral (select k.kind, k.type, k.deleted_at from conversations k where k.id = m.conversation_id limit 1) c
        where m.id = any (said) and m.deleted_at is null and c.deleted_at is null and c.type <> 'system'
    ), targets as (
        select s.id, s.seq, s.author_id, t.who, 'mention' as kind, 1 as rank
        from spoken s cross join lateral unnest(s.mentions) as t (who)
        where s.place <> 'direct'
        union all
        select m.id, e.seq, e.author_id, t.who, 'mention', 1
        from message_records e
        join messages m on m.id = e.target_id and m.deleted_at is null
        join message_records r on r.id = e.target_id
        join conversations c on c.id = e.conversation_id and c.deleted_at is null and c.kind <> 'direct'
        cross join lateral unnest(m.mentions) as t (who)
        where e.id = any (changes) and e.type = 'edit' and not t.who = any (coalesce(r.mentions, '{}'))
        union all
        select s.id, s.seq, s.author_id, p.author_id, 'reply', 2
        from spoken s
        cross join lateral (
            select r.author_id from message_records r where r.id = s.parent_id
            union
            select w.author_id from (
                select r.author_id from message_records r
                where r.parent_id = s.parent_id and r.seq < s.seq and r.type = 'message'
                order by r.seq desc limit 100) w) p
        where s.parent_id is not null and s.place <> 'direct'
        union all
        select s.id, s.seq, s.author_id, k.member_id, case s.place when 'direct' then 'direct' else 'message' end, 3
        from spoken s
        join conversation_members k on k.conversation_id = s.conversation_id
         and (k.notification_level = 'all' or (s.place = 'direct' and k.notification_level is null))
    )
    select distinct on (t.id, t.who) t.id, t.seq, t.who, t.kind, t.rank
    from targets t where t.who <> t.author_id order by t.id, t.who, t.rank
$$;

-- Reactions among these records that still stand, to whoever wrote what they are about.
create function reacted_to(changes uuid[])
returns table (message_id uuid, seq bigint, recipient_id uuid, actor_type text, actor_id uuid, actor_name text, emoji text)
language sql stable as $$
    select distinct on (m.id, r.author_id, r.content)
           m.id, r.seq, m.author_id, r.author_type, r.author_id, r.author_name, r.content
    from message_records r
    join messages m on m.id = r.target_id and m.deleted_at is null
    where r.id = any (changes) and r.type = 'reaction' and m.author_id <> r.author_id
      and m.reactions -> r.content @> jsonb_build_array(jsonb_build_object('type', r.author_type, 'id', r.author_id))
    order by m.id, r.author_id, r.content, r.seq desc
$$;

-- Writes the notifications that some messages and changes make; gives those that their recipients have not read. `plain` are
-- messages that point at nobody, summed up by conversation and author: they concern who hears all of the conversation.
create function write_notifications(said uuid[], changes uuid[], plain json)
returns table (org_id uuid, recipient_type text, recipient_id uuid, notification_id uuid, is_urgent boolean)
language sql volatile as $$
    with concerned as materialized (
        select t.message_id, t.seq, t.recipient_id, t.kind, m.org_id, m.conversation_id, m.author_type as actor_type,
               m.author_id as actor_id, m.author_name as actor_name, null as detail, m.created_at
        from concerned_by(said, changes) t join message_records m on m.id = t.message_id
        union all
        select t.message_id, t.seq, t.recipient_id, 'reaction', m.org_id, m.conversation_id, t.actor_type, t.actor_id,
               t.actor_name, t.emoji, now()
        from reacted_to(changes) t join message_records m on m.id = t.message_id
    ), allowed as materialized (
        select t.*, w.type as recipient_type, case when k.last_read_seq >= t.seq then now() end as read_at
        from concerned t
        join conversations c on c.id = t.conversation_id and c.deleted_at is null and c.kind <> 'agent'
        cross join lateral (select kind_of_member(t.org_id, t.recipient_id) as type) w
        left join conversation_members k
          on k.conversation_id = c.id and k.member_type = w.type and k.member_id = t.recipient_id
        where w.type is not null and (c.type = 'public' or k.member_id is not null)
          and level_in(c.kind, k.notification_level) <> 'nothing'
    ), single as (
        insert into notifications (org_id, recipient_type, recipient_id, kind, actor_type, actor_id, actor_name,
                                   conversation_id, message_id, detail, first_seq, seq, happened_at, read_at)
        select a.org_id, a.recipient_type, a.recipient_id, a.kind, a.actor_type, a.actor_id, a.actor_name,
               a.conversation_id, a.message_id, a.detail, a.seq, a.seq, a.created_at, a.read_at
        from allowed a where a.kind not in ('direct', 'message')
        on conflict do nothing
        returning *
    ), whole_of as (
        select a.org_id, a.recipient_type, a.recipient_id, a.conversation_id, a.kind, a.seq as first_seq, a.seq,
               1 as messages, a.message_id, a.actor_type, a.actor_id, a.actor_name, a.created_at, a.read_at
        from allowed a where a.kind in ('direct', 'message')
        union all
        select c.org_id, k.member_type, k.member_id, c.id, case c.kind when 'direct' then 'direct' else 'message' end,
               p.first_seq, p.seq, p.messages, m.id, m.author_type, m.author_id, m.author_name, m.created_at,
               case when k.last_read_seq >= p.seq then now() end
        from json_to_recordset(plain) as p (place uuid, author uuid, messages integer, first_seq bigint, seq bigint, id uuid)
        join conversations c on c.id = p.place and c.deleted_at is null and c.type <> 'system'
        join message_records m on m.id = p.id
        join conversation_members k on k.conversation_id = c.id and k.member_id <> p.author
         and (k.notification_level = 'all' or (c.kind = 'direct' and k.notification_level is null))
    ), places as (
        select a.org_id, a.recipient_type, a.recipient_id, a.conversation_id, min(a.first_seq) as first_seq,
               max(a.seq) as seq, sum(a.messages)::integer as messages, min(a.kind) as kind,
               (array_agg(a.message_id order by a.seq desc))[1] as message_id,
               (array_agg(a.actor_type order by a.seq desc))[1] as actor_type,
               (array_agg(a.actor_id order by a.seq desc))[1] as actor_id,
               (array_agg(a.actor_name order by a.seq desc))[1] as actor_name,
               max(a.created_at) as created_at, (array_agg(a.read_at order by a.seq desc))[1] as read_at
        from whole_of a
        group by a.org_id, a.recipient_type, a.recipient_id, a.conversation_id
    ), whole as (
        insert into notifications as n (org_id, recipient_type, recipient_id, kind, actor_type, actor_id, actor_name,
                                        conversation_id, message_id, first_seq, seq, messages, happened_at, read_at)
        select p.org_id, p.recipient_type, p.recipient_id, p.kind, p.actor_type, p.actor_id, p.actor_name,
               p.conversation_id, p.message_id, p.first_seq, p.seq, p.messages, p.created_at, p.read_at
        from places p
        on conflict (conversation_id, recipient_id) where kind in ('direct', 'message') do update
        set actor_type = excluded.actor_type, actor_id = excluded.actor_id, actor_name = excluded.actor_name,
            kind = excluded.kind, message_id = excluded.message_id, seq = excluded.seq, read_at = excluded.read_at,
            happened_at = excluded.happened_at, digest_id = null,
            first_seq = case when n.read_at is null and not is_passed(n) then n.first_seq else excluded.first_seq end,
            messages = case when n.read_at is null and not is_passed(n) then n.messages else 0 end + excluded.messages
        returning n.*
    )
    select w.org_id, w.recipient_type, w.recipient_id, w.id, w.kind <> 'reaction'
    from (select * from single union all select * from whole) w
    where w.read_at is null
$$;

-- Derives notifications from the next records: gives how many were read, whom to tell of what (at once where they have a
-- device), and whether a digest is due earlier than any was. A post that concerns nobody is read past, and no more.
create function derive_notifications(size integer)
returns table (seen integer, told json, are_expected boolean) language plpgsql volatile as $$
#variable_conflict use_column
declare
    checkpoint consumer_checkpoints;
    horizon bigint := log_horizon();
    concerning record;
    made json;
    expected boolean := false;
begin
    select * into checkpoint from consumer_checkpoints where consumer = 'notifications' for update skip locked;
    if not found then
        return query select 0, null::json, false;
        return;
    end if;
    with batch as materialized (
        select r.position, r.conversation_id, r.seq, r.id, r.type, r.author_id,
               coalesce(cardinality(r.mentions) > 0, false) or r.parent_id is not null as points
        from message_records r
        where (r.position, r.conversation_id, r.seq) > (checkpoint.position, checkpoint.conversation_id, checkpoint.seq)
          and r.position < horizon
        order by r.position, r.conversation_id, r.seq limit size
    ), places as materialized (
        select c.id from (select distinct b.conversation_id from batch b where b.type = 'message') b
        cross join lateral (
            select k.id from conversations k
            where k.id = b.conversation_id and (k.kind = 'direct' or exists (
                select from conversation_members m where m.conversation_id = k.id and m.notification_level = 'all'))
            limit 1) c
    ), last as (
        select b.position, b.conversation_id, b.seq from batch b
        order by b.position desc, b.conversation_id desc, b.seq desc limit 1
    ), moved as (
        update consumer_checkpoints k
        set position = l.position, conversation_id = l.conversation_id, seq = l.seq, updated_at = now()
        from last l where k.consumer = 'notifications'
    )
    select count(*)::integer as seen,
           array_agg(b.id) filter (where b.type = 'message' and b.points) as said,
           array_agg(b.id) filter (where b.type in ('edit', 'deletion', 'reaction', 'unreaction')) as changes,
           (select json_agg(s) from (
                select w.conversation_id as place, w.author_id as author, count(*) as messages, min(w.seq) as first_seq,
                       max(w.seq) as seq, (array_agg(w.id order by w.seq desc))[1] as id
                from batch w join places p on p.id = w.conversation_id
                where w.type = 'message' and not w.points group by 1, 2) s) as plain
    into concerning from batch b;

    if concerning.changes is not null then
        perform withdraw_notifications(concerning.changes);
    end if;
    if concerning.said is not null or concerning.changes is not null or concerning.plain is not null then
        with written as materialized (
            select * from write_notifications(concerning.said, concerning.changes, concerning.plain)
        ), expecting as materialized (
            select expect_digests(w.org_id, array_agg(distinct w.recipient_id)) as are
            from written w where w.is_urgent and w.recipient_type = 'user' group by w.org_id
        )
        select json_agg(json_build_array(w.org_id, w.recipient_id, w.notification_id,
                                         w.is_urgent and has_device(w.org_id, w.recipient_id))),
               coalesce((select bool_or(e.are) from expecting e), false)
        into made, expected from written w;
    end if;
    if concerning.changes is not null then
        perform withdraw_newest(concerning.changes);
    end if;
    return query select concerning.seen, made, expected;
end $$;
call make_definer('derive_notifications(integer)');
grant execute on function level_in(text, text), shows_notification(notifications), is_passed(notifications),
    unread_notifications() to crewhall_app, crewhall_read, crewhall_definer;
revoke all on function withdraw_notifications(uuid[]), withdraw_newest(uuid[]), concerned_by(uuid[], uuid[]), reacted_to(uuid[]),
    write_notifications(uuid[], uuid[], json) from public;
grant execute on function withdraw_notifications(uuid[]), withdraw_newest(uuid[]), concerned_by(uuid[], uuid[]), reacted_to(uuid[]),
    write_notifications(uuid[], uuid[], json), kind_of_member(uuid, uuid) to crewhall_definer;
