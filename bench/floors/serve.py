"""Serves the floors in one process, on the same server as Crewhall: `python -m bench.floors.serve`.

The database's address comes in BENCH_DATABASE_URL: a superuser's, past row-level security. With
BENCH_KAFKA_BOOTSTRAP there are the floors of Kafka besides.
"""

import asyncio
import os
import signal
import socket

import uvicorn
import uvloop

from bench.floors.asgi import Application, Receive, Scope, Send
from bench.floors.broadcast import Broadcast
from bench.floors.history import History
from bench.floors.kept import Kept
from bench.floors.posts import Posts


async def run(database_url: str, bootstrap: str | None) -> None:
    """Serve until told to stop."""
    posts, history, broadcast, kept = Posts(database_url), History(database_url), Broadcast(), Kept()
    await posts.start()
    await history.start()

    async def turns(scope: Scope, receive: Receive, send: Send) -> None:
        if "turn" not in routes:
            from bench.floors.turns import Turns  # imports what thinks, which only this floor needs

            made = Turns(database_url, posts, broadcast)
            await made.start()
            routes["turn"] = made
        await routes["turn"](scope, receive, send)

    routes: dict[str, Application] = {
        "turns": turns,
        "posts": posts.framework,
        "bare-posts": posts.bare,
        "history": history,
        "newest": history.newest,
        "broadcast": broadcast,
        "live": broadcast.listen,
        "keep": kept.keep,
        "kept": kept,
    }
    if bootstrap:
        routes |= await _kafka(database_url, bootstrap)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await routes[scope["path"].split("/", 2)[1]](scope, receive, send)

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, loop="none", http="httptools", ws="websockets-sansio", ws_per_message_deflate=False,
        lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False, backlog=2048,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    print(f"READY http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await serving


async def _kafka(database_url: str, bootstrap: str) -> dict[str, Application]:
    from bench.floors.produce import Produce  # imports what speaks with Kafka, which no other floor needs
    from bench.floors.project import Project

    produce = Produce(bootstrap)
    await produce.start()
    return {"produced": produce.framework, "producing": produce, "project": Project(bootstrap, database_url)}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    uvloop.run(run(os.environ["BENCH_DATABASE_URL"], os.environ.get("BENCH_KAFKA_BOOTSTRAP")))
