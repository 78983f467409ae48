"""Settings of imports."""

from pydantic import Field

from crewhall.kernel.settings import CrewhallSettings


class ImportSettings(CrewhallSettings):
    """How large an archive may be."""

    import_mb: int = Field(2048, ge=1, le=100_000, description="Largest archive that is imported, in MiB.")
