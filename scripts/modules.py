"""Every module of the package, imported: so that all settings, errors and events are known."""

import importlib
import pkgutil

import crewhall


def import_all() -> list[str]:
    """Import each module of `crewhall` but programs and migrations, which act when imported; return their names."""
    names = [
        module.name
        for module in pkgutil.walk_packages(crewhall.__path__, "crewhall.")
        if not module.name.endswith(".__main__") and not module.name.startswith("crewhall.migrations.")
    ]
    for name in names:
        importlib.import_module(name)
    return names
