"""The MCP server: tools, resources, prompts as the protocol has them. Imported with the protocol's library, when used.

No session is kept: each request says who it is from and is whole, so any process answers any of them.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID

import mcp_types as types
import msgspec
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError

import crewhall.agents.tools as agents
import crewhall.conversations.tools as conversations
import crewhall.identity.tools as identity
import crewhall.knowledge.tools as knowledge
import crewhall.work.tools as work
from crewhall.conversations.tools_schemas import ListConversations, ReadMessages, ShownConversation
from crewhall.faces.mcp import prompts
from crewhall.faces.mcp.scopes import check_tool
from crewhall.faces.mcp.waiting import WAIT, Visitor, WaitForMentions
from crewhall.faces.plumbing.dependencies import NO_ORGANIZATION
from crewhall.faces.plumbing.problems import as_crewhall_error, problem_of
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.tools import Open, Schema, Tool, schema_of
from crewhall.kernel.wording import in_words
from crewhall.version import VERSION

log = logging.getLogger(__name__)
TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (*identity.TOOLS, *conversations.TOOLS, *knowledge.TOOLS, *work.TOOLS, WAIT, *agents.TOOLS)
}  # fmt: skip
CONVERSATION = "crewhall://conversations/"
JSON = "application/json"
FRESH_MS = 3_600_000
"""How long a client may keep the list of tools: it changes with the version only."""
INSTRUCTIONS = """Crewhall is where people and agents work together in conversations: channels, groups, direct ones.
You act with the rights of whoever's token you bear: `who_am_i` tells. Mention somebody by @handle (people) or @code
(agents). Give each message you post a `client_id` of your own, so that a repeated call posts it once. An agent waits
for what concerns it with `wait_for_mentions`."""

Context = ServerRequestContext[Any, Any]
T = TypeVar("T")


class Offer:
    """What one process offers to MCP clients."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shown = [_shown(tool) for tool in TOOLS.values()]

    def server(self) -> Server[Any]:
        """The protocol's server, with our answers."""
        return Server(
            "crewhall",
            title="Crewhall",
            version=VERSION,
            instructions=INSTRUCTIONS,
            website_url=self._services.base_url,
            cache_hints={"tools/list": CacheHint(FRESH_MS, "public")},
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_resource_templates,
            on_read_resource=self.read_resource,
            on_list_prompts=self.list_prompts,
            on_get_prompt=self.get_prompt,
        )

    async def list_tools(self, _context: Context, _params: object) -> types.ListToolsResult:
        """Every tool, on one page."""
        return types.ListToolsResult(tools=self._shown)

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Call a tool as whoever asks. What is refused is a result that says so, with REST's code and sentence."""
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name}. `tools/list` names all.")
        try:
            visitor = self._visitor(context)
            check_tool(visitor.verified, tool)
            asked = read_arguments(params.arguments or {}, tool.takes)
            waits = asked.seconds if isinstance(asked, WaitForMentions) else 0
            async with asyncio.timeout(self._services.settings.request_timeout_s + waits):
                result = msgspec.to_builtins(await tool.call(visitor, asked))
        except Exception as error:  # noqa: BLE001 - every error is shown in the one way, what nobody expected is logged
            problem = problem_of(as_crewhall_error(error))
            return _result(problem, f"{problem['detail']} ({problem['code']})", is_error=True)
        return _result(result, msgspec.json.encode(result).decode())

    async def list_resources(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """The conversations within reach."""
        asked = ListConversations(after=params.cursor if params else None, limit=50)
        page = await self._ask(conversations.list_conversations(self._visitor(context), asked))
        return types.ListResourcesResult(
            resources=[_resource(one) for one in page.conversations], next_cursor=page.next
        )

    async def list_resource_templates(self, _context: Context, _params: object) -> types.ListResourceTemplatesResult:
        """How a conversation is addressed."""
        template = types.ResourceTemplate(
            name="conversation",
            title="A conversation",
            uri_template=CONVERSATION + "{conversation_id}",
            description="The newest messages of a conversation.",
            mime_type=JSON,
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """The newest messages of a conversation."""
        asked = ReadMessages(conversation_id=_conversation_of(params.uri), limit=50)
        found = await self._ask(conversations.read_messages(self._visitor(context), asked))
        text = msgspec.json.encode(found).decode()
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=params.uri, mime_type=JSON, text=text)]
        )

    async def list_prompts(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        """The quick tasks that the caller may give."""
        listing = prompts.list_prompts(self._visitor(context), params.cursor if params else None)
        return await self._ask(listing)

    async def get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """What one of them asks."""
        return await self._ask(prompts.get_prompt(self._visitor(context), params.name))

    async def _ask(self, answer: Awaitable[T]) -> T:
        """Await an answer outside of a tool: an error becomes the protocol's."""
        try:
            async with asyncio.timeout(self._services.settings.request_timeout_s):
                return await answer
        except Exception as error:
            raise _protocol_error(as_crewhall_error(error)) from error

    def _visitor(self, context: Context) -> Visitor:
        assert context.request is not None
        scope = context.request.scope
        actor: Actor = scope["actor"]
        if actor.org_id is None:
            raise NO_ORGANIZATION("Choose an organization first: send its id or slug as `X-Crewhall-Org`.")
        services = self._services
        return Visitor(
            db=services.db, actor=actor, parts=services, base_url=services.base_url, services=services,
            verified=scope["verified"],
        )  # fmt: skip


def make_manager(services: Services) -> StreamableHTTPSessionManager:
    """The transport: streamable HTTP without sessions. Host, body size and who calls were checked before.

    Answers are JSON: its library's event streams look twice a second, for ever, whether the process stops.
    """
    return StreamableHTTPSessionManager(
        app=Offer(services).server(),
        stateless=True,
        json_response=True,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=services.settings.body_limit_kb * 1024,
    )


def read_arguments(arguments: dict[str, Any], takes: type[msgspec.Struct] | type[Open]) -> msgspec.Struct | Open:
    """Read a call's arguments, or refuse them with a sentence that names the field."""
    try:
        return msgspec.convert(arguments, takes)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        field = place.strip("`.")
        raise INVALID(f"{field}: {in_words(message)}" if field else in_words(message), field=field or None) from error


def _shown(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        output_schema=_output(tool),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.is_read_only,
            destructive_hint=tool.is_destructive,
            idempotent_hint=tool.is_read_only or tool.is_idempotent,
            open_world_hint=False,
        ),
    )


def _output(tool: Tool) -> Schema | None:
    return schema_of(tool.gives) if tool.gives else None


def _result(structured: Any, text: str, *, is_error: bool = False) -> types.CallToolResult:
    content = [types.TextContent(text=text)]
    return types.CallToolResult(content=list(content), structured_content=structured, is_error=is_error)


def _resource(found: ShownConversation) -> types.Resource:
    name = found.name or found.title or (found.partner.name if found.partner else "") or str(found.kind)
    return types.Resource(
        uri=f"{CONVERSATION}{found.id}", name=name, description=found.description or None, mime_type=JSON
    )


def _conversation_of(uri: str) -> UUID:
    try:
        if not uri.startswith(CONVERSATION):
            raise ValueError(uri)
        return UUID(uri.removeprefix(CONVERSATION))
    except ValueError as error:
        sentence = f"Resources are addressed as {CONVERSATION}{{conversation_id}}."
        raise MCPError(types.INVALID_PARAMS, sentence) from error


def _protocol_error(error: CrewhallError) -> MCPError:
    code = types.INTERNAL_ERROR if error.kind.status >= 500 else types.INVALID_PARAMS  # noqa: PLR2004
    return MCPError(code, error.detail, problem_of(error))
