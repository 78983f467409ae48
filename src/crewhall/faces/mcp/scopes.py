"""What an app that a person let in may do here: read, or write as well."""

from typing import Any

import msgspec

from crewhall.identity import WRITE
from crewhall.kernel.errors import define_error
from crewhall.kernel.tools import Tool
from crewhall.kernel.verified import Verified

INSUFFICIENT_SCOPE = define_error("insufficient_scope", 403, "The app was not let in to this")


def check_tool(verified: Verified, tool: Tool) -> None:
    """Refuse a tool that writes to an app that may only read. Raises INSUFFICIENT_SCOPE."""
    if verified.scopes is not None and not tool.is_read_only and WRITE not in verified.scopes:
        raise INSUFFICIENT_SCOPE(
            f"This app may only read. `{tool.name}` writes: let the app in again, to write as well."
        )


def check_scopes(verified: Verified, body: bytes) -> None:
    """The same before the request is answered: by the status of this answer an app knows to ask the person again."""
    if verified.scopes is None or WRITE in verified.scopes:
        return
    from crewhall.faces.mcp.server import TOOLS

    tool = TOOLS.get(_called(body))
    if tool is not None:
        check_tool(verified, tool)


def _called(body: bytes) -> str:
    """The tool that a request calls; empty where it calls none, or cannot be read (that is told elsewhere)."""
    try:
        request: Any = msgspec.json.decode(body)
        return str(request["params"]["name"]) if request["method"] == "tools/call" else ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return ""
