"""What agents of this installation may think with, and which tools they may use."""

from crewhall.agents import Catalog
from crewhall.runtime.endpoints import read_endpoints
from crewhall.runtime.local import LOCAL, find_weights
from crewhall.runtime.server_tools import ToolServers
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tools import TOOLS

BUILT_IN = {"crewhall": ["guide", "librarian", "scribe"]}
KEYED = ("openai", "anthropic", "google", "groq", "mistral", "openrouter", "deepseek")


def catalog_of(settings: TurnSettings, servers: ToolServers) -> Catalog:
    """Return the providers that can be used here, and the tools."""
    keyed = [name for name in KEYED if getattr(settings, f"{name}_api_key") is not None]
    names = [*read_endpoints(settings.model_endpoints), *keyed]
    weights = find_weights(settings)
    local = {} if weights is None else {LOCAL: [weights.name]}
    return Catalog(
        providers=BUILT_IN | local | {name: [] for name in names},
        tools=[(tool.name, tool.description) for tool in TOOLS.values()],
        more=servers.names_of,
    )
