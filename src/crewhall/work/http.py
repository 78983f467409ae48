"""Projects and tasks over HTTP."""

from crewhall.work import http_projects, http_tasks

ROUTERS = [*http_projects.ROUTERS, *http_tasks.ROUTERS]
