"""Operations upon the wiki: who may use them, and what there must be for that."""

from typing import Any

import httpx

from crewhall.identity.permissions import Permission

READING = (
    "list_entries", "list_categories", "list_open_versions", "list_entry_versions", "read_entry", "read_entry_by_slug",
    "get_version", "get_differences",
)  # fmt: skip
AUTHOR = frozenset({"owner"})
"""The owner wrote the version that is tried."""
RIGHTS: dict[str, Permission | frozenset[str]] = {
    **dict.fromkeys(READING, Permission.ORGANIZATION_READ),
    **dict.fromkeys(("write_entry", "edit_entry", "roll_back_entry"), Permission.WIKI_PROPOSE),
    **dict.fromkeys(("propose_version", "withdraw_version", "drop_version"), AUTHOR),
    **dict.fromkeys(
        ("approve_version", "reject_version", "move_entry", "archive_entry", "restore_entry", "list_archived_entries"),
        Permission.WIKI_DECIDE,
    ),
}


async def entry(owner: httpx.AsyncClient) -> dict[str, str]:
    """Write an entry that everybody reads; returns what paths then name."""
    written = (await owner.post("/wiki", json={"title": "Tried", "content": "hello"})).raise_for_status().json()
    made = (await owner.post(f"/wiki/versions/{written['id']}/approve", json={})).raise_for_status().json()
    return {"entry_id": made["entry_id"], "version_id": made["id"], "slug": made["slug"]}


def bodies(of: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What operations take that change it."""
    return {
        "write_entry": {"title": "Another", "content": "hello"},
        "edit_entry": {"version_id": of["version_id"], "content": "hello again"},
        "roll_back_entry": {"version_id": of["version_id"]},
    }
