"""Every page: the static files and the pages of each domain."""

from litestar.types import ControllerRouterHandler

import crewhall.agents.pages as agents
import crewhall.conversations.pages as conversations
import crewhall.governance.pages as governance
import crewhall.identity.pages as identity
import crewhall.imports.pages as imports
import crewhall.knowledge.pages as documents
import crewhall.knowledge.pages_lent as lent
import crewhall.knowledge.pages_search as knowledge_search
import crewhall.knowledge.pages_sources as sources
import crewhall.knowledge.pages_status as knowledge_status
import crewhall.knowledge.pages_wiki as wiki
import crewhall.notifications.pages as notifications
import crewhall.runtime.pages as runtime
import crewhall.runtime.pages_approvals as approvals
import crewhall.runtime.pages_causes as causes
import crewhall.runtime.pages_help as handbook
import crewhall.runtime.pages_run_now as run_now
import crewhall.runtime.pages_runtimes as runtimes
import crewhall.runtime.pages_summaries as summaries
import crewhall.runtime.pages_tool_servers as tool_servers
import crewhall.runtime.pages_topics as at_kafka
import crewhall.work.pages_day as day
import crewhall.work.pages_github as github
import crewhall.work.pages_kpis as kpis
import crewhall.work.pages_sessions as sessions
import crewhall.work.pages_tasks as work
import crewhall.work.pages_timeline as timeline
from crewhall.faces.plumbing.assets import serve_asset, serve_worker

PAGES: list[ControllerRouterHandler] = [
    serve_asset, serve_worker, identity.PAGES, agents.PAGES, conversations.PAGES, notifications.PAGES, governance.PAGES,
    runtime.PAGES, approvals.PAGES, handbook.PAGES, *causes.PAGES, runtimes.PAGES, at_kafka.PAGES, tool_servers.PAGES,
    github.PAGES, summaries.PAGES, run_now.PAGES, imports.PAGES, wiki.PAGES, documents.PAGES, sources.PAGES, lent.PAGES,
    knowledge_search.PAGES, knowledge_status.PAGES, work.PAGES, timeline.PAGES, kpis.PAGES, sessions.PAGES,
    day.PAGES,
]  # fmt: skip
