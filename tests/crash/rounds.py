"""One round: what runs on a site under load is killed, and brought back."""

import contextlib
import signal

import psutil

from tests.support.load import Load


async def kill_on(load: Load, how: str) -> None:
    """Let it run for a random while, kill, and bring back what was killed."""
    await load.progress(load.random.randint(1, 400))
    server = load.site.server
    match how:
        case "server":
            await server.kill()
        case "start":
            await server.kill()
            server.launch()
            assert not await server.ended_within(load.random.uniform(0, 1.5)), server.log.read_text()[-3000:]
            await server.kill()
        case "postgres":
            _kill(load.site.postmaster())
            await server.ended_within(load.random.uniform(0, 0.2))
            await server.kill()
        case "postmaster":
            _kill(load.site.postmaster())
            await load.progress(200)
            return
        case "backend":
            _kill(_backend(load))
            await load.progress(200)
            return
    await server.start()


def _backend(load: Load) -> psutil.Process | None:
    """One of the database's connections of the server process."""
    postmaster = load.site.postmaster()
    assert postmaster is not None
    children = postmaster.children()
    backends = [child for child in children if "crewhall_app" in " ".join(child.cmdline())]
    return load.random.choice(backends) if backends else None


def _kill(process: psutil.Process | None) -> None:
    if process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
