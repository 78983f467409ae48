"""The command line as a process of its own, with a configuration folder of its own."""

import asyncio
import contextlib
import functools
import io
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from crewhall.faces.cli.app import app
from crewhall.faces.cli.failures import report
from tests.identity.hall import PASSWORD, Org
from tests.support.database import discard
from tests.support.server import Server, token_of
from tests.support.waiting import in_time

PROGRAM = Path(sys.executable).with_name("crewhall")


@dataclass
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


class Cli:
    """Runs `crewhall`; `env` is what it sees beside the ordinary environment."""

    def __init__(self, folder: Path, server: str, **env: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CREWHALL_")}
        self.env = {
            **kept,
            "XDG_CONFIG_HOME": str(folder / "config"),
            "CREWHALL_HOME": str(folder / "home"),
            "CREWHALL_URL": server,
            **env,
        }

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Start a command without waiting for it."""
        return await asyncio.create_subprocess_exec(
            str(PROGRAM),
            *words,
            env=self.env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    def quick(self) -> "QuickCli":
        """The same commands without a process, by the environment of this one."""
        quick = QuickCli(self.folder, "")
        quick.env = self.env
        return quick

    async def run(self, *words: str, stdin: str = "") -> Result:
        """Run a command to its end."""
        process = await self.start(*words)
        out, err = await in_time(process.communicate(stdin.encode()), 40)
        return Result(process.returncode or 0, out.decode(), err.decode())

    async def ok(self, *words: str, stdin: str = "") -> Any:
        """Run a command that must go well, with `--json`; give what it printed."""
        result = await self.run(*words, "--json", stdin=stdin)
        assert result.code == 0, result.err
        return result.json


class QuickCli(Cli):
    """The same commands in this process: starting an interpreter for each takes longer than what they do."""

    async def run(self, *words: str, stdin: str = "") -> Result:
        return await asyncio.to_thread(self.run_now, *words, stdin=stdin)

    def run_now(self, *words: str, stdin: str = "") -> Result:
        """The same, where nothing is awaited."""
        unseen = {name: None for name in os.environ if name.startswith("CREWHALL_")}
        result = CliRunner(env={**unseen, **self.env}).invoke(app, list(words), input=stdin)
        if result.exception is None or isinstance(result.exception, SystemExit):
            return Result(result.exit_code, result.stdout, result.stderr)
        with contextlib.redirect_stderr(io.StringIO()) as err, pytest.raises(SystemExit) as left:
            report(cast("Exception", result.exception))
        return Result(int(str(left.value.code)), result.stdout, result.stderr + err.getvalue())


@pytest.fixture(scope="session", autouse=True)
def commands_once() -> Iterator[None]:
    """All commands are put together once, not for each run of one: that takes longer than many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", functools.cache(get_command))
        yield


@pytest.fixture
def cli(tmp_path: Path, server: Server) -> Cli:
    """A command line that nobody has signed in with."""
    return QuickCli(tmp_path, server.address)


@pytest.fixture
async def owner(tmp_path: Path, server: Server, org: Org) -> Cli:
    """A command line signed in as the organization's owner, by token."""
    return QuickCli(tmp_path, server.address, CREWHALL_TOKEN=token_of(org.owner.api))


@pytest.fixture
async def signed_in(cli: Cli, org: Org) -> Cli:
    """A command line signed in as the owner, by password."""
    result = await cli.run("login", "--email", org.owner.email, "--password-stdin", stdin=PASSWORD + "\n")
    assert result.code == 0, result.err
    return cli


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cli]:
    """A data folder of its own, with an owner."""
    # Of the quick ones: pytest's stays.
    monkeypatch.setattr("crewhall.main.serving.configure_logging", lambda settings: None)
    cli = Cli(tmp_path, "", CREWHALL_OWNER_EMAIL="ada@example.org", CREWHALL_OWNER_PASSWORD="correct horse battery")
    del cli.env["CREWHALL_URL"]
    yield cli
    if (tmp_path / "home").exists():
        await cli.quick().run("stop")
        discard(tmp_path / "home")


@pytest.fixture
def configured(tmp_path: Path) -> Cli:
    """The same, for commands that start nothing."""
    cli = QuickCli(
        tmp_path, "", CREWHALL_OWNER_EMAIL="ada@example.org", CREWHALL_OWNER_PASSWORD="correct horse battery"
    )
    del cli.env["CREWHALL_URL"]
    return cli
