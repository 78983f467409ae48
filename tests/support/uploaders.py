"""Somebody who uploads files and posts them, whatever happens to servers and disk; and whether they are whole."""

import asyncio
import hashlib
import random

import httpx

from tests.support.history import History, Kept
from tests.support.waiting import PATIENCE
from tests.support.writers import PASSING, HttpWriter, Place, Post, Somebody

LARGEST = 60_000
BETWEEN_S = 0.2
"""Files come less often than words."""
FULL = "storage_full"


class Uploader(HttpWriter):
    """Uploads one file after the other, and posts each that was taken in a message of its own."""

    def __init__(self, name: str, author: Somebody, conversation: str, place: Place, history: History, seed: int):
        super().__init__(name, author, [conversation], "", place, history)
        self._conversation = conversation
        self._random = random.Random(seed)

    async def run(self, enough: asyncio.Event) -> None:
        """Upload until told."""
        async with self._api() as api:
            while not enough.is_set():
                await self.server.serving.wait()
                if kept := await self._upload(api):
                    self.history.kept.append(kept)
                    number = len(self.history.kept)
                    content = f"{self.name} attaches {number}"
                    await self._post(api, Post(self._conversation, f"{self.name}-{number}", content, (kept.id,)))
                await asyncio.sleep(BETWEEN_S)

    async def _upload(self, api: httpx.AsyncClient) -> Kept | None:
        """Send a file of random bytes; None where it was not taken, or nobody knows whether it was."""
        data = self._random.randbytes(self._random.randint(1, LARGEST))
        try:
            answer = await api.post(
                f"/conversations/{self._conversation}/files", params={"name": "noise.bin"}, content=data
            )
        except httpx.TransportError:
            return None
        if answer.is_success:
            return Kept(answer.json()["id"], hashlib.sha256(data).hexdigest())
        code = answer.json()["code"]
        self.history.not_kept[code] += 1
        if code != FULL and answer.status_code not in PASSING:
            self.history.refusals.append(f"a file of {len(data)} bytes was refused: {answer.text}")
        return None


async def torn_files(history: History, place: Place, token: str) -> list[str]:
    """Files that were acknowledged and are not there whole."""
    found = []
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"{place.url}/api/v1", headers=headers, timeout=30 * PATIENCE, verify=False
    ) as api:
        for kept in history.kept:
            answer = await api.get(f"/files/{kept.id}/content")
            digest = hashlib.sha256(answer.content).hexdigest()
            if not answer.is_success or digest != kept.sha256:
                found.append(f"file {kept.id} was taken, and is {answer.status_code} with {len(answer.content)} bytes")
    return found
