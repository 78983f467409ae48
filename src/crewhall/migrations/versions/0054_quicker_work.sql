-- The next task in one trip to the database; pages of the timeline by two filters that seldom meet.

-- ---------------------------------------------------------------------------------------------- tasks

-- Takes the most urgent task that is free or the actor's own, and starts it; of the project alone where one is wanted, and of
-- its own alone for an agent of a project. Gives no row where nothing is to be taken. What another takes at this moment is passed
-- over. By its indexes it looks at what it takes and at what others hold, however many tasks there are: the actor's own is the
-- bound for what is free.
create function take_next_task(wanted uuid) returns table (id uuid, before text) language plpgsql
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    org constant uuid := (current_orgs())[1];
    me constant uuid := current_actor();
    is_agent constant boolean := current_actor_type() = 'agent';
    reach constant uuid[] := case when current_behalf() is not null then array(select readable_projects()) end;
    careful boolean := false;
    place uuid := wanted;
    mine record;
    free record;
    chosen uuid; -- in the update's own words (coalesce) it might leak, and the policy would come before the index
begin
    if is_agent then
        select a.status = 'probation', coalesce(wanted, a.project_id) into careful, place
        from agents a where a.org_id = org and a.id = me;
        select t.id, t.status, t.priority, coalesce(t.deadline, 'infinity') as due into mine from tasks t
        where t.org_id = org and t.assigned_agent_id = me and t.status = 'assigned' and t.deleted_at is null
          and t.waits_for = 0 and not t.is_on_hold and not (careful and t.priority = 'P0')
          and (place is null or t.project_id = place) and (reach is null or t.project_id = any (reach))
        order by t.priority, t.deadline, t.id limit 1 for update skip locked;
    else
        select t.id, t.status, t.priority, coalesce(t.deadline, 'infinity') as due into mine from tasks t
        where t.org_id = org and t.assigned_user_id = me and t.status = 'assigned' and t.deleted_at is null
          and t.waits_for = 0 and not t.is_on_hold and (place is null or t.project_id = place)
        order by t.priority, t.deadline, t.id limit 1 for update skip locked;
    end if;
    if mine.id is null then
        select null::uuid as id, 'assigned' as status, 'P9' as priority, timestamptz 'infinity' as due into mine;
    end if;
    if place is null then
        select t.id, t.status into free from tasks t
        where t.org_id = org and t.status = 'backlog' and t.waits_for = 0 and not t.is_on_hold and t.deleted_at is null
          and (t.priority, t.deadline) < (mine.priority, mine.due)
          and not (careful and t.priority = 'P0') and (reach is null or t.project_id = any (reach))
        order by t.priority, t.deadline, t.id limit 1 for update skip locked;
    else
        select t.id, t.status into free from tasks t
        where t.org_id = org and t.project_id = place and t.status = 'backlog' and t.waits_for = 0 and not t.is_on_hold
          and t.deleted_at is null and (t.priority, t.deadline) < (mine.priority, mine.due)
          and not (careful and t.priority = 'P0') and (reach is null or t.project_id = any (reach))
        order by t.priority, t.deadline, t.id limit 1 for update skip locked;
    end if;
    chosen := coalesce(free.id, mine.id);
    return query update tasks t set status = 'in_progress', version = t.version + 1, updated_by = me,
        assigned_agent_id = case when is_agent then me end, assigned_user_id = case when not is_agent then me end
    where t.id = chosen and t.org_id = org
    returning t.id, coalesce(free.status, mine.status);
end $$;
grant execute on function take_next_task(uuid) to crewhall_app;

-- ---------------------------------------------------------------------------------------------- timeline

-- One kind of event of somebody, or of a project: where the two seldom meet, neither index alone finds the page soon.
create index events_by_author_and_type on events (org_id, author_id, type, "timestamp", id) where author_id is not null;
create index events_by_project_and_type on events (org_id, project_id, type, "timestamp", id) where project_id is not null;

-- The newest thousand are looked at before the index of mentions, labels or words is asked: what one in twenty has is found there.
do $$
declare
    is_now text := pg_get_functiondef(
        'timeline_events(text[], uuid, uuid, uuid, uuid, uuid, uuid, jsonb, timestamptz, timestamptz, timestamptz, uuid, boolean, integer, text)'
        ::regprocedure);
begin
    if position('offset 1999 limit 1' in is_now) = 0 or position(' limit 2000) e' in is_now) = 0 then
        raise exception 'timeline_events does not read as it was written';
    end if;
    execute replace(replace(is_now, 'offset 1999 limit 1', 'offset 999 limit 1'), ' limit 2000) e', ' limit 1000) e');
end $$;
