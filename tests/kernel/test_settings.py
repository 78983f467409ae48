"""Settings by flag, environment and file, in that order of strength."""

from pathlib import Path

import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.settings import KernelSettings, load_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CREWHALL_HOME", str(tmp_path))
    monkeypatch.delenv("CREWHALL_PORT", raising=False)
    monkeypatch.delenv("CREWHALL_CONFIG", raising=False)
    return tmp_path


def test_flags_beat_the_environment_which_beats_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(KernelSettings).port == 8787
    (home / "crewhall.toml").write_text("port = 1111\nhost = '0.0.0.0'\n")
    assert load_settings(KernelSettings).port == 1111
    monkeypatch.setenv("CREWHALL_PORT", "2222")
    settings = load_settings(KernelSettings)
    assert (settings.port, settings.host) == (2222, "0.0.0.0")
    assert load_settings(KernelSettings, port=3333, host=None).port == 3333


def test_a_bad_value_names_the_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREWHALL_PORT", "http")
    with pytest.raises(CrewhallError, match="CREWHALL_PORT") as refused:
        load_settings(KernelSettings)
    assert refused.value.code == "bad_setting"


def test_a_damaged_file_names_its_place(home: Path) -> None:
    (home / "crewhall.toml").write_text("port = = 3")
    with pytest.raises(CrewhallError, match=r"crewhall\.toml"):
        load_settings(KernelSettings)


def test_a_named_file_must_be_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREWHALL_CONFIG", str(home / "absent.toml"))
    with pytest.raises(CrewhallError, match=r"absent\.toml"):
        load_settings(KernelSettings)


def test_secrets_never_print(home: Path) -> None:
    settings = load_settings(KernelSettings, database_url="postgresql://app:hunter2@db/crewhall")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump())
