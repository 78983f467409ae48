"""The blob store that the settings ask for."""

from pathlib import Path

from pydantic import Field, SecretStr

from crewhall.adapters.blobs.folder import FolderBlobs
from crewhall.kernel.addresses import WebAddress
from crewhall.kernel.settings import BAD_SETTING, CrewhallSettings, blobs_folder
from crewhall.ports.blobs import Blobs

BUCKET = "s3://"


class BlobSettings(CrewhallSettings):
    """Where the bytes of files are kept."""

    blobs: str = Field(
        "", description="Where files' bytes are kept: a folder (by default in the data folder), or s3://bucket/prefix."
    )
    blobs_endpoint: WebAddress | None = Field(
        None, description="Address of the S3-compatible service, where it is not Amazon's (R2, MinIO, GCS)."
    )
    blobs_region: str | None = Field(None, description="Region of the bucket; else AWS_REGION.")
    blobs_access_key_id: str | None = Field(None, description="Key to the bucket; else AWS_ACCESS_KEY_ID or the role.")
    blobs_secret_access_key: SecretStr | None = Field(
        None, description="Its secret; else AWS_SECRET_ACCESS_KEY or the role."
    )


def make_blobs(settings: BlobSettings, home: Path) -> Blobs:
    """The store: a bucket, the folder that is named, or the data folder's own. Raises BAD_SETTING."""
    if settings.blobs.startswith(BUCKET):
        from crewhall.adapters.blobs.bucket import BucketBlobs

        return BucketBlobs(settings)
    if "://" in settings.blobs:
        raise BAD_SETTING(
            "CREWHALL_BLOBS names a folder or s3://bucket/prefix, with CREWHALL_BLOBS_ENDPOINT for other services.",
            setting="CREWHALL_BLOBS",
        )
    return FolderBlobs(Path(settings.blobs).expanduser().absolute() if settings.blobs else blobs_folder(home))
