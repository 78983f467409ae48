"""Trees of folders that the system tells of, by one inotify for the whole process: no thread waits, nothing is polled.

Hidden folders and those behind links are not watched, as they are not read.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from crewhall.kernel.ending import end_tasks
from crewhall.knowledge.sources.folders import MOST_DEPTH
from crewhall.knowledge.sources.reading import SOURCE_REFUSED

if TYPE_CHECKING:
    from asyncinotify import Event, Inotify, Watch

MOST_FOLDERS = 10_000
"""Folders below one source that are watched."""
LOST: Final = "\0"
"""Told in place of a path: the folder itself is gone, or was moved."""
Told = Callable[[UUID, str | None], None]


@dataclass(eq=False)
class Tree:
    """A folder that is watched with what is below it, for a source. `places`: paths below it, by watch."""

    source_id: UUID
    start: Path
    places: "dict[Watch, str]" = field(default_factory=dict)


class Trees:
    """The trees of one process."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._inotify: Inotify | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._holding: dict[Watch, set[Tree]] = {}
        self._growing: set[asyncio.Task[None]] = set()

    async def watch(self, source_id: UUID, start: Path) -> Tree:
        """Watch a folder and what is below it. Raises SOURCE_REFUSED (too much), OSError, ImportError (no inotify)."""
        if self._inotify is None:
            self._inotify = await asyncio.to_thread(_open)
            self._hearing = asyncio.create_task(self._hear(self._inotify), name="inotify")
        tree = Tree(source_id, start)
        try:
            await asyncio.to_thread(self._add, self._inotify, tree, "")
        except BaseException:
            self.forget(tree)
            raise
        return tree

    def forget(self, tree: Tree) -> None:
        """Watch a tree no more."""
        for watch in list(tree.places):
            self._drop(tree, watch)

    async def close(self) -> None:
        """Watch nothing any more."""
        await end_tasks([*self._growing, *([self._hearing] if self._hearing else [])])
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _add(self, inotify: "Inotify", tree: Tree, below: str) -> None:
        """Watch a folder, then see what is in it: nothing comes unseen between the two. In a thread."""
        from asyncinotify import Mask

        mask = (
            Mask.CLOSE_WRITE | Mask.CREATE | Mask.DELETE | Mask.MOVED_FROM | Mask.MOVED_TO | Mask.DELETE_SELF
            | Mask.MOVE_SELF | Mask.ONLYDIR | Mask.DONT_FOLLOW
        )  # fmt: skip
        waiting = [below]
        while waiting:
            place = waiting.pop()
            try:
                watch = inotify.add_watch(tree.start / place, mask)
                inside = sorted(one.name for one in os.scandir(tree.start / place) if one.is_dir(follow_symlinks=False))
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                if not place:
                    raise
                continue  # gone meanwhile, or closed to us: it is not read, either
            self._holding.setdefault(watch, set()).add(tree)
            tree.places[watch] = place
            if len(tree.places) > MOST_FOLDERS:
                raise SOURCE_REFUSED(f"There are more than {MOST_FOLDERS:,} folders in it to watch.")
            if place.count("/") + 1 < MOST_DEPTH:
                waiting += [f"{place}/{name}" if place else name for name in inside if not name.startswith(".")]

    def _drop(self, tree: Tree, watch: "Watch") -> None:
        tree.places.pop(watch, None)
        trees = self._holding.get(watch, set())
        trees.discard(tree)
        if not trees and self._holding.pop(watch, None) is not None and self._inotify is not None:
            try:
                self._inotify.rm_watch(watch)
            except OSError:
                return  # the system let go of it by itself

    async def _hear(self, inotify: "Inotify") -> None:
        from asyncinotify import Mask

        async for event in inotify:
            if Mask.Q_OVERFLOW in event.mask or (event.watch is None and Mask.IGNORED not in event.mask):
                for source_id in {tree.source_id for trees in list(self._holding.values()) for tree in trees}:
                    self._tell(source_id, None)
                continue
            if (watch := event.watch) is not None:
                for tree in list(self._holding.get(watch, ())):
                    self._heard(inotify, tree, watch, event)

    def _heard(self, inotify: "Inotify", tree: Tree, watch: "Watch", event: "Event") -> None:
        from asyncinotify import Mask

        place, mask = tree.places.get(watch), event.mask
        if place is None:
            return
        if mask & (Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.UNMOUNT | Mask.IGNORED):
            if place == "":
                self._tell(tree.source_id, LOST)
            elif mask & Mask.IGNORED:
                self._drop(tree, watch)
            return
        name = str(event.name)
        path = f"{place}/{name}" if place else name
        if name.startswith("."):
            return
        if mask & Mask.ISDIR:
            self._turned(inotify, tree, path, is_there=bool(mask & (Mask.CREATE | Mask.MOVED_TO)))
        elif not mask & Mask.CREATE:  # one that is created is told of once it is written
            self._tell(tree.source_id, path)

    def _turned(self, inotify: "Inotify", tree: Tree, path: str, *, is_there: bool) -> None:
        """A folder came, or went with all that is below it."""
        for watch in [one for one, place in list(tree.places.items()) if place == path or place.startswith(f"{path}/")]:
            self._drop(tree, watch)
        if is_there and path.count("/") + 1 < MOST_DEPTH:
            task = asyncio.create_task(self._grow(inotify, tree, path))
            self._growing.add(task)
            task.add_done_callback(self._growing.discard)
        else:
            self._tell(tree.source_id, None)

    async def _grow(self, inotify: "Inotify", tree: Tree, path: str) -> None:
        """Watch a folder that came; where that cannot be, the tree is begun anew, which says why."""
        try:
            await asyncio.to_thread(self._add, inotify, tree, path)
        except Exception:  # noqa: BLE001 - whatever it was, it is found again and said by who watches the tree anew
            self._tell(tree.source_id, LOST)
        else:
            self._tell(tree.source_id, None)


def _open() -> "Inotify":
    """An inotify. The library asks for the system's as it is imported: a moment, and only where folders are watched."""
    from asyncinotify import Inotify

    return Inotify(cache_size=64)
