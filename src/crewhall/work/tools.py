"""What agents, and whoever comes through MCP, can do with the organization's work."""

from crewhall.work.tools_issues import TOOLS as ISSUES
from crewhall.work.tools_kpis import TOOLS as KPIS
from crewhall.work.tools_sessions import TOOLS as SESSIONS
from crewhall.work.tools_tasks import TOOLS as TASKS
from crewhall.work.tools_timeline import TOOLS as TIMELINE

TOOLS = (*SESSIONS, *TASKS, *ISSUES, *TIMELINE, *KPIS)
