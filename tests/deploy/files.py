"""What stands in `deploy/`, as the tests read it."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.architecture.source import DOCS, ROOT

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The quick one, where it was built."""
DEPLOY = ROOT / "deploy"
SETTING = re.compile(r"CREWHALL_[A-Z_0-9]*[A-Z0-9](?![A-Z_0-9*…])")


def described() -> list[Path]:
    """Every file that says how Crewhall is deployed, the page about it among them."""
    return [*sorted(path for path in DEPLOY.rglob("*") if path.is_file()), DOCS / "deploy.md"]


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    text = path.read_text(encoding="utf-8")
    return [document for document in yaml.load_all(text, Loader=LOADER) if document]


def compose(*names: str) -> dict[str, Any]:
    """The services of compose files, by name; what a later one says of one lies over what an earlier one said."""
    services: dict[str, Any] = {}
    for name in names:
        for service, said in documents(DEPLOY / name)[0]["services"].items():
            services[service] = {**services.get(service, {}), **said}
    return services


def manifests() -> list[dict[str, Any]]:
    """Every Kubernetes object."""
    folder = DEPLOY / "kubernetes"
    return [one for path in sorted(folder.glob("*.yaml")) if path.stem != "kustomization" for one in documents(path)]
