"""How the common MCP clients are told of a server: what to put where. Keys stay in the environment, never in a file."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

NAME = "crewhall"
VARIABLE = "CREWHALL_TOKEN"
Body = dict[str, Any]


class Address(msgspec.Struct, frozen=True):
    """Where the server is: over HTTP at `url`, or through a program that the client starts.

    `asks`: the client brings no key, but asks the person in their browser.
    """

    url: str
    command: str
    arguments: list[str]
    org: str | None = None
    asks: bool = False

    @property
    def program(self) -> Body:
        """The program, as most clients write it."""
        return {"command": self.command, "args": self.arguments}

    def headers(self, token: str) -> dict[str, str]:
        """The headers of a request, with the client's own way to name the variable."""
        chosen = {"X-Crewhall-Org": self.org} if self.org else {}
        return chosen if self.asks else {"Authorization": f"Bearer {token}", **chosen}

    def http(self, token: str) -> Body:
        """The address with the headers, as most clients write it."""
        headers = self.headers(token)
        return {"url": self.url, **({"headers": headers} if headers else {})}


class Setup(msgspec.Struct, frozen=True):
    """What to put into a client's file, and what to do beside it."""

    client: str
    title: str
    file: str
    text: str
    note: str


ASKS = "It opens your browser, where you let it in."


class Form(msgspec.Struct, frozen=True):
    """A client: the name of its file, and how it writes either way to a server. Without `http` it starts programs."""

    title: str
    file: str
    stdio: Callable[[Address], str]
    http: Callable[[Address], str] | None = None
    note: str = f"Set {VARIABLE} in the environment that the client starts in."
    asks: str = ASKS


def set_up(client: str, address: Address, *, stdio: bool = False) -> Setup:
    """What a client needs; raises KeyError for one that is not known here."""
    form = CLIENTS[client]
    if address.asks:
        return _asking(client, form, address)
    if stdio or form.http is None:
        note = f"It acts as whoever is signed in (`crewhall login`), or as {VARIABLE} says."
        return Setup(client, form.title, form.file, form.stdio(address), note)
    return Setup(client, form.title, form.file, form.http(address), form.note)


def _asking(client: str, form: Form, address: Address) -> Setup:
    """The way without a key."""
    if form.http is None:
        return Setup(client, form.title, "Settings → Connectors → Add custom connector", address.url, ASKS)
    return Setup(client, form.title, form.file, form.http(address), form.asks)


def _json(body: Body) -> str:
    return json.dumps(body, indent=2)


def _servers(server: Body) -> str:
    return _json({"mcpServers": {NAME: server}})


def _vs_code(address: Address) -> str:
    token = {"type": "promptString", "id": "crewhall-token", "description": "Crewhall key", "password": True}
    inputs = {} if address.asks else {"inputs": [token]}
    return _json({**inputs, "servers": {NAME: {"type": "http", **address.http("${input:crewhall-token}")}}})


def _codex(address: Address) -> str:
    lines = [f"[mcp_servers.{NAME}]", f"url = {json.dumps(address.url)}"]
    if not address.asks:
        lines.append(f'bearer_token_env_var = "{VARIABLE}"')
    if address.org:
        lines.append(f'http_headers = {{ "X-Crewhall-Org" = {json.dumps(address.org)} }}')
    return "\n".join(lines)


def _codex_stdio(address: Address) -> str:
    command, arguments = json.dumps(address.command), json.dumps(address.arguments)
    return f"[mcp_servers.{NAME}]\ncommand = {command}\nargs = {arguments}"


CLIENTS = {
    "claude-code": Form(
        "Claude Code",
        ".mcp.json in the project",
        lambda address: _servers({"type": "stdio", **address.program}),
        lambda address: _servers({"type": "http", **address.http(f"${{{VARIABLE}}}")}),
    ),
    "claude-desktop": Form(
        "Claude Desktop",
        "claude_desktop_config.json (Settings → Developer → Edit Config)",
        lambda address: _servers(address.program),
    ),
    "cursor": Form(
        "Cursor",
        "~/.cursor/mcp.json, or .cursor/mcp.json in the project",
        lambda address: _servers(address.program),
        lambda address: _servers(address.http(f"${{env:{VARIABLE}}}")),
    ),
    "vscode": Form(
        "VS Code",
        ".vscode/mcp.json in the workspace",
        lambda address: _json({"servers": {NAME: {"type": "stdio", **address.program}}}),
        _vs_code,
        "It asks for the key when it first starts the server, and keeps it.",
    ),
    "codex": Form(
        "Codex CLI",
        "~/.codex/config.toml",
        _codex_stdio,
        _codex,
        asks=f"Then `codex mcp login {NAME}`: it opens your browser, where you let it in.",
    ),
}
"""By the name that `crewhall mcp config` takes."""
