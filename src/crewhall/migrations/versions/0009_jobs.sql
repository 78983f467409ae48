-- procrastinate's tables are the application's to use; they hold ids alone, what these name is behind row-level security.

comment on table procrastinate_jobs is 'no-rls: jobs waiting or under way, ids of runs alone, no tenant data';
comment on table procrastinate_events is 'no-rls: when jobs were queued, begun and ended, no tenant data';
comment on table procrastinate_workers is 'no-rls: which processes take jobs and when each was last heard of, no tenant data';
comment on table procrastinate_periodic_defers is 'no-rls: when repeated jobs were last queued, no tenant data';
grant select, insert, update, delete
    on procrastinate_jobs, procrastinate_events, procrastinate_workers, procrastinate_periodic_defers to crewhall_app;
grant usage on sequence procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_periodic_defers_id_seq
    to crewhall_app;
grant select on procrastinate_jobs to crewhall_definer;

-- Finds a run's open job.
create index jobs_of_runs on procrastinate_jobs ((args ->> 'run_id')) where status in ('todo', 'doing');

-- Open runs whose job is lost: a worker that was thought dead finished the job that had been handed on, and its heir died.
create function stray_runs(older_than interval)
returns table (org_id uuid, run_id uuid, conversation_id uuid, agent_id uuid) language sql stable as $$
    select r.org_id, r.id, r.conversation_id, r.agent_id from runs r
    where r.status in ('queued', 'running') and r.updated_at < now() - older_than
      and not exists (
          select from procrastinate_jobs j where j.args ->> 'run_id' = r.id::text and j.status in ('todo', 'doing'))
$$;
call make_definer('stray_runs(interval)');
