-- What is shown to who runs an installation: its processes, what waits, how far followers of the log are.

-- The organization that the installation began with: its owner is who runs it, as far as pages know. Others share the
-- installation and learn nothing of it.
alter table installation add begun_with uuid;
update installation set begun_with = (select o.id from organizations o where o.deleted_at is null order by o.created_at, o.id limit 1)
where seeded_at is not null;

-- What a process says of itself with each sign of life. `log_lag` and `log_stopped` are of the part of the log that it projects.
alter table processes
    add version text constraint processes_version check (length(version) between 1 and 50),
    add host text constraint processes_host check (length(host) between 1 and 255),
    add pid integer,
    add region text,
    add log_lag bigint not null default 0,
    add log_stopped integer not null default 0;

-- What waits for a process, of all organizations, counted up to `most`.
create function installation_queues(most integer) returns table (name text, waiting bigint) language sql stable as $$
    select 'turns', count(*) from (select from procrastinate_jobs j where j.status = 'todo' limit most) t
    union all
    select 'documents', count(*) from (select from documents d where d.look_at is not null limit most) d
    union all
    select 'github', count(*) from (select from github_deliveries g where g.look_at is not null limit most) g
    union all
    select 'imports', count(*) from (select from imports i where i.look_at is not null limit most) i
$$;
call make_definer('installation_queues(integer)');

-- The topics of conversations at Kafka, of all organizations, counted up to `most`: those that take messages, those that are being
-- made, filled or deleted, and records that the database refused.
create function installation_topics(most integer, out ready bigint, out unsettled bigint, out refused bigint)
language sql stable as $$
    select (select count(*) from (select from log_topics t where t.state = 'ready' limit most) t),
           (select count(*) from (select from log_topics t where t.state <> 'ready' limit most) t),
           (select count(*) from (select from log_refusals r limit most) r)
$$;
call make_definer('installation_topics(integer)');
