"""Settings of files: how large they may be."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings

MIB = 1024 * 1024


class FileSettings(CrewhallSettings):
    """The limits of what people and agents attach."""

    image_mb: int = Field(10, ge=1, le=100, description="Largest image that is taken, in MiB.")
    document_mb: int = Field(50, ge=1, le=10_000, description="Largest file of any other kind, in MiB.")
    rate_uploads_per_minute: int = Field(120, ge=1, description="Files that one person or agent uploads per minute.")

    def limit_of(self, media_type: str) -> int:
        """The most bytes that a file of this type may have."""
        return (self.image_mb if media_type.startswith("image/") else self.document_mb) * MIB
