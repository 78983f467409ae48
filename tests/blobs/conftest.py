"""A server that speaks S3 on the wire, for the bucket adapter."""

from collections.abc import Iterator

import httpx
import pytest

from crewhall.adapters.blobs.making import BlobSettings

KEY = "testing"


@pytest.fixture(scope="session")
def bucket() -> Iterator[BlobSettings]:
    """An empty bucket on a server of its own, in a thread."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    httpx.put(f"{address}/attic", headers={"authorization": "AWS4-HMAC-SHA256 Credential=testing/x/us-east-1/s3/aws4"})
    yield BlobSettings(
        blobs="s3://attic/hall",
        blobs_endpoint=address,
        blobs_region="us-east-1",
        blobs_access_key_id=KEY,
        blobs_secret_access_key=KEY,
    )
    server.stop()
