"""What turns of agents cost a post that no agent is asked by."""

from collections.abc import Sequence

from bench.ground import Ground
from bench.rows.posts import CONNECTIONS, Posts
from bench.rows.row import Scale
from bench.table import Figure, Target

TAX = 1.05
"""What one measurement differs from the next by; more would be a price."""


class Unasked:
    """Posts in a conversation without agents, on a server that follows the log for turns and on one that does not."""

    name = "unasked"
    ground, floor_ground = "fresh", "unfollowed"
    figures: Sequence[Figure] = (
        Figure(
            "cpu",
            f"server and database CPU per post without agents, {CONNECTIONS} connections",
            "ms",
            Target(floor_times=TAX),
            floor_key="cpu",
        ),
        Figure("rate", "… posts", "/s", floor_key="rate"),
    )

    def __init__(self) -> None:
        self._posts = Posts(1)

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Open the channels; let both post for a moment."""
        for one in (ground, floor_ground):
            await one.channels("posts", 1)
            await self._posts.load(one, scale.seconds / 2)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Post where turns are followed."""
        return await self._posts.product(ground, scale)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Post where they are not."""
        return await self._posts.product(ground, scale)
