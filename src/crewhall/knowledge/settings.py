"""Settings of knowledge."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings


class KnowledgeSettings(CrewhallSettings):
    """How much of the machine making things searchable may take."""

    documents_at_once: int = Field(
        2, ge=0, le=64, description="Documents that one process makes searchable at once; 0 leaves them to others."
    )
