-- What is shown to who runs an installation: its processes, what waits, how far followers of the log are.

-- The organization that the installation began with: its owner is who runs it, as far as pages know. Others share the
-- installation and learn nothing of it.
alter table installation add begun_with uuid;
update installation set begun_with = (select o.id from organizations o order by o.created_at, o.id limit 1)
where seeded_at is not null; -- once that one is deleted, nobody

-- What a process says of itself with each sign of life. `log_lag` and `log_stopped` are of the part of the log that it projects; no lag is
-- said by one that projects nothing, or does not know yet.
alter table processes
    add version text constraint processes_version check (length(version) between 1 and 50),
    add host text constraint processes_host check (length(host) between 1 and 255),
    add pid integer,
    add region text,
    add log_lag bigint,
    add log_stopped integer not null default 0;

-- Whether the transaction is that of the owner of the organization that the installation began with.
create function runs_installation() returns boolean language sql stable as $$
    select coalesce(current_actor_type() = 'user' and current_actor_role() = 'owner' and current_behalf() is null
                    and (select i.begun_with from installation i) = any (current_orgs()), false)
$$;
call make_definer('runs_installation()');

-- What waits for a process, of all organizations, counted up to `most`; nothing for who does not run it.
create function installation_queues(most integer) returns table (name text, waiting bigint) language sql stable as $$
    select q.name, q.waiting from (
        select 'turns', count(*) from (select from procrastinate_jobs j where j.status = 'todo' limit least(most, 10001)) t
        union all
        select 'documents', count(*) from (select from documents d where d.look_at is not null limit least(most, 10001)) d
        union all
        select 'github', count(*) from (select from github_deliveries g where g.look_at is not null limit least(most, 10001)) g
        union all
        select 'imports', count(*) from (select from imports i where i.look_at is not null limit least(most, 10001)) i
    ) q (name, waiting) where (select runs_installation())
$$;
call make_definer('installation_queues(integer)');

-- Conversations at Kafka, of all organizations, counted up to `most`: those that take messages there, those whose topics are being
-- made, filled or deleted, and records that the database refused; nothing for who does not run it.
create function installation_topics(most integer) returns table (ready bigint, unsettled bigint, refused bigint)
language sql stable as $$
    select (select count(*) from (select from log_topics t where t.state = 'ready' limit least(most, 10001)) t),
           (select count(*) from (select from log_topics t where t.state <> 'ready' limit least(most, 10001)) t),
           (select count(*) from (select from log_refusals r limit least(most, 10001)) r)
    where (select runs_installation())
$$;
call make_definer('installation_topics(integer)');
