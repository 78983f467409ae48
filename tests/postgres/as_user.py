"""Run as root: becomes another user and starts a Postgres as that user would. Prints what it saw as JSON.

Everything is imported before the user changes, so that it works where that user may not read the interpreter.
"""

import json
import os
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import embedded
from crewhall.kernel.postgres.account import Account, can_reach
from crewhall.kernel.postgres.binaries import copy_binaries, wheel_binaries

uid, gid, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
binaries = wheel_binaries()
if not can_reach(binaries.folder, Account("", uid, gid)):
    binaries = copy_binaries(binaries, folder)
setattr(embedded, "wheel_binaries", lambda: binaries)  # noqa: B010 - a function in place of a cached one

os.setgroups([])
os.setgid(gid)
os.setuid(uid)
postgres = embedded.EmbeddedPostgres(folder / "own" / "home", dump_on_stop=False)
urls = postgres.start()
status = postgres.status()
with psycopg.connect(urls.app) as connection:
    user = connection.execute("select current_user").fetchone()
assert status.pid is not None
print(
    json.dumps(
        {
            "user": user and user[0],
            "uid": psutil.Process(status.pid).uids().real,
            "data": str(status.data),
            "home_mode": oct(postgres.home.stat().st_mode & 0o777),
        }
    )
)
with pytest.raises(CrewhallError, match="cannot be written by this user"):
    embedded.EmbeddedPostgres(folder).start()
postgres.release()
assert postgres.status().pid is None
