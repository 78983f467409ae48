"""What is named where Crewhall is deployed is there: settings, commands, versions."""

import re

import pytest

from crewhall.faces.cli.app import app
from crewhall.version import VERSION
from tests.architecture.source import DOCS, ROOT
from tests.deploy.files import DEPLOY, SETTING, compose, described, documents, manifests


def commands() -> set[str]:
    """What `crewhall` may be told to do."""
    return {one.name or str(getattr(one.callback, "__name__", "")) for one in app.registered_commands}


def test_every_setting_that_is_named_exists():
    known = set(SETTING.findall((DOCS / "settings.md").read_text(encoding="utf-8")))
    named = {(path.name, name) for path in described() for name in SETTING.findall(path.read_text(encoding="utf-8"))}
    assert {(place, name) for place, name in named if name not in known} == set()
    assert len({name for _, name in named}) > 12


def test_every_command_that_is_run_exists():
    by_compose = {
        service["command"][0]
        for path in DEPLOY.glob("compose*.yaml")
        for service in documents(path)[0]["services"].values()
        if str(service.get("image", "")).startswith("crewhall") or service.get("command") == ["projector"]
    }
    pods = [one["spec"]["template"]["spec"] for one in manifests() if one["kind"] in {"Deployment", "Job"}]
    by_manifests = {container["args"][0] for pod in pods for container in pod["containers"]}
    units = "\n".join(path.read_text(encoding="utf-8") for path in (DEPLOY / "systemd").iterdir())
    by_units = set(re.findall(r"^ExecStart=\S+/crewhall (\w+)", units, re.MULTILINE))
    assert {"serve", "worker", "migrate"} <= by_compose
    assert {"serve", "worker", "migrate"} <= by_manifests
    assert {"up", "serve", "worker", "projector", "migrate"} == by_units
    assert by_compose | by_manifests | by_units <= commands()


def test_the_image_is_of_this_version_everywhere():
    images = {service["image"] for service in compose("compose.yaml").values() if "build" in service}
    assert images == {f"crewhall:{VERSION}"}
    assert documents(DEPLOY / "kubernetes" / "kustomization.yaml")[0]["images"][0]["newTag"] == VERSION
    assert f"crewhall:{VERSION}" in (DOCS / "deploy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for path in described() if path.suffix != ".md"], ids=lambda path: path.name)
def test_no_image_is_whatever_is_newest(path):
    assert not re.search(r"(?:image:|FROM)\s+\S+:latest\b", path.read_text(encoding="utf-8"))
    bare = re.findall(r"^\s*image:\s+([^:\s]+)\s*(?:#.*)?$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(bare) <= {"crewhall"}, "kustomize gives that one its version"


def test_the_installer_of_the_image_is_the_one_of_the_checkout():
    wanted = re.search(r"^uv_version=(.+)$", (ROOT / "scripts" / "environment").read_text(), re.MULTILINE)
    used = re.search(r"^FROM ghcr\.io/astral-sh/uv:(\S+) AS uv$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    assert wanted is not None
    assert used is not None
    assert used[1] == wanted[1]
