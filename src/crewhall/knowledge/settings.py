"""Settings of knowledge."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings


class KnowledgeSettings(CrewhallSettings):
    """How much of the machine making things searchable may take."""

    documents_at_once: int = Field(
        2,
        ge=0,
        le=64,
        description="Documents that one process reads at once, and as many that it embeds beside them; 0 leaves "
        "them to others.",
    )
    organization_passages: int = Field(
        1_000_000,
        ge=0,
        description="Passages that the documents of one organization may have together; 0: as many as there are.",
    )
    messages_by_meaning: bool = Field(
        default=True,
        description="Whether messages are found by what they mean, too. This process embeds them behind the log, "
        "unless it leaves documents to others.",
    )
