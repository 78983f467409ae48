"""Settings of sources: what of the operator's own machines they may reach, by name."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from crewhall.kernel.errors import INVALID
from crewhall.kernel.settings import CrewhallSettings

ENTRIES = "Separated by line breaks; `organization-slug/name=…` is for that organization alone."


class SourceSettings(CrewhallSettings):
    """What sources of knowledge may reach, and how many are gone through at once."""

    source_syncs_at_once: int = Field(
        2, ge=0, le=32, description="Sources that one process goes through at once; 0 leaves them to others."
    )
    source_folders: str = Field("", description=f"Folders that sources may read, as `name=/path`. {ENTRIES}")
    source_databases: SecretStr = Field(
        SecretStr(""), description=f"Databases that sources may query, as `name=postgresql://…`. {ENTRIES}"
    )
    source_headers: SecretStr = Field(
        SecretStr(""),
        description="Headers that sources of the type `api` send to one host, as "
        f"`name=api.example.org Authorization: Bearer …`. {ENTRIES}",
    )
    source_private_hosts: str = Field(
        "",
        description="Hosts within private networks that sources may reach nevertheless, such as `wiki.internal:8080`; "
        "separated by spaces.",
    )

    @field_validator("source_folders", "source_databases", "source_headers")
    @classmethod
    def _is_list(cls, value: str | SecretStr) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        _entries(text)
        return value

    def folder(self, slug: str, name: str) -> Path:
        """The folder of that name. Raises INVALID."""
        return Path(_named(self.source_folders, slug, name, "folder"))

    def database(self, slug: str, name: str) -> str:
        """The address of the database of that name. Raises INVALID."""
        return _named(self.source_databases.get_secret_value(), slug, name, "database")

    def headers(self, slug: str, name: str) -> tuple[str, dict[str, str]]:
        """The host and the header of that name. Raises INVALID."""
        host, _, header = _named(
            self.source_headers.get_secret_value(), slug, name, "header", field="headers"
        ).partition(" ")
        field, _, value = header.partition(":")
        return host.lower(), {field.strip().lower(): value.strip()}


def _entries(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        if line.strip():
            name, equals, value = line.partition("=")
            if not equals or not name.strip() or not value.strip():
                raise ValueError("each line is name=value")
            found[name.strip().lower()] = value.strip()
    return found


def _named(text: str, slug: str, name: str, what: str, *, field: str = "path") -> str:
    entries = _entries(text)
    found = entries.get(f"{slug}/{name}".lower()) or ("" if "/" in name else entries.get(name.lower()))
    if not found:
        raise INVALID(
            f"There is no {what} called {name[:100]!r} here. Whoever runs this installation names them.", field=field
        )
    return found
