"""SIGKILL at every step of a turn that is asked elsewhere: it is answered once, and asked under one id."""

import asyncio
import contextlib
from collections import Counter

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crewhall.faces.http.server import address_of, bind
from crewhall.kernel.actor import Actor
from crewhall.runtime.answers import take_answer
from crewhall.runtime.schemas_runtimes import RunAnswer
from tests.taking.dying import Mortals
from tests.taking.webhooks import Elsewhere, serve

ANSWER = "A heron."
KINDS = ["context", "call", "result", "answer", "post"]


class Receiver:
    """An agent's program: it answers at once, or says 202 and answers by itself."""

    def __init__(self, hall, *, is_late):
        self.hall, self.is_late = hall, is_late
        self.agent: Actor | None = None
        self.asked = Counter()
        self.answering = set()

    async def __aenter__(self):
        listener = bind("127.0.0.1", 0)
        self.url = address_of(listener, "127.0.0.1") + "/"
        app = Starlette(routes=[Route("/", self._hear, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
        self._task = asyncio.create_task(self._server._serve([listener]))
        return self

    async def __aexit__(self, *_):
        await asyncio.gather(*self.answering)
        self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _hear(self, request):
        data = (await request.json())["data"]
        is_first = request.headers["webhook-id"] not in self.asked
        self.asked[request.headers["webhook-id"]] += 1
        if not self.is_late:
            return JSONResponse({"content": ANSWER})
        if is_first:
            self.answering.add(asyncio.create_task(self._answer(data["run_id"])))
        return Response(status_code=202)

    async def _answer(self, run_id):
        assert self.agent is not None
        async with self.hall.db.transaction(self.agent) as tx:
            await take_answer(tx, self.agent, run_id, RunAnswer(content=ANSWER))


@pytest.mark.rule("X3")
@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("is_late", [False, True])
async def test_a_turn_asked_elsewhere_survives_a_kill_at_each_of_its_steps(hall, org, tmp_path, monkeypatch, is_late):
    async with Receiver(hall, is_late=is_late) as receiver:
        monkeypatch.setenv("CREWHALL_OUTBOUND_PRIVATE_HOSTS", receiver.url.removeprefix("http://").rstrip("/"))
        agent = receiver.agent = await hall.hire(org, model_config={})
        await serve(hall, org, agent, Elsewhere({}), receiver.url)
        circle = await hall.group(org, agent)
        async with Mortals(hall.url, "http://unused", tmp_path / "called") as mortals:
            moment = 0
            ended = "killed"
            while ended == "killed":
                moment += 1
                await hall.say(org.owner.actor, circle, f"hello @{agent.name}")
                asked = await hall.decided(org, circle, agent)
                ended = await mortals.take(org.id, asked.run_id, moment)
                if ended == "killed":
                    assert await mortals.take(org.id, asked.run_id, 0) == "done"
                run = await asked.run()
                assert (run.status, run.reason) == ("succeeded", "answered"), moment
                assert await asked.kinds() == KINDS
                assert await asked.answers() == [ANSWER] * moment
                assert await asked.notices() == []
                assert 1 <= receiver.asked[f"run_{run.id}"] <= 2
            assert moment > 2 * len(KINDS)
