"""Blob stores: a local folder, or a bucket that speaks S3."""

from crewhall.adapters.blobs.making import BlobSettings, make_blobs

__all__ = ["BlobSettings", "make_blobs"]
