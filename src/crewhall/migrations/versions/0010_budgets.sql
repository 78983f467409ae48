-- Money: what models cost (prices), what may be spent (budgets), what is held for requests under way (reservations), what was
-- spent (usage). Money is exact: numeric, in the currency's unit, to the millionth.

-- ---------------------------------------------------------------------------------------------- prices

-- Per million tokens. A row without an organization comes with Crewhall; an organization's own go before it. Rows are never
-- changed, so that a run keeps what it was costed with: a new price is a new row, an old one is withdrawn.
create table model_prices (
    id uuid primary key,
    org_id uuid references organizations,
    provider text not null constraint model_prices_provider check (length(provider) between 1 and 100),
    model text not null constraint model_prices_model check (length(model) between 1 and 200),
    input_price numeric(14, 6) not null constraint model_prices_input check (input_price >= 0),
    cached_price numeric(14, 6) not null constraint model_prices_cached check (cached_price >= 0),
    output_price numeric(14, 6) not null constraint model_prices_output check (output_price >= 0),
    currency text not null constraint model_prices_currency check (currency ~ '^[A-Z]{3}$'),
    valid_from timestamptz not null,
    source text not null default '' constraint model_prices_source check (length(source) <= 500),
    withdrawn_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    updated_by uuid
);
create index model_prices_org on model_prices (org_id, id);
call keep_updated_at('model_prices');
call secure_table('model_prices', 'org_id = any (current_orgs()) or (org_id is null and current_orgs() is not null)',
                  'org_id = any (current_orgs())');
revoke update, delete on model_prices from crewhall_app, crewhall_definer;
grant update (withdrawn_at, updated_at, updated_by) on model_prices to crewhall_app;

