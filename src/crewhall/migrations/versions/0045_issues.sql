-- GitHub's issues become tasks: who is who there, which project a repository is of, which pull requests a task has.

-- ---------------------------------------------------------------------------------------------- who is who

-- What somebody is called at GitHub. An agent says so of itself alone in an organization; people say it of themselves.
alter table agents add column github_login text
    constraint agents_github_login check (github_login ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$');
create unique index agents_github_login_key on agents (org_id, lower(github_login))
    where github_login is not null and deleted_at is null;
alter table users add column github_login text
    constraint users_github_login check (github_login ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$');

create or replace view agent_details with (security_invoker = true) as
select a.id, a.code, a.name, a.description, a.role_title, a.icon_url, a.kind, a.level, a.project_id, a.status,
       a.trust_score::float8 as trust_score, presence_of(a) as presence, a.last_heartbeat_at, a.capabilities, a.visibility,
       a.owner_user_id, a.parent_agent_id, a.version, a.created_at, a.updated_at, a.instructions, a.public_key,
       a.model_config, a.tools, a.embedding_model, a.rag_enabled, a.scheduling_config, a.topic, a.settings, a.metadata,
       a.created_by, a.updated_by, may_see_agent(a) as visible,
       (select c.id from conversations c where c.org_id = a.org_id and c.owner_agent_id = a.id and c.kind = 'agent'
           and c.deleted_at is null) as inbox_id,
       a.github_login
from agents a
where a.org_id = any (current_orgs()) and a.deleted_at is null;
