"""Puts our modules into one file, and our style sheets into another: one answer each, packed together.

A module becomes a function that is called once, where ES modules would run it, and gives what it exports. It takes the
forms that our modules are written in: imports in lines of their own, by name; exported functions, classes and
constants; no module in a circle. What comes from elsewhere (Turbo) is imported as ever.
"""

import re
from posixpath import dirname, join, normpath, relpath

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"(\.[^"]+)";\n', re.MULTILINE)
_FOREIGN = re.compile(r'^import \* as (\w+) from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_EXPORTED = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_COMMENT = re.compile(r"^ *(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)\n", re.MULTILINE | re.DOTALL)
_HERE = "import.meta.url"


class Bundle:
    """One file of an entry module and all that it needs; `sources` are texts by their names."""

    def __init__(self, entry: str, sources: dict[str, str]) -> None:
        self._entry, self._sources = entry, sources
        self._names: dict[str, str] = {}
        self._foreign: dict[str, str] = {}
        self._parts: list[str] = []
        self._add(entry)

    @property
    def text(self) -> str:
        """The file, to be served in the entry's place."""
        imports = [f'import * as {name} from "{self._seen(path)}";' for name, path in self._foreign.items()]
        return "\n".join([*imports, *self._parts]) + "\n"

    def _add(self, module: str) -> str:
        """Add a module behind what it needs; the name that what it exports goes by."""
        if module in self._names:
            return self._names[module]
        text = self._sources[module]
        for name, path in _FOREIGN.findall(text):
            self._foreign[name] = _resolved(module, path)
        taken = [(given.strip(), self._add(_resolved(module, path))) for given, path in _IMPORT.findall(text)]
        uses = "".join(f"const {{ {given} }} = {source};\n" for given, source in taken if given)
        body = _COMMENT.sub("", _FOREIGN.sub("", _IMPORT.sub("", text)))
        body = body.replace(_HERE, f'new URL("{self._seen(module)}", {_HERE}).href')
        exported = [name for _, name in _EXPORT.findall(body)] + [name.strip() for name in _EXPORTED.findall(body)]
        body = _EXPORT.sub(r"\1 \2", _EXPORTED.sub("", body)).strip()
        self._names[module] = f"module{len(self._names)}"
        self._parts.append(
            f"const {self._names[module]} = (() => {{\n{uses}{body}\nreturn {{ {', '.join(exported)} }};\n}})();"
        )
        return self._names[module]

    def _seen(self, name: str) -> str:
        """Where a file is, as the entry sees it."""
        found = relpath(name, dirname(self._entry))
        return found if found.startswith(".") else f"./{found}"


def _resolved(module: str, path: str) -> str:
    return normpath(join(dirname(module), path))
