"""Every variable that Crewhall reads, beside the settings of the server; and those that look like one but are none."""

import difflib
import os
from collections.abc import Iterator
from typing import NamedTuple

NEAR = 0.75
"""How alike a misspelt name must be to the one that is proposed."""


class Variable(NamedTuple):
    """A variable that programs read which speak to a server."""

    name: str
    meaning: str
    is_secret: bool = False


CONFIG = "CREWHALL_CONFIG"
CLIENT = (
    Variable("CREWHALL_URL", "The server that agents and the command line speak to."),
    Variable(
        "CREWHALL_TOKEN",
        "A token or key for the command line, in place of what `crewhall login` keeps.",
        is_secret=True,
    ),
    Variable("CREWHALL_ORG", "The organization that the command line acts for, by slug or id."),
    Variable(
        "CREWHALL_SERVER_TOKEN",
        "What `crewhall tool-server add` signs in with at the server that it adds.",
        is_secret=True,
    ),
    Variable("CREWHALL_GITHUB_TOKEN", "The token that `crewhall github connect` connects with.", is_secret=True),
    Variable("CREWHALL_AGENT_KEY", "The key of an agent that runs by `crewhall.sdk`.", is_secret=True),
)


def warn_of_unknown() -> Iterator[str]:
    """A sentence for each variable, and each name in the settings file, that nothing reads."""
    import crewhall.main  # noqa: F401 - brings in every package's settings
    from crewhall.kernel.settings import ENV_PREFIX, CrewhallSettings, read_settings_file

    settings = {ENV_PREFIX + name.upper() for kind in CrewhallSettings.registry for name in kind.model_fields}
    known = {*settings, CONFIG, *(variable.name for variable in CLIENT)}
    for name in sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known):
        yield f"{name} is read by nothing.{_proposal(name, known)}"
    by_word = {name.removeprefix(ENV_PREFIX).lower() for name in settings}
    for name in sorted(read_settings_file().keys() - by_word):
        yield f"{name} in the settings file is read by nothing.{_proposal(name, by_word)}"


def _proposal(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=NEAR)
    return f" Did you mean {near[0]}?" if near else ""
