"""Short programs to copy: how an agent is connected, and how it is asked, from outside."""

from msgspec import Struct

SAMPLE = """\
from crewhall.sdk import Agent

agent = Agent()  # CREWHALL_URL, CREWHALL_AGENT_KEY

@agent.on_mention
async def answer(message):
    return f"You said: {message.text}"

agent.run()
"""
"""The smallest agent, word for word as in README.md."""

START = """\
export CREWHALL_URL={address}
export CREWHALL_AGENT_KEY={key}
.venv/bin/python {code}.py
"""

MCP = """\
export CREWHALL_TOKEN={key}
crewhall --server {address} mcp config
"""

WEBHOOK = """\
crewhall --server {address} agent webhook set {code} https://…
export WEBHOOK_SECRET=whsec_…
.venv/bin/python examples/webhook_agent.py
"""

OPENAI = """\
from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key="cwp_…")
answer = client.chat.completions.create(
    model="{code}",
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.choices[0].message.content)
"""

CURL = """\
curl {address}/v1/chat/completions \\
  -H "Authorization: Bearer cwp_…" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{code}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
"""


class Snippets(Struct, frozen=True):
    """The programs for one agent. It answers by `sample` and `start`, through MCP, or served at an address.

    It is asked by the others.
    """

    sample: str
    start: str
    mcp: str
    webhook: str
    openai: str
    curl: str


def snippets_for(code: str, address: str, key: str | None) -> Snippets:
    """The programs with an agent's code, the installation's address and, where it was just made, the agent's key."""
    values = {"code": code, "address": address, "key": key or "cwk_…"}
    return Snippets(SAMPLE, *(text.format(**values) for text in (START, MCP, WEBHOOK, OPENAI, CURL)))
