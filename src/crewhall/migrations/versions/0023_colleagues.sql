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

-- ---------------------------------------------------------------------------------------------- lending

-- An agent lent to another organization. There a stand-in of its own (`borrowed_agent_id`) follows the agent, but for what
-- the grant overrides: who sees it, and keys of its model's configuration. Both organizations see the row; it is the lender's.
-- `digest` is of the code with which the other side accepts, until `expires_at`.
create table agent_grants (
    id uuid primary key,
    org_id uuid not null references organizations,
    agent_id uuid not null,
    lender_name text not null,
    borrower_org_id uuid references organizations,
    borrower_name text,
    borrowed_agent_id uuid,
    visibility text constraint agent_grants_visibility check (visibility in ('public', 'private', 'hidden')),
    config jsonb not null default '{}',
    digest bytea not null unique,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    constraint agent_grants_elsewhere check (borrower_org_id <> org_id),
    constraint agent_grants_accepted check ((accepted_at is null) = (borrowed_agent_id is null)),
    foreign key (org_id, agent_id) references agents (org_id, id),
    foreign key (borrower_org_id, borrowed_agent_id) references agents (org_id, id)
);
create index agent_grants_org on agent_grants (org_id, id desc);
create index agent_grants_agent on agent_grants (agent_id);
create index agent_grants_borrower on agent_grants (borrower_org_id, id desc) where borrower_org_id is not null;
create unique index agent_grants_borrowed on agent_grants (borrowed_agent_id) where borrowed_agent_id is not null;
call keep_updated_at('agent_grants');
call secure_table('agent_grants', 'org_id = any (current_orgs()) or borrower_org_id = any (current_orgs())',
                  'org_id = any (current_orgs())');
revoke delete on agent_grants from crewhall_app;  -- the borrower sees the row, and nobody takes it away

-- Before the two organizations know of each other: which grant a code opens, nothing else.
create function find_grant(code_digest bytea) returns table (grant_id uuid, org_id uuid)
    language sql stable rows 1 as $$
    select g.id, g.org_id from agent_grants g join organizations o on o.id = g.org_id and o.deleted_at is null
    where g.digest = code_digest and g.accepted_at is null and g.ended_at is null and g.expires_at > now()
$$;
call make_definer('find_grant(bytea)');

-- A change that leaves the code as it is takes no name (0007): an agent and the one that stands in for it elsewhere often have
-- the same, and whoever changes both would wait for who changes one.
drop trigger names_code on agents;
create trigger names_code before insert on agents for each row
    when (new.deleted_at is null) execute function refuse_code_of_member();
create trigger names_code_changed before update of code, deleted_at on agents for each row
    when (new.deleted_at is null and (new.code <> old.code or old.deleted_at is not null))
    execute function refuse_code_of_member();
