-- Agents that have nothing left to spend say until when; webhooks whose agent does not answer say so, and their maker is
-- told; who is deactivated is still named.

-- The hard budgets that leave an agent nothing here. What costs nothing is not held up by money, what thinks elsewhere by
-- nothing but its runs.
create function used_up_budgets(of_org uuid, of_agent uuid, in_conversation uuid, by_provider text, by_model text,
                                moment timestamptz)
returns setof budgets language sql stable as $$
    select b.* from budgets_of(of_org, of_agent, in_conversation) b
    left join budget_periods p on p.budget_id = b.id and p.begins_at = period_begin(b.period, moment)
    where b.strictness = 'hard' and (
        coalesce(p.spent_runs, 0) >= b.run_limit
        or (by_provider is not null and coalesce(p.spent_tokens, 0) >= b.token_limit)
        or (by_provider is not null and coalesce(p.spent_money, 0) >= b.money_limit and exists (
            select from price_of(by_provider, by_model, moment) q
            where q.currency = b.currency and q.input_price + q.output_price > 0)))
$$;

-- As it was: one of them, read before a turn is decided.
create or replace function used_up_budget(of_org uuid, of_agent uuid, in_conversation uuid, by_provider text,
                                          by_model text, moment timestamptz)
returns uuid language sql stable as $$
    select b.id from used_up_budgets(of_org, of_agent, in_conversation, by_provider, by_model, moment) b
    order by b.id limit 1
$$;

-- When the next period begins; null after the one that has no end.
create function period_end(period text, moment timestamptz) returns timestamptz language sql stable parallel safe as $$
    select case when period <> 'total' then
        (date_trunc(period, moment at time zone 'UTC') + ('1 ' || period)::interval) at time zone 'UTC' end
$$;

-- The name of somebody who is deactivated in the transaction's organization, told as that: without a membership their row
-- of `users` is nobody's here.
create function former_name(one uuid) returns text language sql stable as $$
    select u.name || ' (deactivated)'
    from deactivated_members d join users u on u.id = d.user_id and u.deleted_at is null
    where d.org_id = any (current_orgs()) and d.user_id = one limit 1
$$;
call make_definer('former_name(uuid)');

-- `unanswered_reason` is why the last call that was decided was not answered; null once one is. While it stands its maker
-- has been told.
alter table hooks add column unanswered_reason text;
create index hook_calls_trigger on hook_calls (trigger_id) where trigger_id is not null;

alter table notifications drop constraint notifications_kind;
alter table notifications add constraint notifications_kind check (kind in (
    'mention', 'reply', 'reaction', 'direct', 'message', 'invitation', 'approval', 'schedule', 'webhook'));
comment on column notifications.detail is
    'the emoji of a reaction, the tool of an approval, the name of a schedule or a webhook';

-- As it was; what is said of a schedule or a webhook goes with it.
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
          and (n.kind <> 'schedule' or exists (select from schedules s where s.id = n.subject_id))
          and (n.kind <> 'webhook' or exists (select from hooks h where h.id = n.subject_id)) end
$$;
