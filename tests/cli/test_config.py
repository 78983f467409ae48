"""`config` and what it reads; `rules`, `--version`, and `--json` before and after a command."""

import pytest

from crewhall.version import VERSION
from tests.cli.conftest import Cli


async def test_config_says_where_each_setting_comes_from_and_masks_secrets(configured: Cli) -> None:
    configured.env |= {"CREWHALL_PORT": "9001", "CREWHALL_SMTP_PASSWORD": "do not show this"}
    folder = configured.folder / "home"
    folder.mkdir()
    (folder / "crewhall.toml").write_text('log_level = "debug"\nport = 9002\n')
    result = await configured.run("config", "--json")
    assert result.code == 0, result.err
    assert "do not show this" not in result.out
    assert "correct horse" not in result.out
    found = {each["setting"]: (each["value"], each["source"]) for each in result.json}
    assert found["CREWHALL_PORT"] == ("9001", "environment")
    assert found["CREWHALL_LOG_LEVEL"] == ("debug", "file")
    assert found["CREWHALL_HOST"] == ("127.0.0.1", "default")
    assert found["CREWHALL_SMTP_PASSWORD"][1] == "environment"
    assert found["CREWHALL_TRUSTED_PROXIES"] == found["CREWHALL_PUBLIC_URL"] == (None, "default")
    configured.env["CREWHALL_PORT"] = "many"
    refused = await configured.run("config")
    assert (refused.code, "CREWHALL_PORT" in refused.err) == (1, True)


async def test_config_lists_what_clients_read_and_masks_of_an_address_its_password_alone(configured: Cli) -> None:
    configured.env |= {
        "CREWHALL_DATABASE_URL": "postgresql://app:hunter2@db.example:5432/hall",
        "CREWHALL_DATABASE_ADMIN_URL": "postgresql+psycopg://admin:hunter2@db.example/hall",
        "CREWHALL_AGENT_KEY": "cwk_hunter2",
        "CREWHALL_ORG": "acme",
    }
    result = await configured.run("config", "--json")
    assert "hunter2" not in result.out
    found = {each["setting"]: (each["value"], each["source"]) for each in result.json}
    assert found["CREWHALL_DATABASE_URL"] == ("postgresql://app:***@db.example:5432/hall", "environment")
    assert found["CREWHALL_DATABASE_ADMIN_URL"] == ("**********", "environment")
    assert found["CREWHALL_AGENT_KEY"] == ("**********", "environment")
    assert found["CREWHALL_TOKEN"] == (None, "default")
    assert found["CREWHALL_ORG"] == ("acme", "environment")
    assert found["CREWHALL_URL"] == ("http://127.0.0.1:8787", "default")
    shown = (await configured.run("config")).out
    assert [line.split()[1] for line in shown.splitlines() if "TRUSTED_PROXIES" in line] == ["–"]


async def test_a_name_that_nothing_reads_is_warned_of_with_the_nearest_one(home: Cli) -> None:
    home.env |= {"CREWHALL_PROT": "9001", "CREWHALL_PORT": "none", "CREWHALL_SOMETHING_ELSE": "1"}
    home.env["CREWHALL_HOOK_KB"] = "1024"  # what it was called before
    said = (await home.quick().run("up")).err
    assert "CREWHALL_PROT is read by nothing" not in said, "what is wrong is said alone"
    home.env["CREWHALL_PORT"] = "0"
    (home.folder / "home").mkdir(mode=0o700)
    (home.folder / "home" / "crewhall.toml").write_text('prot = 1\nlog_level = "info"\n')
    home.env["CREWHALL_OWNER_EMAIL"] = ""  # ends it before there is a database
    said = (await home.quick().run("up")).err
    assert "CREWHALL_PROT is read by nothing. Did you mean CREWHALL_PORT?" in said
    assert "CREWHALL_HOOK_KB is read by nothing. Did you mean CREWHALL_WEBHOOK_KB?" in said
    assert "CREWHALL_SOMETHING_ELSE is read by nothing.\n" in said
    assert "prot in the settings file is read by nothing. Did you mean port?" in said
    assert "CREWHALL_URL" not in said
    del home.env["CREWHALL_OWNER_PASSWORD"]
    checked = await home.quick().run("doctor", "--json")
    warned = [each["detail"] for each in checked.json if each["warning"]]
    assert (checked.code, len(warned)) == (0, 4), "a warning is no failure"
    assert "! setting: CREWHALL_PROT" in (await home.quick().run("doctor")).out


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CREWHALL_MODEL_ENDPOINTS", "bad", "It takes name=url"),
        ("CREWHALL_TRUSTED_PROXIES", "10.0.0.7, zzz", "'zzz' is no address or network"),
        ("CREWHALL_OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", "no address such as https://"),
        ("CREWHALL_PUBLIC_URL", "nonsense", "no address such as https://"),
        ("CREWHALL_DATABASE_ADMIN_URL", "postgresql://boss:hunter2@db/hall", "without CREWHALL_DATABASE_URL"),
    ],
)
async def test_doctor_and_config_say_what_up_refuses(home: Cli, name: str, value: str, words: str) -> None:
    home.env[name] = value
    quick = home.quick()
    refused, shown = await quick.run("up", "--port", "0"), await quick.run("config")
    (found,) = [each for each in (await quick.run("doctor", "--json")).json if each["name"] == "settings"]
    assert (refused.code, shown.code, found["ok"]) == (1, 1, False)
    assert name in found["detail"]
    assert words in found["detail"]
    assert found["detail"] in refused.err
    assert found["detail"] in shown.err
    assert "hunter2" not in refused.err
    assert not (home.folder / "home").exists()


@pytest.mark.parametrize("words", [("status",), ("stop",), ("config",), ("doctor",), ("rules",), ("rules", "X1")])
async def test_json_may_be_asked_for_before_the_command_and_after_it(configured: Cli, words: tuple[str, ...]) -> None:
    before, after = await configured.run("--json", *words), await configured.run(*words, "--json")
    assert type(before.json) is type(after.json)
    assert before.code == after.code
    plain = await configured.run(*words)
    assert plain.out[:1] not in {"[", "{"}


async def test_rules_are_listed(cli: Cli) -> None:
    rules = {rule["number"]: rule for rule in await cli.ok("rules")}
    assert {"A1", "D1", "X12"} <= rules.keys()
    assert (await cli.ok("rules", "x1"))["number"] == "X1"
    shown = {line.split()[0]: line.split()[1] for line in (await cli.run("rules")).out.splitlines() if line.split()[1:]}
    assert (shown["X1"], shown["X4"]) == ("✓", "in"), "kept in part"
    assert "Not there yet: A2A." in (await cli.run("rules", "X4")).out
    assert (await cli.run("rules", "Z9")).code == 2


async def test_the_version_is_told(home: Cli) -> None:
    told = await home.run("--version")
    assert (told.code, told.out) == (0, f"crewhall {VERSION}\n")
