"""An agent's tools as pydantic-ai calls them: a call is recorded before it is made, its result before it is used.

A call whose result is recorded is not made again. One whose result is not known (the process died meanwhile) is made
again if its tool is repeatable; otherwise the run stops and says so.
"""

import hashlib
import logging
import time
from typing import Any

import msgspec
from pydantic_ai import RunContext
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets.abstract import AbstractToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from crewhall.kernel.errors import CrewhallError
from crewhall.runtime.endings import Ending, stopped
from crewhall.runtime.journal import Journal, storable
from crewhall.runtime.tools import Caller, Tool
from crewhall.runtime.vocabulary import StepKind

log = logging.getLogger(__name__)
ANY = SchemaValidator(schema=core_schema.any_schema())
MISTAKES = 2
"""Times that a model may call a tool wrongly before the turn fails."""


class JournaledToolset(AbstractToolset[Caller]):
    """The tools of one run. `most_bytes` bounds what of a result the model is shown."""

    def __init__(self, journal: Journal, tools: list[Tool], most_bytes: int) -> None:
        self._journal = journal
        self._tools = {tool.name: tool for tool in tools}
        self._most_bytes = most_bytes
        self.part = 0
        """How often the turn went on after its caller had used tools of its own: call ids may come again then."""

    @property
    def id(self) -> str:
        """See AbstractToolset."""
        return "crewhall"

    async def get_tools(self, ctx: RunContext[Caller]) -> dict[str, ToolsetTool[Caller]]:
        """See AbstractToolset. Calls are made one after the other, so that the journal tells what came first."""
        return {
            name: ToolsetTool(
                toolset=self,
                tool_def=ToolDefinition(
                    name=name, description=tool.description, parameters_json_schema=tool.schema, sequential=True
                ),
                max_retries=MISTAKES,
                args_validator=ANY,
            )
            for name, tool in self._tools.items()
        }

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Caller], tool: ToolsetTool[Caller]
    ) -> Any:
        """Call a tool, or take its result from the journal. Raises ToolFailed (the model reads it), TurnEnded."""
        called = self._tools[name]
        key = (
            f"{ctx.run_step}:{ctx.tool_call_id}" if not self.part else f"{self.part}/{ctx.run_step}:{ctx.tool_call_id}"
        )
        arguments = storable(tool_args)
        digest = _digest(name, arguments)
        recorded = self._journal.find(StepKind.RESULT, key)
        if recorded is None:
            await self._record_call(called, key, digest, arguments)
            recorded = await self._make(called, key, digest, arguments, ctx.deps)
        if recorded.digest != digest:
            raise stopped(Ending.DIVERGED, "The turn was taken over by another version of Crewhall. Ask again.")
        if "error" in recorded.body:
            raise ToolFailed(recorded.body["error"])
        return recorded.body["result"]

    async def _record_call(self, tool: Tool, key: str, digest: bytes, arguments: dict[str, Any]) -> None:
        if self._journal.find(StepKind.CALL, key) is not None and not tool.is_repeatable:
            raise stopped(
                Ending.UNKNOWN_OUTCOME,
                f"I was interrupted while I used {tool.name}, and cannot know whether it was done. "
                "Look, and ask me again.",
            )
        await self._journal.write(StepKind.CALL, {"tool": tool.name, "arguments": arguments}, key=key, digest=digest)

    async def _make(self, tool: Tool, key: str, digest: bytes, arguments: dict[str, Any], caller: Caller) -> Any:
        began = time.monotonic()
        body: dict[str, Any]
        try:
            asked = msgspec.convert(arguments, tool.takes)
            result = await tool.call(msgspec.structs.replace(caller, key=key), asked)
            body = {"tool": tool.name, "result": self._fit(result)}
        except msgspec.ValidationError as error:
            body = {"tool": tool.name, "error": f"The arguments are not valid: {error}"}
        except CrewhallError as error:
            body = {"tool": tool.name, "error": error.detail, "code": error.code}
        except Exception:
            log.exception("a tool failed", extra={"tool": tool.name, "run": str(self._journal.run.id)})
            body = {"tool": tool.name, "error": "The tool failed. Do without it, or try something else."}
        taken = round((time.monotonic() - began) * 1000)
        return await self._journal.write(StepKind.RESULT, body, key=key, digest=digest, duration_ms=taken)

    def _fit(self, result: Any) -> Any:
        """The result as JSON, cut to what a model is shown."""
        shown = storable(msgspec.to_builtins(result))
        text = shown if isinstance(shown, str) else msgspec.json.encode(shown).decode()
        if len(text.encode()) <= self._most_bytes:
            return shown
        return text.encode()[: self._most_bytes].decode("utf-8", "ignore") + " … (the rest is cut off)"


def _digest(name: str, arguments: dict[str, Any]) -> bytes:
    return hashlib.blake2b(msgspec.json.encode((name, arguments), order="sorted"), digest_size=16).digest()
