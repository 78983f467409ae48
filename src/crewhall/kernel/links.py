"""Links that leave Crewhall: in mails, on devices. People are in several organizations, so each names its own."""

from uuid import UUID


def path_into(org_id: UUID, path: str) -> str:
    """The path that opens one of an organization's pages wherever its reader is at the moment."""
    return f"/in/{org_id}{path}"
