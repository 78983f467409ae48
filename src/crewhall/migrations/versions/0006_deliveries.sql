-- What a delivery says when it is read: nothing of a message that was deleted since, by itself or with its conversation;
-- otherwise the message as it is now, while the inbox's agent may read its conversation, and as it was delivered where it
-- may no longer. The log stays as it was written. Runs as the caller: row-level security holds.
create function delivered_now(delivery jsonb, inbox uuid, message uuid) returns jsonb language sql stable as $$
    select coalesce((
        select case
            when c.deleted_at is not null then jsonb_set(delivery, '{message}', (delivery -> 'message') || jsonb_build_object(
                'title', null, 'content', '', 'html', '', 'metadata', '{}'::jsonb, 'mentions', '[]'::jsonb,
                'reactions', '{}'::jsonb, 'deleted_at', wire_time(c.deleted_at)))
            when m.deleted_at is not null or c.type = 'public' or exists (
                select from conversation_members k join conversations i on i.id = inbox
                where k.conversation_id = c.id and k.member_type = 'agent' and k.member_id = i.owner_agent_id)
            then jsonb_set(delivery, '{message}', message_wire(m)::jsonb)
        end
        from messages m join conversations c on c.id = m.conversation_id
        where m.id = message), delivery)
$$;
