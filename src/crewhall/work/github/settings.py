"""Settings of GitHub's part."""

from pydantic import Field

from crewhall.kernel.addresses import WebAddress
from crewhall.kernel.settings import CrewhallSettings


class GithubSettings(CrewhallSettings):
    """Where GitHub is, how much it may send, and how long that is kept."""

    github_api: WebAddress = Field(
        "https://api.github.com", description="Address of GitHub's API; of an own server `https://host/api/v3`."
    )
    github_payload_kb: int = Field(
        25 * 1024, ge=64, le=65536, description="Largest delivery of GitHub's webhooks, in KiB; it sends up to 25 MiB."
    )
    github_payload_days: int = Field(
        14, ge=1, le=365, description="Days that deliveries keep what came in; three times as long they are listed."
    )
    github_sync_minutes: int = Field(
        60, ge=5, le=10_080, description="Minutes after which a repository is read again, if no webhook says more."
    )
    github_syncs_at_once: int = Field(
        2, ge=0, le=16, description="Repositories that one process reads at once; 0 leaves GitHub's work to others."
    )
