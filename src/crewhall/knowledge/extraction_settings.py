"""Settings of extraction."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings


class ExtractionSettings(CrewhallSettings):
    """How much of a document is read, and at what price."""

    extraction_characters: int = Field(
        20_000_000, ge=1_000, le=200_000_000, description="Most characters of one document that are read."
    )
    extraction_pages: int = Field(5_000, ge=1, le=100_000, description="Most pages or slides of one document.")
    extraction_s: float = Field(3_600, gt=0, le=86_400, description="Longest time for one document, in seconds.")
    extraction_silence_s: float = Field(
        180, gt=0, le=3_600, description="Longest time in which nothing of a document is read, in seconds."
    )
    extraction_memory_mb: int = Field(
        3_072, ge=512, le=65_536, description="Address space of the process that reads a document, in MiB."
    )
    extraction_ocr: bool = Field(
        default=True, description="Look for text in pictures and scanned pages (needs `crewhall[ocr]`)."
    )
