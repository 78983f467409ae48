"""The addresses of models that the operator lists, read from CREWHALL_MODEL_ENDPOINTS."""

import re
from urllib.parse import urlsplit

import msgspec

from crewhall.kernel.settings import BAD_SETTING

NAME = re.compile(r"[a-z][a-z0-9-]{0,49}\Z")
RESERVED = frozenset({"crewhall"})


class Endpoint(msgspec.Struct, frozen=True):
    """Where a model is spoken to over the OpenAI protocol. `url` ends before `/chat/completions`."""

    name: str
    url: str
    key: str | None


def read_endpoints(setting: str) -> dict[str, Endpoint]:
    """Read `name=url` or `name=url,key`, separated by spaces; raises BAD_SETTING that names what is wrong."""
    found: dict[str, Endpoint] = {}
    for part in setting.split():
        name, equals, rest = part.partition("=")
        url, _, key = rest.partition(",")
        parsed = urlsplit(url)
        if not equals or not NAME.match(name) or name in RESERVED | found.keys():
            raise _bad(f"{name!r} is no name, or is taken: lower-case letters, digits and dashes, each once.")
        if parsed.scheme not in {"http", "https"} or not parsed.hostname:
            raise _bad(f"{name} has no address such as http://127.0.0.1:8080/v1.")
        found[name] = Endpoint(name, url.rstrip("/"), key or None)
    return found


def _bad(sentence: str) -> Exception:
    return BAD_SETTING(
        f"CREWHALL_MODEL_ENDPOINTS: {sentence} It takes name=url or name=url,key, separated by spaces.",
        setting="CREWHALL_MODEL_ENDPOINTS",
    )
