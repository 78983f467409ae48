"""Settings by flag, environment and file, in that order of strength; each package declares its own.

A setting `port` is read from the flag `--port`, from `CREWHALL_PORT`, or from `port = …` in the TOML file
(`CREWHALL_CONFIG`, by default `crewhall.toml` in the data folder). Secrets are `SecretStr`: printed masked.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from crewhall.kernel.addresses import Networks, WebAddress
from crewhall.kernel.errors import CrewhallError, define_error

ENV_PREFIX = "CREWHALL_"
OWN_WORDS = "Value error, "
"""What pydantic puts before the sentence of a check of ours."""
BAD_SETTING = define_error("bad_setting", 500, "A setting is not valid")

S = TypeVar("S", bound="CrewhallSettings")


def default_home() -> Path:
    """The data folder when CREWHALL_HOME is not set: below XDG_DATA_HOME, by default ~/.local/share/crewhall."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "crewhall"


def home_from_environment() -> Path:
    """The data folder that the environment names, or the default one."""
    return Path(os.environ.get("CREWHALL_HOME") or default_home()).expanduser().absolute()


def blobs_folder(home: Path) -> Path:
    """The folder of files' bytes in a data folder, where no other place is set."""
    return home / "blobs"


class CrewhallSettings(BaseSettings):
    """Base of every package's settings: flat names, one prefix, one file."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)
    registry: ClassVar[list[type["CrewhallSettings"]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        CrewhallSettings.registry.append(cls)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags beat the environment, the environment beats the file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, read_settings_file())


class KernelSettings(CrewhallSettings):
    """Where the data lives, where to listen, which database to use."""

    home: Path = Field(default_factory=default_home, description="Data folder.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8787, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    health_host: str = Field(
        "127.0.0.1", description="Address on which a process that serves nobody answers /health and /metrics."
    )
    health_port: int = Field(
        0, ge=0, le=65535, description="Its port; 0 picks a free one (`crewhall status` shows it)."
    )
    drain_wait_s: float = Field(
        0,
        ge=0,
        le=120,
        description="Seconds for which a process that was told to stop says that it is not ready and still answers, so "
        "that a proxy notices.",
    )
    drain_s: float = Field(
        10, ge=0, le=3600, description="Seconds that requests, and a worker's turns, then have to come to their end."
    )
    public_url: WebAddress | None = Field(None, description="Address that people use, when a proxy stands in front.")
    region: str = Field("", max_length=64, description="Where this process runs; shown with what it decides.")
    hsts_days: int = Field(
        365, ge=0, le=3650, description="Days that browsers insist on https, when the public URL is https; 0 for none."
    )
    peer_host: str = Field("127.0.0.1", description="Address on which processes of one installation link up.")
    trusted_proxies: Networks = Field(
        "", description="Addresses or networks of proxies whose X-Forwarded-* are believed."
    )
    database_url: SecretStr | None = Field(None, description="External Postgres, as the application role.")
    database_admin_url: SecretStr | None = Field(None, description="External Postgres, as the migrating role.")
    database_pool: int = Field(10, ge=2, le=90, description="Connections that one process keeps at most.")
    database_tcp_port: int | None = Field(None, description="Let the embedded Postgres listen on this loopback port.")
    database_user: str | None = Field(None, description="Unprivileged user for the embedded Postgres under root.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe level logged.")
    log_format: str = Field("auto", pattern="^(auto|json|text)$", description="Log lines as JSON or text.")
    otel_exporter_otlp_endpoint: WebAddress | None = Field(None, description="Send traces to this OTLP/HTTP endpoint.")
    otel_contents: bool = Field(
        default=False, description="Let traces hold what models are told and answer, and what tools take and give."
    )
    development: bool = Field(
        default=False, description="Serve what is for those who change Crewhall: the design system at `/styleguide`."
    )
    body_limit_kb: int = Field(1024, ge=16, le=65536, description="Largest request body, in KiB.")
    request_timeout_s: float = Field(30, gt=0, le=600, description="Longest time for one request, in seconds.")
    rate_address_per_minute: int = Field(600_000, ge=1, description="Requests per minute and client address.")
    rate_actor_per_minute: int = Field(300_000, ge=1, description="Requests per minute and person or agent.")
    rate_post_per_second: int = Field(5_000, ge=1, description="Posts per second and person or agent.")
    live_connections_per_actor: int = Field(
        10_000, ge=1, description="Live connections (sockets, event streams) that one person or agent holds at once."
    )

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if self.database_admin_url is not None and self.database_url is None:
            raise BAD_SETTING(
                "CREWHALL_DATABASE_ADMIN_URL is given without CREWHALL_DATABASE_URL, the application's own login, which"
                " is what makes Crewhall use a Postgres of yours. Set both, or neither.",
                setting="CREWHALL_DATABASE_ADMIN_URL",
            )
        return self


def read_settings_file() -> dict[str, Any]:
    """Read the TOML file; a missing one is empty, a damaged one is refused with its place."""
    named = os.environ.get("CREWHALL_CONFIG")
    path = Path(named).expanduser() if named else home_from_environment() / "crewhall.toml"
    try:
        return tomllib.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        if named:
            raise BAD_SETTING(f"CREWHALL_CONFIG names {path}, which cannot be read.", path=str(path)) from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BAD_SETTING(f"{path} is not valid TOML: {error}", path=str(path)) from error


def load_settings(kind: type[S], **flags: Any) -> S:
    """Load one package's settings; flags that are None do not count."""
    try:
        return kind(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise _bad_setting(error) from error


def _bad_setting(error: ValidationError) -> CrewhallError:
    first = error.errors(include_input=False, include_url=False)[0]
    name = ENV_PREFIX + str(first["loc"][0]).upper()
    said = first["msg"].removeprefix(OWN_WORDS).rstrip(".")
    return BAD_SETTING(f"{name}: {said}. docs/settings.md says what it takes.", setting=name)
