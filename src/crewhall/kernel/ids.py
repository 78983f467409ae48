"""Primary keys: UUIDv7, minted by the server only, sortable by time of creation (RFC 9562)."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return uuid_utils.compat.uuid7()
