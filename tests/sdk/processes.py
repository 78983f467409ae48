"""Agents that run as processes of their own."""

import asyncio
import os
import sys
from pathlib import Path

from tests.support.waiting import bounded

ROOT = Path(__file__).resolve().parents[2]
AGENTS = Path(__file__).parent / "agents"
EXAMPLES = ROOT / "examples"


class AgentProcesses:
    """Starts agent files; remembers them so that none outlives its test."""

    def __init__(self) -> None:
        self.started: list[asyncio.subprocess.Process] = []

    async def start(self, file: Path, url: str, key: str, **env: str) -> asyncio.subprocess.Process:
        """Start an agent and wait until it says that it listens."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(file),
            env={**os.environ, "CREWHALL_URL": url, "CREWHALL_AGENT_KEY": key, **env},
            stderr=asyncio.subprocess.PIPE,
        )
        self.started.append(process)
        assert process.stderr is not None
        async with bounded(20):
            while b"listening as" not in (line := await process.stderr.readline()):
                assert line, "the agent ended before it listened"
        self._draining = asyncio.create_task(process.stderr.read())
        return process

    async def kill_all(self) -> None:
        """Kill what still runs."""
        for process in self.started:
            if process.returncode is None:
                process.kill()
            await process.wait()
