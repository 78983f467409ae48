"""What a turn of an agent costs around its model, and what agents that are speaking cost the posts beside them."""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import httpx
import websockets

from bench.ground import TIMEOUT_S, Ground, json_body
from bench.load.http import percentile, post_request
from bench.load.live import MARK, STAMP_LENGTH, Crowd, stamp
from bench.load.pace import Pacer
from bench.rows.fanout import hear, subscription
from bench.rows.row import Scale
from bench.table import Figure, Target
from crewhall.agents import AgentKind

CODE = "bench"
SPEAKING = 200
WORDS_PER_SECOND = 10
"""What a person reads; models write two or three times as fast."""
POSTS_PER_SECOND = 200
BUSY = 20
PLACES = 20
"""Channels that turns are taken in: what an agent reads back in each stays short."""
PAUSE_S = 0.05
"""Between an answer and the next question: more than what follows the log gathers for (runtime/lifecycle.py)."""
WARM_TURNS = 25
TAX = 1.1


async def agent_of(ground: Ground) -> str:
    """The id of the agent that thinks with the bench's model, made when it is first asked for."""
    found = (await ground.api.get("/agents", params={"q": CODE})).raise_for_status().json()["items"]
    if found:
        return str(found[0]["id"])
    config = {"provider": "bench", "model": "x", "max_tokens": 100}
    often = dict.fromkeys(("per_minute", "per_hour", "per_day", "burst"), 1_000_000)
    for kind in AgentKind:
        (await ground.api.put(f"/rate-limits/{kind}", json=often)).raise_for_status()
    made = await ground.post("/agents", {"name": CODE, "code": CODE, "model_config": config})
    return str(made["id"])


