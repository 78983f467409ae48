"""Settings of knowledge."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings


class KnowledgeSettings(CrewhallSettings):
    """How much of the machine making things searchable may take."""

    documents_at_once: int = Field(
        2, ge=0, le=64, description="Documents that one process makes searchable at once; 0 leaves them to others."
    )
    messages_by_meaning: bool = Field(
        default=True,
        description="Whether messages are found by what they mean, too. This process embeds them behind the log, "
        "unless it leaves documents to others.",
    )
