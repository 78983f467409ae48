-- What an agent keeps of a conversation that has outgrown what it may be shown; and trying an agent out.

-- ---------------------------------------------------------------------------------------------- summaries

-- The messages up to a seq in an agent's own words, made by its own model. Each extends the one before it; the
-- latest is used. An earlier one is used again when what came after it was changed. `is_whole`: nothing before `up_to_seq` was
-- left out of it.
create table conversation_summaries (
    id uuid primary key,
    org_id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    from_seq bigint not null,
    up_to_seq bigint not null constraint conversation_summaries_span check (up_to_seq >= from_seq),
    messages integer not null constraint conversation_summaries_messages check (messages > 0),
    is_whole boolean not null,
    summary text not null constraint conversation_summaries_summary check (summary <> ''),
    tokens integer not null constraint conversation_summaries_tokens check (tokens > 0),
    model text not null,
    run_id uuid not null,
    created_at timestamptz not null default now(),
    unique (conversation_id, agent_id, up_to_seq),
    foreign key (org_id, conversation_id) references conversations (org_id, id),
    foreign key (org_id, agent_id) references agents (org_id, id),
    foreign key (org_id, run_id) references runs (org_id, id)
);
create index conversation_summaries_run on conversation_summaries (org_id, run_id);
call secure_tenant_table('conversation_summaries');

-- What is edited or deleted lives on in no summary: those that reach over it go, in the same transaction.
create function drop_summaries() returns trigger language plpgsql as $$
begin
    delete from conversation_summaries s using message_records r
    where r.id = new.message_id and s.conversation_id = new.conversation_id and s.up_to_seq >= r.seq;
    return null;
end $$;
create trigger summaries_on_change after update on message_overlays for each row
    when (old.deleted_at is distinct from new.deleted_at or old.edit_count <> new.edit_count)
    execute function drop_summaries();
create trigger summaries_on_insert after insert on message_overlays for each row
    when (new.deleted_at is not null or new.edit_count > 0)
    execute function drop_summaries();

alter table run_steps drop constraint run_steps_kind;
alter table run_steps add constraint run_steps_kind check (kind in (
    'context', 'summary', 'request', 'answer', 'call', 'result', 'approval', 'failure', 'post'));

-- ---------------------------------------------------------------------------------------------- trying an agent out

-- A try is a run that no job takes: the process that was asked takes it, and nobody takes it over.
alter table runs drop constraint runs_cause;
alter table runs add constraint runs_cause check (cause in (
    'mention', 'reply', 'direct', 'auto', 'quick_task', 'run_now', 'schedule', 'webhook', 'api', 'try'));
alter table turn_triggers drop constraint turn_triggers_cause;
alter table turn_triggers add constraint turn_triggers_cause check (cause in (
    'mention', 'reply', 'direct', 'auto', 'quick_task', 'run_now', 'schedule', 'webhook', 'api', 'try'));

create or replace function stray_runs(older_than interval)
returns table (org_id uuid, run_id uuid, conversation_id uuid, agent_id uuid) language sql stable as $$
    select r.org_id, r.id, r.conversation_id, r.agent_id from runs r
    where r.status in ('queued', 'running') and r.updated_at < now() - older_than and r.cause <> 'try'
      and not exists (
          select from procrastinate_jobs j where j.args ->> 'run_id' = r.id::text and j.status in ('todo', 'doing'))
$$;
call make_definer('stray_runs(interval)');

-- Ends tries that died with their process.
create function end_forgotten_tries(older_than interval) returns void language sql volatile as $$
    update runs r set status = 'failed', reason = 'crashed', completed_at = now()
    where r.cause = 'try' and r.status in ('queued', 'running') and r.waits = 0 and r.updated_at < now() - older_than
$$;
call make_definer('end_forgotten_tries(interval)');

-- Whether agents of this installation have thought here in its last runs, in any organization: then a new process gets ready to.
create function takes_turns() returns boolean language sql stable as $$
    select exists (
        select from (select x.is_remote, x.created_at from runs x order by x.id desc limit 1000) r
        where not r.is_remote and r.created_at > now() - interval '7 days')
$$;
call make_definer('takes_turns()');

-- Whether turns are under way or wait to be taken, or somebody's part in one, or money is held for one: then some process
-- looks after them. Otherwise none need.
create index runs_under_way on runs (id) where status in ('queued', 'running');
create function turns_left() returns boolean language sql stable as $$
    select exists (select from procrastinate_jobs j where j.status in ('todo', 'doing'))
        or exists (select from runs r where r.status in ('queued', 'running'))
        or exists (select from outside_calls k where k.result is null)
        or exists (select from budget_reservations s)
$$;
call make_definer('turns_left()');
