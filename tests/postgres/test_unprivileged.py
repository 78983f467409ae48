"""An ordinary user needs nothing from root: the same start, with the data in the home."""

import json
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.postgres.conftest import needs_root


@needs_root
def test_an_ordinary_user_starts_it_in_the_home() -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="crewhall-test-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        own = folder / "own"
        own.mkdir(mode=0o700)
        os.chown(own, nobody.pw_uid, nobody.pw_gid)
        script = Path(__file__).with_name("as_user.py")
        done = subprocess.run(
            [sys.executable, str(script), str(nobody.pw_uid), str(nobody.pw_gid), str(folder)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {
            "user": "crewhall_app",
            "uid": nobody.pw_uid,
            "data": str(own / "home" / "postgres"),
            "home_mode": "0o700",
        }
