"""How posting, history and search change with what there is: more messages, more conversations."""

from collections.abc import Sequence

from bench.dataset import CONVERSATIONS, MIDDLING, many_conversations
from bench.ground import Ground
from bench.load.http import percentile
from bench.rows.history import any_page, newest_page
from bench.rows.posts import Posts
from bench.rows.row import SMALL, Scale
from bench.rows.search import search_latencies
from bench.table import Figure, Target

WITHIN = 1.3
SEARCH_WITHIN = 3.0


class Growth:
    """Here the floor is Crewhall itself on the small data set: the ratio is the growth."""

    name = "growth"
    ground, floor_ground = "data", "small"

    def __init__(self) -> None:
        rate = Target(floor_share=1 / WITHIN)
        self._posts = Posts(1)
        self.figures: Sequence[Figure] = (
            Figure("posts", f"growth: posts (floor: at {SMALL:,} messages)", "/s", rate, "posts"),
            Figure("history", f"growth: history, any page (floor: at {SMALL:,})", "/s", rate, "history"),
            Figure(
                "search", f"growth: search, middling word, p50 (floor: at {SMALL:,})", "ms",
                Target(floor_times=SEARCH_WITHIN), "search",
            ),
        )  # fmt: skip

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Warm both up."""
        for one, messages in ((ground, scale.messages), (floor_ground, SMALL)):
            await self._measure(one, messages, scale.seconds / 4)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Measure on the large data set."""
        return await self._measure(ground, scale.messages, scale.seconds / 2)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Measure on the small one."""
        return await self._measure(ground, SMALL, scale.seconds / 2)

    async def _measure(self, ground: Ground, messages: int, seconds: float) -> dict[str, float]:
        posted = await self._posts.load(ground, seconds)
        read = await any_page(ground, messages, seconds)
        latencies = await search_latencies(ground, MIDDLING, seconds)
        return {
            "posts": posted.per_second,
            "history": read.per_second,
            "search": percentile(latencies, 0.5) * 1000,
        }


class GrowthOfConversations:
    """As many messages in a thousand times the conversations; the floor has them in ten. Any is asked for."""

    name = "growth-conversations"
    ground, floor_ground = "many", "data"

    def __init__(self) -> None:
        rate = Target(floor_share=1 / WITHIN)
        few = f"(floor: in {CONVERSATIONS})"
        self.figures: Sequence[Figure] = (
            Figure("conversations", "growth of conversations: how many there are", "", floor_key="conversations"),
            Figure("posts", f"… posts, 64 connections {few}", "/s", rate, "posts"),
            Figure("history", f"… history, any page {few}", "/s", rate, "history"),
            Figure("newest", f"… history, newest page, any conversation {few}", "/s", floor_key="newest"),
            Figure("search", f"… search, middling word, p50 {few}", "ms", Target(floor_times=SEARCH_WITHIN), "search"),
        )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Warm both up."""
        await self._measure(ground, scale, many_conversations(scale.messages), scale.seconds / 4)
        await self._measure(floor_ground, scale, CONVERSATIONS, scale.seconds / 4)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Measure with very many."""
        return await self._measure(ground, scale, many_conversations(scale.messages), scale.seconds / 2)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Measure with ten."""
        return await self._measure(ground, scale, CONVERSATIONS, scale.seconds / 2)

    async def _measure(self, ground: Ground, scale: Scale, conversations: int, seconds: float) -> dict[str, float]:
        posted = await Posts(conversations, kind="data").load(ground, seconds)
        read = await any_page(ground, scale.messages, seconds, conversations)
        newest = await newest_page(ground, seconds, conversations)
        latencies = await search_latencies(ground, MIDDLING, seconds)
        return {
            "conversations": conversations,
            "posts": posted.per_second,
            "history": read.per_second,
            "newest": newest.per_second,
            "search": percentile(latencies, 0.5) * 1000,
        }