-- `*` in a pattern stands for anything; case does not matter.
create function matches_pattern(value text, pattern text) returns boolean language sql immutable parallel safe as $$
    select lower(value) like replace(replace(replace(replace(lower(pattern), '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')
$$;

-- The price of a model at a moment: the organization's own before what Crewhall knows, an exact name before a pattern, a
-- longer pattern before a shorter one, then the newest. No row where the model is unknown.
create function price_of(of_provider text, of_model text, moment timestamptz) returns setof model_prices
language sql stable rows 1 as $$
    select p.* from model_prices p
    where p.withdrawn_at is null and p.valid_from <= moment
      and matches_pattern(of_provider, p.provider) and matches_pattern(of_model, p.model)
    order by p.org_id is null, position('*' in p.provider) > 0, position('*' in p.model) > 0,
             length(p.provider) desc, length(p.model) desc, p.valid_from desc, p.id desc
    limit 1
$$;

-- What tokens cost, rounded up to the millionth. `cached` of the `input` were read from the provider's cache.
create function cost_of(price model_prices, input bigint, cached bigint, output bigint) returns numeric
language sql immutable parallel safe as $$
    select ceil((input - cached) * price.input_price + cached * price.cached_price + output * price.output_price) / 1000000
$$;

-- ---------------------------------------------------------------------------------------------- budgets

-- A limit for an agent, a conversation, an agent in a conversation, or (neither is named) the whole organization.
create table budgets (
    id uuid primary key,
    org_id uuid not null references organizations,
    agent_id uuid,
    conversation_id uuid,
    period text not null constraint budgets_period check (period in ('day', 'month', 'total')),
    strictness text not null constraint budgets_strictness check (strictness in ('soft', 'hard')),
    money_limit numeric(20, 6) constraint budgets_money check (money_limit >= 0),
    currency text constraint budgets_currency check (currency ~ '^[A-Z]{3}$'),
    token_limit bigint constraint budgets_tokens check (token_limit >= 0),
    run_limit bigint constraint budgets_runs check (run_limit >= 0),
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    updated_by uuid,
    deleted_at timestamptz,
    constraint budgets_limited check (money_limit is not null or token_limit is not null or run_limit is not null),
    constraint budgets_in_money check ((money_limit is null) = (currency is null)),
    unique (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id),
    foreign key (org_id, conversation_id) references conversations (org_id, id)
);
create index budgets_org on budgets (org_id, id) where deleted_at is null;
call keep_updated_at('budgets');
call secure_tenant_table('budgets');

-- How a budget stands in one period: spent for good, and reserved for requests under way.
create table budget_periods (
    budget_id uuid not null,
    org_id uuid not null,
    begins_at timestamptz not null,
    spent_money numeric(20, 6) not null default 0,
    spent_tokens bigint not null default 0,
    spent_runs bigint not null default 0,
    reserved_money numeric(20, 6) not null default 0 constraint budget_periods_money check (reserved_money >= 0),
    reserved_tokens bigint not null default 0 constraint budget_periods_tokens check (reserved_tokens >= 0),
    warned_at timestamptz,
    told_at timestamptz,
    primary key (budget_id, begins_at),
    foreign key (org_id, budget_id) references budgets (org_id, id)
);
create index budget_periods_untold on budget_periods (org_id) where warned_at is not null and told_at is null;
call secure_tenant_table('budget_periods');

-- What is held for one request of a run: gone when it is settled or released.
create table budget_reservations (
    run_id uuid not null,
    key text not null,
    org_id uuid not null,
    agent_id uuid not null,
    conversation_id uuid not null,
    attempt integer not null,
    price_id uuid references model_prices,
    currency text,
    money numeric(20, 6),
    tokens bigint not null,
    made_at timestamptz not null,
    primary key (run_id, key),
    foreign key (org_id, run_id) references runs (org_id, id)
);
create index budget_reservations_org on budget_reservations (org_id);
call secure_tenant_table('budget_reservations');

-- ---------------------------------------------------------------------------------------------- usage

-- Metered in the transaction that ends a request, by the hour, day and month (UTC) in which it began. `currency` is empty
-- where the price is unknown: what is there cost nobody knows what. Runs are counted without one.
create table usage_buckets (
    org_id uuid not null,
    span text not null constraint usage_buckets_span check (span in ('hour', 'day', 'month')),
    begins_at timestamptz not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    currency text not null default '',
    runs bigint not null default 0,
    requests bigint not null default 0,
    input_tokens bigint not null default 0,
    cached_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost numeric(20, 6) not null default 0,
    primary key (org_id, span, begins_at, conversation_id, agent_id, currency),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index usage_buckets_conversation on usage_buckets (org_id, conversation_id, span, begins_at);
create index usage_buckets_agent on usage_buckets (org_id, agent_id, span, begins_at);
call secure_tenant_table('usage_buckets');

alter table runs
    add column currency text,
    add column cached_tokens bigint not null default 0,
    add column price_id uuid references model_prices;
alter table run_steps
    add column cost numeric(20, 6),
    add column currency text,
    add column price_id uuid references model_prices;

create function period_begin(period text, moment timestamptz) returns timestamptz language sql stable parallel safe as $$
    select case when period = 'total' then 'epoch'::timestamptz else date_trunc(period, moment, 'UTC') end
$$;

create function meter_usage(in_org uuid, of_agent uuid, in_conversation uuid, moment timestamptz, in_currency text,
                            more_runs bigint, more_requests bigint, input bigint, cached bigint, output bigint, money numeric)
returns void language sql volatile as $$
    insert into usage_buckets as u (org_id, span, begins_at, conversation_id, agent_id, currency, runs, requests,
                                    input_tokens, cached_tokens, output_tokens, cost)
    select in_org, s, period_begin(s, moment), in_conversation, of_agent, coalesce(in_currency, ''), more_runs, more_requests,
           input, cached, output, coalesce(money, 0)
    from unnest(array['day', 'hour', 'month']) as s
    on conflict (org_id, span, begins_at, conversation_id, agent_id, currency) do update
    set runs = u.runs + excluded.runs, requests = u.requests + excluded.requests,
        input_tokens = u.input_tokens + excluded.input_tokens, cached_tokens = u.cached_tokens + excluded.cached_tokens,
        output_tokens = u.output_tokens + excluded.output_tokens, cost = u.cost + excluded.cost
$$;

-- ---------------------------------------------------------------------------------------------- the ledger

-- Whoever books holds it shared, whoever opens, changes or closes a budget holds it alone: none is made while its first
-- reservations pass it by.
create function hold_ledger(of_org uuid, is_alone boolean) returns void language plpgsql volatile as $$
begin
    if is_alone then
        perform pg_advisory_xact_lock(hashtextextended('crewhall.ledger.' || of_org, 0));
    else
        perform pg_advisory_xact_lock_shared(hashtextextended('crewhall.ledger.' || of_org, 0));
    end if;
end $$;

create function budgets_of(of_org uuid, of_agent uuid, in_conversation uuid) returns setof budgets language sql stable as $$
    select b.* from budgets b
    where b.org_id = of_org and b.deleted_at is null
      and (b.agent_id is null or b.agent_id = of_agent)
      and (b.conversation_id is null or b.conversation_id = in_conversation)
$$;

-- Every movement of the ledger: adds to what is reserved and spent in all budgets concerned, which are locked in the order
-- of their ids. With `is_checked` nothing is added where a hard limit would be passed: the budget that refuses is returned.
-- A soft limit that is reached warns once in its period: NOTIFY `crewhall_budgets` with the organization.
create function book_spending(of_org uuid, of_agent uuid, in_conversation uuid, moment timestamptz, in_currency text,
                              more_money numeric, more_tokens bigint, money numeric, tokens bigint, more_runs bigint,
                              is_checked boolean)
returns uuid language plpgsql volatile as $$
declare
    refusing uuid;
begin
    perform hold_ledger(of_org, false);
    if not exists (select from budgets_of(of_org, of_agent, in_conversation)) then
        return null;
    end if;
    insert into budget_periods (budget_id, org_id, begins_at)
    select b.id, b.org_id, period_begin(b.period, moment)
    from budgets_of(of_org, of_agent, in_conversation) b order by b.id
    on conflict do nothing;
    perform from budgets_of(of_org, of_agent, in_conversation) b
        join budget_periods p on p.budget_id = b.id and p.begins_at = period_begin(b.period, moment)
        order by p.budget_id for update of p;
    if is_checked then
        select b.id into refusing
        from budgets_of(of_org, of_agent, in_conversation) b
        join budget_periods p on p.budget_id = b.id and p.begins_at = period_begin(b.period, moment)
        where b.strictness = 'hard' and (
            (more_tokens > 0 and p.spent_tokens + p.reserved_tokens + more_tokens > b.token_limit)
            or (more_money > 0 and b.currency = in_currency and p.spent_money + p.reserved_money + more_money > b.money_limit)
            or (more_runs > 0 and p.spent_runs + more_runs > b.run_limit))
        order by b.id limit 1;
        if refusing is not null then
            return refusing;
        end if;
    end if;
    update budget_periods p
    set reserved_tokens = p.reserved_tokens + more_tokens, spent_tokens = p.spent_tokens + tokens,
        spent_runs = p.spent_runs + more_runs,
        reserved_money = p.reserved_money + case when b.currency = in_currency then coalesce(more_money, 0) else 0 end,
        spent_money = p.spent_money + case when b.currency = in_currency then coalesce(money, 0) else 0 end
    from budgets_of(of_org, of_agent, in_conversation) b
    where p.budget_id = b.id and p.begins_at = period_begin(b.period, moment);
    update budget_periods p set warned_at = moment
    from budgets_of(of_org, of_agent, in_conversation) b
    where p.budget_id = b.id and p.begins_at = period_begin(b.period, moment) and p.warned_at is null
      and b.strictness = 'soft'
      and (p.spent_money >= b.money_limit or p.spent_tokens >= b.token_limit or p.spent_runs >= b.run_limit);
    if found then
        perform pg_notify('crewhall_budgets', of_org::text);
    end if;
    return null;
end $$;

-- Counts a run that its first attempt begins, once; the caller has just claimed it. Returns the budget that refuses it.
create function admit_run(of_run uuid, moment timestamptz) returns uuid language plpgsql volatile as $$
declare
    r runs;
    refusing uuid;
begin
    select * into strict r from runs where id = of_run;
    refusing := book_spending(r.org_id, r.agent_id, r.conversation_id, moment, null, 0, 0, 0, 0, 1, true);
    if refusing is null then
        perform meter_usage(r.org_id, r.agent_id, r.conversation_id, moment, null, 1, 0, 0, 0, 0, 0);
    end if;
    return refusing;
end $$;

-- Gives back what is reserved for a run: for one request, or for all of them. The caller has locked the run.
create function release_spending(of_run uuid, of_key text) returns integer language plpgsql volatile as $$
declare
    s budget_reservations;
    released integer := 0;
begin
    for s in
        delete from budget_reservations b where b.run_id = of_run and (of_key is null or b.key = of_key) returning b.*
    loop
        perform book_spending(s.org_id, s.agent_id, s.conversation_id, s.made_at, s.currency, -s.money, -s.tokens, 0, 0, 0,
                              false);
        released := released + 1;
    end loop;
    return released;
end $$;

-- Holds what one request may cost at most, before it is made: `reserved`; `refused` with the budget that has no room for it;
-- `fenced` where another attempt has taken the run over. The run is locked first, then the budgets. A run keeps its price.
create function reserve_spending(of_run uuid, of_attempt integer, as_key text, by_provider text, by_model text,
                                 input bigint, output bigint, moment timestamptz)
returns table (outcome text, budget_id uuid) language plpgsql volatile as $$
declare
    r runs;
    price model_prices;
    most numeric;
    refusing uuid;
begin
    select * into r from runs x where x.id = of_run and x.attempt = of_attempt and x.status = 'running' for no key update;
    if not found then
        return query select 'fenced', null::uuid;
        return;
    end if;
    perform release_spending(of_run, as_key);
    if r.price_id is not null and r.model = by_provider || ':' || by_model then
        select * into price from model_prices p where p.id = r.price_id;
    else
        select * into price from price_of(by_provider, by_model, moment);
    end if;
    most := cost_of(price, input, 0, output);
    refusing := book_spending(r.org_id, r.agent_id, r.conversation_id, moment, price.currency, most, input + output, 0, 0, 0,
                              true);
    if refusing is not null then
        return query select 'refused', refusing;
        return;
    end if;
    insert into budget_reservations (run_id, key, org_id, agent_id, conversation_id, attempt, price_id, currency, money, tokens,
                                     made_at)
    values (of_run, as_key, r.org_id, r.agent_id, r.conversation_id, of_attempt, price.id, price.currency, most,
            input + output, moment);
    if r.price_id is distinct from price.id or r.model is distinct from by_provider || ':' || by_model then
        update runs set price_id = price.id, model = by_provider || ':' || by_model where id = of_run;
    end if;
    return query select 'reserved', null::uuid;
end $$;

-- Books what a request took in the place of what was held for it, and meters it, in the period in which it began. No row
-- where another attempt has taken the run over. `cost` is null where the price is unknown.
create function settle_spending(of_run uuid, of_attempt integer, as_key text, input bigint, cached bigint, output bigint)
returns table (cost numeric, currency text, price_id uuid) language plpgsql volatile as $$
#variable_conflict use_column
declare
    s budget_reservations;
    price model_prices;
    money numeric;
begin
    perform from runs x where x.id = of_run and x.attempt = of_attempt and x.status = 'running' for no key update;
    if not found then
        return;
    end if;
    delete from budget_reservations b where b.run_id = of_run and b.key = as_key and b.attempt = of_attempt
        returning * into s;
    if not found then
        return;
    end if;
    select * into price from model_prices p where p.id = s.price_id;
    money := cost_of(price, input, least(cached, input), output);
    perform book_spending(s.org_id, s.agent_id, s.conversation_id, s.made_at, s.currency, -s.money, -s.tokens, money,
                          input + output, 0, false);
    perform meter_usage(s.org_id, s.agent_id, s.conversation_id, s.made_at, s.currency, 0, 1, input, least(cached, input),
                        output, money);
    return query select money, s.currency, s.price_id;
end $$;

-- Opens a budget's present period with what was spent in it before, and every period for which something is reserved; or
-- counts them anew when its limits were changed, so that it may warn again. The caller holds the ledger alone.
create function open_budget(of_budget uuid, moment timestamptz) returns void language plpgsql volatile as $$
declare
    b budgets;
begin
    select * into strict b from budgets where id = of_budget;
    insert into budget_periods (budget_id, org_id, begins_at, spent_money, spent_tokens, spent_runs, reserved_money,
                                reserved_tokens)
    select b.id, b.org_id, t.begins_at, u.money, u.tokens, u.runs, h.money, h.tokens
    from (
        select period_begin(b.period, moment) as begins_at
        union
        select period_begin(b.period, s.made_at) from budget_reservations s where s.org_id = b.org_id) t
    cross join lateral (
        select coalesce(sum(k.cost) filter (where k.currency = b.currency), 0) as money,
               coalesce(sum(k.input_tokens + k.output_tokens), 0) as tokens, coalesce(sum(k.runs), 0) as runs
        from usage_buckets k
        where k.org_id = b.org_id and k.span = case b.period when 'total' then 'month' else b.period end
          and (b.period = 'total' or k.begins_at = t.begins_at)
          and (b.agent_id is null or k.agent_id = b.agent_id)
          and (b.conversation_id is null or k.conversation_id = b.conversation_id)) u
    cross join lateral (
        select coalesce(sum(s.money) filter (where s.currency = b.currency), 0) as money,
               coalesce(sum(s.tokens), 0) as tokens
        from budget_reservations s
        where s.org_id = b.org_id and period_begin(b.period, s.made_at) = t.begins_at
          and (b.agent_id is null or s.agent_id = b.agent_id)
          and (b.conversation_id is null or s.conversation_id = b.conversation_id)) h
    on conflict (budget_id, begins_at) do update
    set spent_money = excluded.spent_money, spent_tokens = excluded.spent_tokens, spent_runs = excluded.spent_runs,
        reserved_money = excluded.reserved_money, reserved_tokens = excluded.reserved_tokens, warned_at = null, told_at = null;
end $$;

-- The hard budget, if any, that leaves an agent nothing here: read before a turn is decided. What costs nothing is not held
-- up by money, what thinks elsewhere by nothing but its runs.
create function used_up_budget(of_org uuid, of_agent uuid, in_conversation uuid, by_provider text, by_model text,
                               moment timestamptz)
returns uuid language sql stable as $$
    select b.id from budgets_of(of_org, of_agent, in_conversation) b
    left join budget_periods p on p.budget_id = b.id and p.begins_at = period_begin(b.period, moment)
    where b.strictness = 'hard' and (
        coalesce(p.spent_runs, 0) >= b.run_limit
        or (by_provider is not null and coalesce(p.spent_tokens, 0) >= b.token_limit)
        or (by_provider is not null and coalesce(p.spent_money, 0) >= b.money_limit and exists (
            select from price_of(by_provider, by_model, moment) q
            where q.currency = b.currency and q.input_price + q.output_price > 0)))
    order by b.id limit 1
$$;

-- Runs that hold a reservation which is no longer theirs: they ended, or another attempt has taken over.
create function stray_reservations() returns table (org_id uuid, run_id uuid) language sql stable as $$
    select distinct s.org_id, s.run_id from budget_reservations s join runs r on r.id = s.run_id
    where r.status not in ('queued', 'running', 'waiting') or r.attempt > s.attempt
$$;
call make_definer('stray_reservations()');

-- Gives back what is held for a run that ended, or for attempts of it that another one has followed.
create function release_strays(of_run uuid) returns void language plpgsql volatile as $$
declare
    r runs;
begin
    select * into r from runs x where x.id = of_run for no key update;
    perform release_spending(of_run, s.key) from budget_reservations s
    where s.run_id = of_run and (r.status not in ('queued', 'running', 'waiting') or s.attempt < r.attempt);
end $$;

-- Organizations with a warning that was not told yet.
create function untold_warnings() returns setof uuid language sql stable as $$
    select distinct p.org_id from budget_periods p where p.warned_at is not null and p.told_at is null
$$;
call make_definer('untold_warnings()');

-- ---------------------------------------------------------------------------------------------- how often agents are asked

-- How many turns agents of a kind begin in an organization: so many a minute, of which `burst` may come at once, an hour and
-- a day. Without a row the limits of `rate_limit_of` hold.
create table rate_limits (
    org_id uuid not null references organizations,
    agent_kind text not null constraint rate_limits_agent_kind check (agent_kind in (
        'stock_analysis', 'ringi_system', 'bpp_assistant', 'generic_chat', 'custom',
        'it_support', 'sales', 'hr', 'research')),
    per_minute integer not null constraint rate_limits_per_minute check (per_minute between 1 and 1000000),
    per_hour integer not null constraint rate_limits_per_hour check (per_hour between 1 and 10000000),
    per_day integer not null constraint rate_limits_per_day check (per_day between 1 and 100000000),
    burst integer not null constraint rate_limits_burst check (burst between 1 and 1000000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (org_id, agent_kind)
);
call keep_updated_at('rate_limits');
call secure_tenant_table('rate_limits');

-- When as many turns would have begun as did if they came evenly by the minute; and how many did this hour and this day (UTC).
create table rate_levels (
    org_id uuid not null references organizations,
    agent_kind text not null,
    minute_at timestamptz not null,
    hour_begins timestamptz not null,
    hour_turns integer not null default 0,
    day_begins timestamptz not null,
    day_turns integer not null default 0,
    primary key (org_id, agent_kind)
);
call secure_tenant_table('rate_levels');

create function rate_limit_of(of_org uuid, of_kind text)
returns table (per_minute integer, per_hour integer, per_day integer, burst integer, is_default boolean)
language sql stable rows 1 as $$
    select coalesce(l.per_minute, 600), coalesce(l.per_hour, 12000), coalesce(l.per_day, 100000), coalesce(l.burst, 300),
           l.org_id is null
    from (values (of_org, of_kind)) as v (org, kind)
    left join rate_limits l on l.org_id = v.org and l.agent_kind = v.kind
$$;

-- When the next turn may begin, if not at this moment.
create function rate_opens_at(of_org uuid, of_kind text, moment timestamptz) returns timestamptz language sql stable as $$
    select nullif(greatest(
        moment, k.minute_at - (r.burst - 1) * interval '1 minute' / r.per_minute,
        case when k.hour_begins = period_begin('hour', moment) and k.hour_turns >= r.per_hour
             then k.hour_begins + interval '1 hour' end,
        case when k.day_begins = period_begin('day', moment) and k.day_turns >= r.per_day
             then k.day_begins + interval '1 day' end), moment)
    from rate_levels k cross join rate_limit_of(k.org_id, k.agent_kind) r
    where k.org_id = of_org and k.agent_kind = of_kind
$$;

-- Counts a turn that begins; or returns when it may, where it may not yet. Deciders side by side queue at the row.
create function take_rate(of_org uuid, of_agent uuid, moment timestamptz) returns timestamptz language plpgsql volatile as $$
declare
    of_kind text := (select a.kind from agents a where a.id = of_agent);
    hour timestamptz := period_begin('hour', moment);
    day timestamptz := period_begin('day', moment);
    opens timestamptz;
begin
    insert into rate_levels (org_id, agent_kind, minute_at, hour_begins, day_begins)
    values (of_org, of_kind, moment, hour, day) on conflict do nothing;
    perform from rate_levels k where k.org_id = of_org and k.agent_kind = of_kind for update;
    opens := rate_opens_at(of_org, of_kind, moment);
    if opens is not null then
        return opens;
    end if;
    update rate_levels k
    set minute_at = greatest(k.minute_at, moment) + interval '1 minute' / r.per_minute,
        hour_turns = case when k.hour_begins = hour then k.hour_turns + 1 else 1 end, hour_begins = hour,
        day_turns = case when k.day_begins = day then k.day_turns + 1 else 1 end, day_begins = day
    from rate_limit_of(of_org, of_kind) r
    where k.org_id = of_org and k.agent_kind = of_kind;
    return null;
end $$;

-- Under another limit the minute begins anew, and what waited for the one before is decided again. Locks as deciders do.
create function reconsider_rates() returns trigger language plpgsql as $$
declare
    of_org uuid := coalesce(new.org_id, old.org_id);
    of_kind text := coalesce(new.agent_kind, old.agent_kind);
    shards text;
begin
    with again as (
        update turn_triggers t set due_at = now() from agents a
        where a.id = t.agent_id and a.org_id = of_org and a.kind = of_kind and t.waits_for = 'rate'
        returning shard_of(t.conversation_id) as shard
    )
    select string_agg(distinct g.shard::text, ',') into shards from again g;
    update rate_levels k set minute_at = now() where k.org_id = of_org and k.agent_kind = of_kind;
    if shards is not null then
        perform pg_notify('crewhall_triggers', shards);
    end if;
    return null;
end $$;
create trigger reconsider after insert or update or delete on rate_limits for each row execute function reconsider_rates();
