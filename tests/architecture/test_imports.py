"""What import-linter cannot say: which modules of a domain may use what."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import PACKAGE, module_name, parsed, python_files, shown

DOMAINS = (
    "identity",
    "agents",
    "conversations",
    "notifications",
    "governance",
    "knowledge",
    "work",
    "runtime",
    "imports",
)
OPEN_TO_ALL = {"events", "permissions", "tools"}
THIN_FACES = ("http", "pages", "tools")


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Each module that a file imports; of `from package import module` also the member, as it may be a module."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path, node)}: imports are absolute"
            assert node.module is not None
            yield node, node.module
            yield from ((node, f"{node.module}.{name.name}") for name in node.names)


def is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def owner(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def crewhall_imports() -> Iterator[tuple[Path, ast.AST, str, str]]:
    for path in python_files("src"):
        for node, imported in imports(path):
            if imported.startswith("crewhall.") and is_module(imported):
                yield path, node, module_name(path), imported


def is_open(imported: str, module: str) -> bool:
    """Whether a domain's module is for others: its root, events, permissions, tools; its thin faces for the faces."""
    inner = [*imported.split(".")[2:], ""][0]
    return not inner or inner in OPEN_TO_ALL or (owner(module) == "faces" and inner.startswith(THIN_FACES))


def test_a_domain_is_used_through_its_root_its_events_its_permissions_and_its_tools():
    """main composes and may look inside; a domain's own modules know each other."""
    deep = [
        f"{shown(path, node)}: {imported}"
        for path, node, module, imported in crewhall_imports()
        if owner(imported) in DOMAINS
        and owner(module) not in {owner(imported), "main"}
        and not is_open(imported, module)
    ]
    assert deep == []


def test_only_a_domains_thin_faces_use_the_plumbing():
    misplaced = [
        f"{shown(path, node)}: {imported}"
        for path, node, module, imported in crewhall_imports()
        if owner(module) in DOMAINS
        and owner(imported) == "faces"
        and not (imported.startswith("crewhall.faces.plumbing") and module.split(".")[2].startswith(THIN_FACES))
    ]
    assert misplaced == []


def test_only_the_command_line_starts_main():
    composing = [
        f"{shown(path, node)}: {imported}"
        for path, node, module, imported in crewhall_imports()
        if owner(imported) == "main" and not module.startswith(("crewhall.faces.cli", "crewhall.main"))
    ]
    assert composing == []
