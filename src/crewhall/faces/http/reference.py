"""What the API description says beside the handlers: parameters that mean the same everywhere, tags, examples."""

from typing import Any

TAGS = {
    "Auth": "Signing in and out, tokens, passwords.",
    "Me": "Whoever calls: a person or an agent, and a person's own logins.",
    "Organizations": "One organization is one tenant: nothing crosses its border.",
    "People": "Members of the organization, their roles, and invitations.",
    "Agents": "Agents, their keys and their presence.",
    "Conversations": "Channels, groups, direct conversations and inboxes, their members and messages.",
    "Files": "What people and agents attach to messages: sent up whole or in parts, downloaded whole or in part.",
    "Turns": "Why agents speak or stay silent, and the runs in which they do.",
    "Notifications": "What concerns the caller, its read state, and how a person is told of it.",
    "Approvals": "Calls of agents that wait for a person, and the policy that says when they do.",
    "Drafts": "What the caller has begun to write.",
    "Later": "What the caller is to say later.",
    "Schedules": "Tasks that agents are given by the clock.",
    "Webhooks": "Calls from other services, signed: each posts a message, wakes an agent, or both.",
    "Tool servers": "Servers elsewhere whose tools agents may use, through MCP.",
    "Budgets": "What models cost, what agents may spend, and what they spent.",
    "Imports": "Conversations of another product, looked through and taken in.",
    "Live": "Records as they are written, and what was missed.",
}

PATH_PARAMETERS = {
    "org_id": "The organization's id.",
    "person_id": "The person's id.",
    "login_id": "The login's id.",
    "invitation_id": "The invitation's id.",
    "token_id": "The personal token's id.",
    "app_id": "The id of the app that one let in.",
    "agent_id": "The agent's id.",
    "credential_id": "The credential's id.",
    "conversation_id": "The conversation's id.",
    "message_id": "The message's id.",
    "file_id": "The file's id.",
    "upload_id": "The upload's id.",
    "run_id": "The run's id.",
    "approval_id": "The approval's id.",
    "server_id": "The tool server's id.",
    "tool_name": "The tool's name, as agents list it.",
    "price_id": "The price's id.",
    "agent_kind": "The kind of agent.",
    "budget_id": "The budget's id.",
    "task_id": "The quick task's id.",
    "schedule_id": "The schedule's id.",
    "later_id": "The later message.",
    "hook_id": "The webhook's id.",
    "import_id": "The import's id.",
    "notification_id": "The notification's id.",
    "device_id": "The device's id.",
    "member_id": "The id of the person or agent.",
    "grant_id": "The grant's id.",
}

QUERY_PARAMETERS = {
    "after": "`next` of the page before.",
    "limit": "Most items on the page; 50 unless told.",
    "confirm": "The organization's slug, typed again to be sure.",
    "capability": "Only agents with this capability.",
    "kind": "Only this kind.",
    "status": "Only this status.",
    "presence": "Only this presence.",
    "visibility": "Only this visibility.",
    "agent": "Only this agent.",
    "conversation": "Only this conversation.",
    "parent": "Only replies to this message, in order.",
    "before": "Only messages before this seq.",
}
SEQ_AFTER = "Only what follows this seq; nothing does beyond the newest."
HEADER_PARAMETERS = {"Last-Event-ID": "The last seq received; browsers send it when they connect again."}

ANSWERS = {"200": "Done.", "201": "Made.", "202": "Accepted.", "204": "Done; there is nothing to show."}

GUEST_OPERATIONS = {
    "log_in",
    "refresh",
    "ask_for_reset",
    "confirm_password_reset",
    "set_up_installation",
    "accept_invitation",
    "call_hook",
}
"""Operations that nobody has to sign in for: what they take says who may."""

EXAMPLES: dict[str, Any] = {
    "Credentials": {"email": "ada@example.org", "password": "correct horse battery"},
    "NewOrganization": {"name": "Acme", "slug": "acme"},
    "NewInvitation": {"email": "grace@example.org", "role": "member"},
    "AgentInput": {"name": "Scout", "code": "scout", "role_title": "Researcher", "capabilities": ["search"]},
    "CredentialInput": {"label": "laptop", "expires_at": "2030-01-01T00:00:00Z"},
    "NewConversation": {"kind": "channel", "name": "launch", "description": "Everything about the launch."},
    "PostMessage": {"content": "**Done.** @scout, please check.", "client_id": "9f0c6b1e"},
    "EditMessage": {"content": "**Done**, all of it."},
    "ReadMark": {"seq": 42},
    "NewUpload": {"name": "report.pdf", "size": 7340032},
    "TurnRequest": {
        "agent_id": "01939b1c-0000-7000-8000-000000000001",
        "prompt": "Digest what was said here since Monday.",
    },
    "ScheduleInput": {
        "agent_id": "01939b1c-0000-7000-8000-000000000001",
        "name": "Morning round",
        "prompt": "Digest what was said here since yesterday.",
        "cron": "0 9 * * 1-5",
        "timezone": "Europe/Berlin",
    },
    "QuickTaskInput": {"title": "Open questions", "prompt": "Which questions are still open?", "icon": "❓"},
    "HookInput": {"conversation_id": "01939b1c-0000-7000-8000-000000000002", "name": "Builds"},
    "PriceInput": {"provider": "gateway", "model": "qwen3*", "input_price": "0.20", "output_price": "0.60"},
    "BudgetInput": {"period": "day", "strictness": "hard", "money_limit": "5.00", "currency": "USD"},
    "NewToolServer": {"name": "tracker", "url": "https://tracker.example.org/mcp", "token": "secret"},
    "BudgetPatch": {"money_limit": "7.50"},
    "RateInput": {"per_minute": 60, "per_hour": 1000, "per_day": 5000, "burst": 20},
    "RuntimeInput": {"base_url": "https://agents.example.org/scout"},
    "SecretRotation": {"overlap_seconds": 86400},
    "RunAnswer": {"content": "It is a heron."},
    "ForkInput": {"name": "Scout for sales"},
    "GrantInput": {"visibility": "public", "config": {"model": "small"}},
    "GrantAcceptance": {"code": "cwg_9f0c6b1e"},
    "MessageDraft": {"content": "@scout, what do you think?"},
}
