"""The tools that resident agents may be given, from every domain; a run calls them as its agent."""

import crewhall.agents.tools as agents
import crewhall.conversations.tools as conversations
import crewhall.identity.tools as identity
import crewhall.knowledge.tools as knowledge
import crewhall.work.tools as work
from crewhall.agents.tools import MEMORY
from crewhall.kernel.tools import Caller, Tool
from crewhall.runtime.asking import ASK_AGENT
from crewhall.runtime.fetching import FETCH

__all__ = ["TOOLS", "Caller", "Tool"]

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        *conversations.TOOLS,
        *knowledge.TOOLS,
        *work.TOOLS,
        *agents.TOOLS,
        *identity.TOOLS,
        *MEMORY,
        ASK_AGENT,
        FETCH,
    )
}
"""The tools that come with Crewhall, by the name that agents list them by."""