class TurnOverhead:
    """One turn after the other. The floor is the same request made of the model by a bare client."""

    name = "turn"
    ground = floor_ground = "turns"
    figures: Sequence[Figure] = (
        Figure(
            "turn", "a turn: post acknowledged to model call, and last word to the message at a listener: p50", "ms",
            Target(at_most=15), "turn",
        ),
        Figure("turn_p99", "… p99", "ms", Target(at_most=50), "turn_p99"),
        Figure("turn", "… against a bare program that records as many steps, with the same library: p50", "ms",
               floor_key="recorded"),
        Figure("turn_p99", "… p99 against it", "ms", floor_key="recorded_p99"),
        Figure("whole", "… with the post itself, from the client's first byte: p50", "ms", floor_key="recorded_whole"),
        Figure("after", "… of which behind the model's last word, p50", "ms", floor_key="after"),
    )  # fmt: skip

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Make the agent, and let it take its first turns: they import what thinks."""
        await self._turns(ground, scale, WARM_TURNS)
        await self.floor(ground, scale)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Take turns."""
        return await self._turns(ground, scale, None)

    async def _turns(self, ground: Ground, scale: Scale, count: int | None) -> dict[str, float]:
        await agent_of(ground)
        channels = await ground.channels("turns", PLACES)
        await _delays(ground)
        posts: list[float] = []
        after: list[float] = []
        address = ground.address.replace("http", "ws", 1) + "/api/v1/live"
        async with websockets.connect(address, additional_headers=ground.headers) as socket:
            for one in channels:
                await socket.send(subscription(one))
            place = itertools.cycle(channels)
            ends = asyncio.get_running_loop().time() + scale.seconds
            while len(after) < (count or 10) or (count is None and asyncio.get_running_loop().time() < ends):
                content = f"@{CODE} {stamp()}"
                await ground.post(f"/conversations/{next(place)}/messages", {"content": content})
                posts.append(_since(content))
                after.append(await asyncio.wait_for(_answered(socket), TIMEOUT_S))
                await asyncio.sleep(PAUSE_S)
        return _figures(posts, await _delays(ground), after)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Call the model; and let the bare program of the floors take turns."""
        return await self._call(ground, scale) | await self._record(ground, scale)

    async def _record(self, ground: Ground, scale: Scale) -> dict[str, float]:
        floors = await ground.floors()
        posts: list[float] = []
        after: list[float] = []
        async with (
            websockets.connect(floors.address.replace("http", "ws", 1) + "/live/turns") as socket,
            httpx.AsyncClient(base_url=floors.address, timeout=TIMEOUT_S) as client,
        ):
            for _ in range(WARM_TURNS):
                await _take_bare(client, socket, ground.model.address)
            await _delays(ground)
            ends = asyncio.get_running_loop().time() + scale.seconds
            while len(after) < 10 or asyncio.get_running_loop().time() < ends:
                post, answer = await _take_bare(client, socket, ground.model.address)
                posts.append(post)
                after.append(answer)
                await asyncio.sleep(PAUSE_S)
        found = _figures(posts, await _delays(ground), after)
        return {"recorded": found["turn"], "recorded_p99": found["turn_p99"], "recorded_whole": found["whole"]}

    async def _call(self, ground: Ground, scale: Scale) -> dict[str, float]:
        await _delays(ground)
        after: list[float] = []
        async with httpx.AsyncClient(base_url=ground.model.address, timeout=TIMEOUT_S) as client:
            ends = asyncio.get_running_loop().time() + scale.seconds / 2
            while len(after) < 10 or asyncio.get_running_loop().time() < ends:
                asked = {"messages": [{"role": "user", "content": stamp()}], "stream": True}
                async with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
                    after += [_since(line) async for line in answer.aiter_lines() if MARK.decode() in line]
        return _figures([0.0] * len(after), await _delays(ground), after)


class Speaking:
    """200 posts a second among busy channels, with and without 200 agents that speak in channels of their own."""

    name = "speaking"
    ground = floor_ground = "turns"
    figures: Sequence[Figure] = (
        Figure(
            "tax", f"busy delivery p50 beside {SPEAKING} agents that stream ÷ without", "×", Target(at_most=TAX)
        ),
        Figure("p50", f"{POSTS_PER_SECOND} posts a second beside {SPEAKING} agents that stream: p50", "ms"),
        Figure("p99", "… p99", "ms"),
    )  # fmt: skip

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Open the channels; let the agent take a first turn."""
        await ground.channels("busy", BUSY)
        await ground.channels("speaking", SPEAKING)
        await TurnOverhead().prepare(ground, floor_ground, scale)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Post without them, let them speak, and post beside them."""
        busy, quiet = await ground.channels("busy", BUSY), await ground.channels("speaking", SPEAKING)
        agent = await agent_of(ground)
        crowd = Crowd(ground.address, "/api/v1/live", ground.headers)
        place = itertools.cycle(busy)

        def request(_i: int) -> bytes:
            body = json_body({"content": f"{stamp()} {'x' * 80}"})
            return post_request(f"/api/v1/conversations/{next(place)}/messages", ground.headers, body)

        pacer = Pacer(ground.address, request)
        async with AsyncExitStack() as stack:
            stack.callback(crowd.close)
            stack.callback(pacer.close)
            await crowd.open(BUSY, lambda i: subscription(busy[i]))
            await hear(crowd, pacer, POSTS_PER_SECOND, 0.5, hearers=1)
            before = await hear(crowd, pacer, POSTS_PER_SECOND, scale.seconds, hearers=1)
            task = f"pace={WORDS_PER_SECOND}x{int(3 * scale.seconds) + 10}"
            for one in quiet:
                await ground.post(f"/conversations/{one}/turns", {"agent_id": agent, "prompt": task})
            await _all_speak(ground, len(quiet))
            beside = await hear(crowd, pacer, POSTS_PER_SECOND, scale.seconds, hearers=1)
            still = await _under_way(ground)
            await _all_speak(ground, 0)
        if still < len(quiet):
            raise TimeoutError(f"only {still} of {len(quiet)} agents spoke to the end of the measurement")
        return {
            "tax": percentile(beside, 0.5) / percentile(before, 0.5),
            "p50": percentile(beside, 0.5) * 1000,
            "p99": percentile(beside, 0.99) * 1000,
        }

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """None: the product without speakers is the yardstick."""
        return {}


async def _take_bare(client: httpx.AsyncClient, socket: websockets.ClientConnection, model: str) -> tuple[float, float]:
    """One turn of the bare program; gives the seconds of its post, and from the model's last word to the listener."""
    content = stamp()
    (await client.post("/turns", json={"content": content, "model": model})).raise_for_status()
    post = _since(content)
    return post, _since(json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT_S))["content"])


async def _all_speak(ground: Ground, count: int) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while await _under_way(ground) != count:
            await asyncio.sleep(0.25)


async def _under_way(ground: Ground) -> int:
    async with httpx.AsyncClient(base_url=ground.model.address) as client:
        return int((await client.get("/streams")).json())


async def _delays(ground: Ground) -> list[float]:
    async with httpx.AsyncClient(base_url=ground.model.address) as client:
        found: list[float] = (await client.get("/delays")).json()
        return found


async def _answered(socket: websockets.ClientConnection) -> float:
    """Seconds from the model's last word until the answer came as a message."""
    async for text in socket:
        record = json.loads(text).get("record")
        if record and record["type"] == "message" and record["author"]["type"] == "agent":
            return _since(record["content"])
    raise ConnectionError("the live socket was closed")


def _since(text: str) -> float:
    at = text.index(MARK.decode()) + len(MARK)
    return time.perf_counter() - float(text[at : at + STAMP_LENGTH])


def _figures(posts: list[float], before: list[float], after: list[float]) -> dict[str, float]:
    """Milliseconds, of what each turn's post took, how long after its stamp the model heard, and what was left then.

    A model that hears before the client has its acknowledgement has been waited for no time at all.
    """
    turns = [max(one - post, 0) + other for post, one, other in zip(posts, before, after, strict=True)]
    whole = [one + other for one, other in zip(before, after, strict=True)]
    return {
        "turn": percentile(turns, 0.5) * 1000,
        "turn_p99": percentile(turns, 0.99) * 1000,
        "whole": percentile(whole, 0.5) * 1000,
        "after": percentile(after, 0.5) * 1000,
    }
