"""The units: their syntax, and how exposed they leave a machine, as systemd itself judges it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY

UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
WORST = 30
"""Of a hundred, by `systemd-analyze security`: it calls 50 exposed, 30 is where its good ones begin."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing (Debian: apt-get install systemd)"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with programs of this machine in the place of those of the installed one."""
    for path in UNITS:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"/opt/crewhall/\.venv/bin/\w+", sys.executable, text)
        (tmp_path / path.name.replace("@.", "@8787.")).write_text(text)
    return tmp_path


@needs_systemd
def test_systemd_understands_every_unit(units: Path):
    said = analyze("verify", "--man=no", "--recursive-errors=no", *map(str, sorted(units.iterdir())))
    assert [line for line in said.stderr.splitlines() if str(units) in line or ".service:" in line] == []
    (units / "crewhall.service").write_text((units / "crewhall.service").read_text().replace("Restart=", "Restrat="))
    assert "Restrat" in analyze("verify", "--man=no", "--recursive-errors=no", str(units / "crewhall.service")).stderr


@needs_systemd
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_can_do_little_besides_its_work(units: Path, path: Path):
    unit = units / path.name.replace("@.", "@8787.")
    judged = analyze("security", "--offline=yes", f"--threshold={WORST}", "--no-pager", str(unit))
    assert judged.returncode == 0, judged.stdout[-400:] + judged.stderr


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_runs_as_nobody_in_particular_and_writes_to_its_own_folder(path: Path):
    text = path.read_text(encoding="utf-8")
    assert "User=crewhall\n" in text
    assert "ProtectSystem=strict\n" in text
    folder = re.search(r"^StateDirectory=(\S+)$", text, re.MULTILINE)
    assert folder is not None
    homes = re.findall(r"/var/lib/(\S+)", text)
    assert set(homes) == {folder[1]}
