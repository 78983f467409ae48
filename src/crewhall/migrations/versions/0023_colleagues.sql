-- Agents as colleagues: what each thought with over time, and a search that knows capabilities.

-- ---------------------------------------------------------------------------------------------- versions

-- What an agent thinks with from a moment on. Whoever may not read its instructions is shown the row without them.
create table agent_versions (
    id uuid primary key,
    org_id uuid not null,
    agent_id uuid not null,
    version text not null,
    instructions text,
    model_config jsonb not null default '{}',
    tools jsonb not null default '[]',
    created_at timestamptz not null default now(),
    created_by uuid,
    foreign key (org_id, agent_id) references agents (org_id, id)
);
create index agent_versions_agent on agent_versions (org_id, agent_id, id desc);
call secure_tenant_table('agent_versions');
call make_append_only('agent_versions');

-- Of agents that are there already only the present version is known; its id is older than that of any later one.
insert into agent_versions (id, org_id, agent_id, version, instructions, model_config, tools, created_at, created_by)
select id, org_id, id, version, instructions, model_config, tools, updated_at, updated_by from agents;

-- ---------------------------------------------------------------------------------------------- directory

-- As before (0003); words that are a capability find who has it.
create or replace function search_agents(query text, wanted text[]) returns setof uuid
    language plpgsql stable set plan_cache_mode = force_custom_plan as $$
declare
    words tsquery := (select to_tsquery('english', string_agg(
        '''' || replace(replace(word, '\', '\\'), '''', '''''') || ''':*', ' & '))
        from regexp_split_to_table(btrim(query), '\s+') as word where word <> '');
    piece text := '%' || replace(replace(replace(btrim(query), '\', '\\'), '%', '\%'), '_', '\_') || '%';
    named text[] := array[lower(btrim(query))];
begin
    if query is null then
        return query select a.id from agents a
            where a.capabilities @> wanted
              and a.org_id = any (current_orgs()) and a.deleted_at is null and may_see_agent(a);
    else
        return query select a.id from agents a
            where (a.search @@ words or a.name ilike piece or a.capabilities @> named)
              and (wanted is null or a.capabilities @> wanted)
              and a.org_id = any (current_orgs()) and a.deleted_at is null and may_see_agent(a);
    end if;
end $$;
call make_definer('search_agents(text, text[])');
