"""Projects, tasks, work sessions and one's day over HTTP."""

from crewhall.work import http_day, http_projects, http_sessions, http_tasks

ROUTERS = [*http_projects.ROUTERS, *http_tasks.ROUTERS, *http_sessions.ROUTERS, *http_day.ROUTERS]
