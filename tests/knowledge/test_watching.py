"""Watched folders: what changes is read within moments; what cannot be watched says so and is read as before."""

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncinotify
import pytest

from crewhall.kernel.signals import Signals
from crewhall.knowledge import KnowledgeParts
from crewhall.knowledge.sources import run, tree, watching
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.tree import LOST, Trees
from crewhall.knowledge.sources.watching import FolderWatch
from tests.identity.hall import Org
from tests.knowledge.source_ground import Synced
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until


class Folder:
    """A source of the type `folder`, as its owner sees it."""

    def __init__(self, org: Org, base: str) -> None:
        self.api, self.base = org.owner.api, base

    async def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.api.get(self.base)).raise_for_status().json()
        return found

    async def has(self, *names: str) -> None:
        """Wait until it holds these, and nothing else."""

        async def is_so() -> bool:
            items = (await self.api.get(f"{self.base}/items")).raise_for_status().json()["items"]
            return {one["key"] for one in items} == set(names)

        await until(is_so)

    async def told(self, **wanted: Any) -> dict[str, Any]:
        """Wait until it is shown so."""

        async def is_so() -> dict[str, Any] | None:
            found = await self.shown()
            return found if all(found[name] == value for name, value in wanted.items()) else None

        return await until(is_so)


@pytest.mark.rule("B3")
async def test_what_changes_in_a_watched_folder_is_read(
    cluster: SharedCluster, worker_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "handbook"
    (root / ".git").mkdir(parents=True)
    (root / "a.md").write_text("# A\n\nThe red lever.")
    monkeypatch.setenv("CREWHALL_SOURCE_FOLDERS", f"handbook={root}")
    for module in (run, watching):
        monkeypatch.setattr(module, "APART", timedelta(0))
    monkeypatch.setattr(watching, "FIRST_RETRY_S", 0.2)
    async with Server(cluster.clone(f"watching_{worker_id}")) as server:
        org = await server.make_org()
        agent = (await org.owner.api.post("/agents", json={"name": "Scout"})).raise_for_status().json()["id"]
        base, config = f"/agents/{agent}/knowledge", {"patterns": ["*.md"]}
        body = {"type": "folder", "path": "handbook", "config": config}
        made = (await org.owner.api.post(base, json=body)).raise_for_status().json()
        folder = Folder(org, f"{base}/{made['id']}")
        await folder.has("a.md")
        watch = server.services.part(KnowledgeParts).folders
        await until(lambda: _async(any(one.tree for one in watch._watched.values())))
        (root / "b.md").write_text("# B")
        (root / "no.bin").write_bytes(b"x")
        await folder.has("a.md", "b.md")
        (root / "new" / "deeper").mkdir(parents=True)
        (root / "new" / "deeper" / "c.md").write_text("# C")
        await folder.has("a.md", "b.md", "new/deeper/c.md")
        (root / "b.md").unlink()
        await folder.has("a.md", "new/deeper/c.md")
        (root / "new").rename(root / "moved")
        await folder.has("a.md", "moved/deeper/c.md")
        (root / "moved" / "deeper" / "d.md").write_text("# D")
        await folder.has("a.md", "moved/deeper/c.md", "moved/deeper/d.md")

        root.rename(tmp_path / "away")
        gone = await folder.told(state="failed", failure="This folder is not there.")
        assert gone["item_count"] == 3, "what it had stays"
        assert (await until(lambda: _failure(folder))).startswith("This folder is not there. It is read when asked")
        (tmp_path / "away").rename(root)
        await folder.told(state="synced", watch_failure=None)
        (root / "e.md").write_text("# E")
        await folder.has("a.md", "moved/deeper/c.md", "moved/deeper/d.md", "e.md")

        change = {"config": config | {"watch": False}}
        (await org.owner.api.patch(folder.base, json=change)).raise_for_status()
        await until(lambda: _async(not watch._watched))
        assert await watch.look() is None, "nothing is tried again, and nothing waits"


async def _async(value: bool) -> bool:
    return value


async def _failure(folder: Folder) -> str | None:
    found: str | None = (await folder.shown())["watch_failure"]
    return found


@pytest.mark.parametrize("why", ["the machine's limit", "too many folders", "nobody names it"])
async def test_a_folder_that_cannot_be_watched_says_why(
    server: Server, org: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
):
    (tmp_path / "one" / "two").mkdir(parents=True)
    agent = (await org.owner.api.post("/agents", json={"name": "Scout"})).raise_for_status().json()["id"]
    source = Synced(server, org, agent, source_folders=f"shared={tmp_path}")
    assert (await source.add("folder", "shared"))["watch_failure"] is None
    signals = Signals(server.db.url)
    named = "other=/" if why == "nobody names it" else f"shared={tmp_path}"
    watch = FolderWatch(server.db, signals, SourceSettings(source_folders=named))

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if why == "the machine's limit":
        monkeypatch.setattr(asyncinotify.Inotify, "add_watch", refuse)
    elif why == "too many folders":
        monkeypatch.setattr(tree, "MOST_FOLDERS", 2)
    assert (await watch.look() or 0) > 0, "it is tried again"
    said = (await source.shown())["watch_failure"]
    words = {"the machine's limit": "max_user_watches", "too many folders": "more than 2", "nobody names it": "shared"}
    assert words[why] in said
    assert (await source.shown())["state"] == "synced", "it is read as before"
    await watch.stop()


async def test_two_sources_of_one_folder_are_both_told(tmp_path: Path):
    told: list[tuple[UUID, str | None]] = []
    trees = Trees(lambda source, path: told.append((source, path)))
    one, two = UUID(int=1), UUID(int=2)
    first, second = await trees.watch(one, tmp_path), await trees.watch(two, tmp_path)
    (tmp_path / "a.md").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    await until(lambda: _async(len(told) >= 2))
    assert set(told) == {(one, "a.md"), (two, "a.md")}
    trees.forget(first)
    told.clear()
    (tmp_path / "b.md").write_text("x")
    await until(lambda: _async(bool(told)))
    assert set(told) == {(two, "b.md")}
    told.clear()
    await asyncio.to_thread((tmp_path / "b.md").rename, tmp_path.parent / "b.md")
    await until(lambda: _async(bool(told)))
    await asyncio.to_thread(tmp_path.rename, tmp_path.parent / "elsewhere")
    await until(lambda: _async((two, LOST) in told))
    trees.forget(second)
    await trees.close()
