"""The compose files and the proxy's configuration, as compose and the proxy themselves read them."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.files import DEPLOY

PROGRAMS = Path(sys.executable).parent
EXAMPLE = DEPLOY / "compose" / "env.example"
ALONE: tuple[str, ...] = ("compose.yaml",)
WITH_KAFKA: tuple[str, ...] = (*ALONE, "compose.kafka.yaml")


def read(*names: str, env: Path) -> subprocess.CompletedProcess[str]:
    """What compose makes of the files, or says against them."""
    files = [word for name in names for word in ("--file", str(DEPLOY / name))]
    return run("docker-compose", "--env-file", str(env), *files, "config")


def run(program: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAMS / program, *words], capture_output=True, text=True, check=False, timeout=60, env={"HOME": "/", **env}
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, filled in."""
    path = tmp_path_factory.mktemp("compose") / ".env"
    path.write_text(re.sub(r"^(\w+)=$", r"\1=something", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return path


@pytest.fixture(scope="module")
def services(filled: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    """The services that compose would start, without Kafka and with it."""
    made: dict[tuple[str, ...], dict[str, Any]] = {}
    for names in (ALONE, WITH_KAFKA):
        found = read(*names, env=filled)
        assert found.returncode == 0, found.stderr
        assert "level=warning" not in found.stderr, "a variable that nobody sets"
        made[names] = yaml.safe_load(found.stdout)["services"]
    return made


def test_two_servers_and_two_workers_stand_behind_a_proxy(services: dict[tuple[str, ...], dict[str, Any]]):
    said = {names: {one: found.get("command") for one, found in each.items()} for names, each in services.items()}
    assert [said[ALONE][name] for name in ("server-1", "server-2", "worker-1", "worker-2")] == [
        ["serve"], ["serve"], ["worker"], ["worker"],
    ]  # fmt: skip
    assert {"proxy", "postgres", "storage", "migrate"} <= set(said[ALONE])
    assert set(said[WITH_KAFKA]) - set(said[ALONE]) == {"kafka", "projector"}
    assert said[WITH_KAFKA]["projector"] == ["projector"]


def test_kafka_is_for_all_of_them_or_for_none(services: dict[tuple[str, ...], dict[str, Any]]):
    for names, logs in ((ALONE, {None}), (WITH_KAFKA, {"kafka"})):
        ours = [one for name, one in services[names].items() if "build" in one and name != "migrate"]
        assert {one["environment"].get("CREWHALL_LOG") for one in ours} == logs


def test_only_the_one_that_migrates_may_change_the_schema(services: dict[tuple[str, ...], dict[str, Any]]):
    for name, one in services[WITH_KAFKA].items():
        holds = any("ADMIN" in variable for variable in one.get("environment", {}) if variable.startswith("CREWHALL"))
        assert holds is (name == "migrate"), name


def test_no_process_of_ours_has_rights_or_keeps_anything(services: dict[tuple[str, ...], dict[str, Any]]):
    for name, one in services[WITH_KAFKA].items():
        if "build" in one:
            assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"]), name
            assert {volume.get("source") for volume in one["volumes"]} == {None}, name


def test_each_process_links_up_under_a_name_of_its_own(services: dict[tuple[str, ...], dict[str, Any]]):
    ours = {name: one for name, one in services[WITH_KAFKA].items() if "build" in one and name != "migrate"}
    assert {name: one["environment"]["CREWHALL_PEER_HOST"] for name, one in ours.items()} == {
        name: name for name in ours
    }


def test_the_database_and_the_storage_are_reached_from_within_alone(services: dict[tuple[str, ...], dict[str, Any]]):
    for name in ("postgres", "storage", "kafka"):
        assert list(services[WITH_KAFKA][name]["networks"]) == ["store"]
    assert [name for name, one in services[WITH_KAFKA].items() if "ports" in one] == ["proxy"]


def test_the_proxy_is_believed_where_it_stands(services: dict[tuple[str, ...], dict[str, Any]]):
    address = services[ALONE]["proxy"]["networks"]["hall"]["ipv4_address"]
    assert services[ALONE]["server-1"]["environment"]["CREWHALL_TRUSTED_PROXIES"] == address


def test_what_is_left_empty_is_asked_for(tmp_path: Path, filled: Path):
    for name in re.findall(r"^(\w+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE):
        without = tmp_path / "env"
        without.write_text(re.sub(rf"^{name}=.*$", f"{name}=", filled.read_text(), flags=re.MULTILINE))
        found = read(*ALONE, env=without)
        if name.startswith("CREWHALL_OWNER_"):
            assert found.returncode == 0, "whoever opens the first start's link becomes the owner"
        else:
            assert (found.returncode, f"required variable {name} is missing a value" in found.stderr) == (1, True), name


def test_a_word_that_compose_does_not_know_is_noticed(tmp_path: Path, filled: Path):
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((DEPLOY / "compose.yaml").read_text(encoding="utf-8").replace("restart:", "restrat:"))
    assert run("docker-compose", "--env-file", str(filled), "--file", str(wrong), "config").returncode != 0


def test_the_proxy_takes_its_configuration():
    file = str(DEPLOY / "compose" / "Caddyfile")
    taken = run("caddy", "adapt", "--config", file, "--adapter", "caddyfile", CREWHALL_PUBLIC_URL="https://hall.test")
    assert taken.returncode == 0, taken.stderr
    for server in ("server-1:8787", "server-2:8787", "/health/ready"):
        assert server in taken.stdout
    formatted = run("caddy", "fmt", "--diff", file)
    assert [line for line in formatted.stdout.splitlines() if line.startswith(("+", "-"))] == []
