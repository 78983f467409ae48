-- Schedules whose agent does not answer say so, and their maker is told.

-- `unanswered_reason` is why the last that was decided was not answered; null once one is. While it stands its maker has
-- been told.
alter table schedules drop constraint schedules_last_outcome;
alter table schedules add constraint schedules_last_outcome check (last_outcome in (
    'fired', 'missed', 'skipped', 'refused', 'unanswered'));
alter table schedules add column unanswered_reason text;

alter table notifications drop constraint notifications_kind;
alter table notifications add constraint notifications_kind check (kind in (
    'mention', 'reply', 'reaction', 'direct', 'message', 'invitation', 'approval', 'schedule'));
comment on column notifications.detail is 'the emoji of a reaction, the tool of an approval, the name of a schedule';

-- As it was; what is said of a schedule goes with it.
create or replace function shows_notification(n notifications) returns boolean language sql stable as $$
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
              select from message_overlays o where o.message_id = n.message_id and o.deleted_at is not null))
          and (n.kind <> 'schedule' or exists (select from schedules s where s.id = n.subject_id)) end
$$;
