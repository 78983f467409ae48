-- Agents: who sees which, presence, search, lookup of keys before the tenant is known.

-- Who may see an agent: the one rule that lists and single reads share. Owners and admins see all; other people see public
-- agents and their own; an agent sees itself and public ones, a project's agent only those of its project.
create function may_see_agent(a agents) returns boolean language sql stable as $$
    select case
        when current_actor_role() in ('owner', 'admin') then true
        when current_actor_type() = 'agent' then a.id = current_actor() or (a.visibility = 'public' and exists (
            select from agents me where me.id = current_actor() and me.org_id = a.org_id
               and (me.level = 'organization' or me.project_id = a.project_id)))
        else a.visibility = 'public' or a.owner_user_id = current_actor()
    end
$$;

-- A heartbeat is good until `presence_until`; then the agent is offline, whatever it last said.
create function presence_of(a agents) returns text language sql stable as $$
    select case when a.presence_until > now() then a.presence else 'offline' end
$$;

-- Agents as they are read: presence as of now, the conversation that each serves, whether the actor may see it.
create view agent_details with (security_invoker = true) as
select a.id, a.code, a.name, a.description, a.role_title, a.icon_url, a.kind, a.level, a.project_id, a.status,
       a.trust_score::float8 as trust_score, presence_of(a) as presence, a.last_heartbeat_at, a.capabilities, a.visibility,
       a.owner_user_id, a.parent_agent_id, a.version, a.created_at, a.updated_at, a.instructions, a.public_key,
       a.model_config, a.tools, a.embedding_model, a.rag_enabled, a.scheduling_config, a.topic, a.settings, a.metadata,
       a.created_by, a.updated_by, may_see_agent(a) as visible,
       (select c.id from conversations c where c.org_id = a.org_id and c.owner_agent_id = a.id and c.kind = 'agent'
           and c.deleted_at is null) as inbox_id
from agents a
where a.org_id = any (current_orgs()) and a.deleted_at is null;
grant select on agent_details to crewhall_app, crewhall_read;

-- Agents that match words (each the beginning of a word, or a piece of the name) and hold all wanted capabilities; either
-- argument may be null. GIN indexes are out of reach under row-level security, so this filters by the scope itself.
create function search_agents(query text, wanted text[]) returns setof uuid
    language plpgsql stable set plan_cache_mode = force_custom_plan as $$
declare
    words tsquery := (select to_tsquery('english', string_agg(
        '''' || replace(replace(word, '\', '\\'), '''', '''''') || ''':*', ' & '))
        from regexp_split_to_table(btrim(query), '\s+') as word where word <> '');
    piece text := '%' || replace(replace(replace(btrim(query), '\', '\\'), '%', '\%'), '_', '\_') || '%';
begin
    if query is null then
        return query select a.id from agents a
            where a.capabilities @> wanted
              and a.org_id = any (current_orgs()) and a.deleted_at is null and may_see_agent(a);
    else
        return query select a.id from agents a
            where (a.search @@ words or a.name ilike piece) and (wanted is null or a.capabilities @> wanted)
              and a.org_id = any (current_orgs()) and a.deleted_at is null and may_see_agent(a);
    end if;
end $$;
call make_definer('search_agents(text, text[])');

-- Before the tenant is known: ids and hash of the key with this prefix, nothing else.
create function find_agent_key(key_prefix text)
    returns table (credential_id uuid, agent_id uuid, org_id uuid, hash text)
    language sql stable rows 1 as $$
    select c.id, c.agent_id, c.org_id, c.hash from agent_credentials c
    where c.prefix = key_prefix and c.type = 'api_key' and c.deleted_at is null
$$;
call make_definer('find_agent_key(text)');

-- What verifies a key is read through the function above only, and never by the reading role.
revoke select on agent_credentials from crewhall_app, crewhall_read;
grant select (id, org_id, agent_id, type, label, prefix, is_active, expires_at, last_used_at, rotated_from, created_at,
              updated_at, created_by, updated_by, deleted_at) on agent_credentials to crewhall_app, crewhall_read;

-- Credentials as they are read: a key past its expiry is inactive, whatever its row says.
create view credential_details with (security_invoker = true) as
select c.id, c.agent_id, c.type, c.label, c.prefix, c.expires_at, c.last_used_at, c.rotated_from, c.created_at,
       c.updated_at, c.created_by, c.is_active and (c.expires_at is null or c.expires_at > now()) as is_active
from agent_credentials c
where c.org_id = any (current_orgs()) and c.deleted_at is null;
grant select on credential_details to crewhall_app, crewhall_read;
