"""The Containerfile: what its linter says, and that what it copies is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.deploy.files import DEPLOY

CONTAINERFILE = DEPLOY / "Containerfile"
LINTER = Path(sys.executable).with_name("hadolint")


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINTER, "--no-color", path], capture_output=True, text=True, check=False, timeout=60)


def test_the_linter_has_nothing_to_say():
    found = lint(CONTAINERFILE)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_linter_would_say_it(tmp_path: Path):
    wrong = tmp_path / "Containerfile"
    wrong.write_text(CONTAINERFILE.read_text().replace("WORKDIR /opt/crewhall", "WORKDIR opt"))
    assert "DL3000" in lint(wrong).stdout


def instructions(word: str) -> list[str]:
    text = CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.removeprefix(word).strip() for line in text.splitlines() if line.startswith(f"{word} ")]


def test_what_it_copies_is_in_the_checkout_and_let_through():
    copied = [given.split() for given in instructions("COPY") if not given.startswith("--from")]
    sources = {source for *given, _ in copied for source in given}
    allowed = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)


def test_the_wheel_is_built_of_nothing_else():
    """What the build reads of the checkout, by pyproject.toml, is among what is copied."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    read = {project["project"]["readme"], *project["project"]["license-files"], *wheel["force-include"]}
    read |= {path.split("/")[0] for path in wheel["packages"]}
    copied = {source for given in instructions("COPY") for source in given.split()[:-1]}
    assert read <= copied


@pytest.mark.parametrize("extra", re.findall(r"--extra (\w+)", CONTAINERFILE.read_text(encoding="utf-8")))
def test_each_extra_is_one(extra: str):
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extra in project["optional-dependencies"]


def test_it_runs_as_nobody_in_particular_and_can_be_asked_how_it_is():
    assert instructions("USER") == ["10001:10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("ENTRYPOINT") == ['["crewhall"]']
    assert "/health/ready" in instructions("HEALTHCHECK")[0]


def test_it_speaks_with_kafka():
    assert "--extra kafka" in CONTAINERFILE.read_text(encoding="utf-8"), (
        "compose.kafka.yaml and kafka.yaml run this image"
    )
