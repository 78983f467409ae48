-- What a delivery says when it is read: nothing of a message that was deleted since; one that was changed since as it is
-- now, while the inbox's agent may still read its conversation, and otherwise as it was delivered. The log stays as it was
-- written. Runs as the caller: row-level security holds.
create function delivered_now(delivery jsonb, inbox uuid, message uuid) returns jsonb language sql stable as $$
    select coalesce((
        select jsonb_set(delivery, '{message}', message_wire(m)::jsonb)
        from messages m
        where m.id = message
          and (m.deleted_at is not null or exists (
              select from conversations c
              where c.id = m.conversation_id
                and (c.type = 'public' or exists (
                    select from conversation_members k join conversations i on i.id = inbox
                    where k.conversation_id = c.id and k.member_type = 'agent' and k.member_id = i.owner_agent_id)))
          )), delivery)
$$;
