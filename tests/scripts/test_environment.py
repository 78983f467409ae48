"""`scripts/environment`, which `make` runs: whose certificates the installer believes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

SCRIPT = ROOT / "scripts" / "environment"
INSTALLER = """#!/bin/sh
[ "$1" = --version ] && exit
echo "system=${{UV_SYSTEM_CERTS:-}} file=${{SSL_CERT_FILE:-}}" >>attempts
if ! [ {works} ]; then
    echo "cause: {complaint}" >&2
    exit 2
fi
mkdir -p .venv/bin
"""
UNKNOWN = "invalid peer certificate: UnknownIssuer"


class Checkout:
    """A checkout whose installer is in place already, and downloads only where it finds what it wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir()
        shutil.copy(SCRIPT, folder / "scripts")
        for name in ("uv.lock", "pyproject.toml"):
            (folder / name).touch()
        version = re.search(r"^uv_version=(.+)$", SCRIPT.read_text(), re.MULTILINE)
        assert version is not None
        (folder / ".tools" / "bin").mkdir(parents=True)
        (folder / ".tools" / "wanted").write_text(version[1])

    def install(self, works: str, complaint: str = UNKNOWN, **env: str) -> subprocess.CompletedProcess[str]:
        """Make the environment with an installer for which the shell test `works` must hold."""
        installer = self.folder / ".tools" / "bin" / "uv"
        installer.write_text(INSTALLER.format(works=works, complaint=complaint))
        installer.chmod(0o700)
        return subprocess.run(
            ["/bin/sh", "scripts/environment", "runtime"],
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": os.environ["PATH"],
                "PYTHON": sys.executable,
                "PIP_CONFIG_FILE": os.devnull,
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def attempts(self) -> list[str]:
        """What the installer was told to believe, at each attempt."""
        return (self.folder / "attempts").read_text().splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_public_certificates_do_where_they_do(checkout: Checkout) -> None:
    assert checkout.install(works="1 = 1").returncode == 0
    assert checkout.attempts == ["system= file="]


def test_the_store_of_the_machine_is_believed_where_public_certificates_do_not_do(checkout: Checkout) -> None:
    made = checkout.install(works='"$UV_SYSTEM_CERTS" = true')
    assert made.returncode == 0, made.stderr
    assert checkout.attempts == ["system= file=", "system=true file="]
    assert UNKNOWN not in made.stderr


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"])
def test_a_bundle_that_a_variable_names_is_believed(checkout: Checkout, variable: str) -> None:
    made = checkout.install(works='"$SSL_CERT_FILE" = /of/a/company.pem', **{variable: "/of/a/company.pem"})
    assert made.returncode == 0, made.stderr
    assert checkout.attempts == ["system= file=/of/a/company.pem"]


def test_a_bundle_that_pip_is_configured_with_is_believed(checkout: Checkout) -> None:
    pip = checkout.folder / ".tools" / "venv" / "bin" / "python"
    pip.parent.mkdir(parents=True)
    pip.write_text("#!/bin/sh\necho \"global.cert='$HOME/a bundle.pem'\"\n")
    pip.chmod(0o700)
    bundle = checkout.folder / "a bundle.pem"
    bundle.touch()
    made = checkout.install(works='"$SSL_CERT_FILE" = "$HOME/a bundle.pem"')
    assert made.returncode == 0, made.stderr
    assert checkout.attempts == [f"system= file={bundle}"]


def test_a_bundle_that_does_not_do_is_named_and_no_other_is_believed(checkout: Checkout) -> None:
    failed = checkout.install(works="1 = 2", SSL_CERT_FILE="/of/a/company.pem")
    assert failed.returncode != 0
    assert "/of/a/company.pem does not hold" in failed.stderr
    assert UNKNOWN in failed.stderr
    assert {attempt.partition(" ")[2] for attempt in checkout.attempts} == {"file=/of/a/company.pem"}


def test_what_has_nothing_to_do_with_certificates_is_tried_once(checkout: Checkout) -> None:
    failed = checkout.install(works="1 = 2", complaint="no space left on the disk")
    assert failed.returncode != 0
    assert "no space left" in failed.stderr
    assert len(checkout.attempts) == 1
