"""Settings of work sessions."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings


class SessionSettings(CrewhallSettings):
    """When an agent at work is taken for gone."""

    session_silence_minutes: int = Field(
        60, ge=1, le=10_080, description="Minutes without a sign of life after which an agent's work session is closed."
    )
