"""Files that Slack still gives at the addresses of an export: from Slack's host alone, over https, within limits."""

import asyncio
import logging

from crewhall.imports.slack import FILES_HOST
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Outbound

log = logging.getLogger(__name__)
MIB = 1024 * 1024
OK, TOO_MANY = 200, 429
ATTEMPTS = 2
MOST_REFUSALS = 20
PAUSE_S = 5.0
LONGEST_S = 30.0
"""A file, and a pause before it is asked for again, take so long at most: less than an import may be silent."""
SIGN_IN_PAGE = "text/html"
"""What Slack answers where the word in an address is good no more."""


class SlackFiles:
    """Fetches files, each within so many MiB. Once Slack has refused many in a row, no more are asked for."""

    def __init__(self, most_mb: int) -> None:
        self._outbound = Outbound(most_bytes=most_mb * MIB, time_s=LONGEST_S)
        self._refusals = 0

    async def fetch(self, address: str) -> bytes | None:
        """The bytes at an address; None where there are none to be had, or too many."""
        if self._refusals >= MOST_REFUSALS:
            return None
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._outbound.request(
                    "GET", address, hosts=(FILES_HOST,), wants=lambda kind: kind != SIGN_IN_PAGE
                )
            except CrewhallError as error:
                log.info("a file was not fetched", extra={"reason": error.detail})
                break
            if answer.status == OK and answer.body and not answer.is_cut:
                self._refusals = 0
                return answer.body
            if answer.status != TOO_MANY or attempt == ATTEMPTS - 1:
                break
            asked = answer.headers.get("retry-after", "")
            await asyncio.sleep(min(float(asked) if asked.isdigit() else PAUSE_S, LONGEST_S))
        self._refusals += 1
        return None
