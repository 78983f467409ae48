"""Operations upon projects and tasks: who may use them, and what there must be for that."""

from typing import Any

import httpx

from crewhall.identity.permissions import Permission

PATHS = ("/projects", "/tasks")
SLUG = "tried-project"
RIGHTS: dict[str, Permission | frozenset[str]] = {
    **dict.fromkeys(
        (
            "list_projects", "show_project", "show_project_by_slug", "list_project_members", "show_board", "list_tasks",
            "list_labels", "show_task", "show_task_by_number", "show_task_on_github",
        ),
        Permission.ORGANIZATION_READ,
    ),
    "create_project": Permission.PROJECTS_CREATE,
    **dict.fromkeys(
        (
            "change_project", "archive_project", "restore_project", "delete_project", "add_project_member",
            "remove_project_member",
        ),
        Permission.PROJECTS_UPDATE,
    ),
    **dict.fromkeys(
        (
            "create_task", "take_next_task", "change_tasks", "change_task", "add_dependency", "remove_dependency",
            "make_issue_of_task", "send_earlier_comments", "link_pull_request", "unlink_pull_request",
        ),
        Permission.TASKS_WRITE,
    ),
    "comment_task": Permission.MESSAGES_POST,
    **dict.fromkeys(("delete_task", "restore_task"), Permission.TASKS_DELETE),
}  # fmt: skip
"""The owner began the project that is tried."""


async def project(owner: httpx.AsyncClient) -> dict[str, str]:
    """A project with two tasks, and one to take; returns what paths then name."""
    made = (await owner.post("/projects", json={"name": "Tried", "slug": SLUG})).raise_for_status().json()
    one, two, _third = [
        (await owner.post("/tasks", json={"project_id": made["id"], "title": title})).raise_for_status().json()
        for title in ("One", "Two", "Three")
    ]
    return {
        "project_id": made["id"], "slug": SLUG, "task_id": one["id"], "other_id": two["id"], "number": "1",
    }  # fmt: skip


def bodies(of: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What operations take that change it."""
    return {
        "create_project": {"name": "Another"},
        "change_project": {"description": "hello"},
        "create_task": {"project_id": of["project_id"], "title": "Another"},
        "change_tasks": {"tasks": [of["task_id"]], "change": {"labels": ["tried"]}},
        "take_next_task": {},
        "change_task": {"description": "hello"},
        "comment_task": {"content": "hello"},
        "link_pull_request": {"url": "octo/hall#1"},
    }
