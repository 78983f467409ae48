"""Settings of agents: presence and the limits on their keys."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings


class AgentSettings(CrewhallSettings):
    """How long a heartbeat is good for, and how often keys may be tried."""

    presence_timeout_s: float = Field(90, ge=1, le=3600, description="Seconds that an agent's heartbeat is good for.")
    presence_write_s: float = Field(15, ge=0, le=600, description="Seconds between writes of an unchanged presence.")
    presence_grace_s: float = Field(
        5, ge=0, le=600, description="Seconds for which an agent may reconnect after its last socket closed."
    )
    key_usage_flush_s: float = Field(10, gt=0, le=600, description="Seconds until counted uses of keys are written.")
    rate_key_per_minute: int = Field(30, ge=1, description="Checks of agent keys per minute, address and key prefix.")
    rate_key_prefix_per_minute: int = Field(
        600, ge=1, description="Checks of unknown agent keys per minute and key prefix, from all addresses together."
    )
    rate_key_address_per_minute: int = Field(600, ge=1, description="Checks of agent keys per minute and address.")
