"""Texts that cross between here and GitHub. Pure."""

import re

CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_AT = re.compile(r"(?<![\w/.+:@-])@(?=[A-Za-z0-9])")


def quiet(text: str) -> str:
    """A text that calls nobody at GitHub: an `@` here means somebody of this organization. Code stays as it is."""
    pieces = CODE.split(text)
    return "".join(one if at % 2 else _AT.sub("@\N{ZERO WIDTH SPACE}", one) for at, one in enumerate(pieces))
