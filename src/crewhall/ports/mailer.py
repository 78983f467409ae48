"""Outgoing mail: invitations, password resets, digests."""

from collections import deque
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from crewhall.kernel.clock import utc_now


class Mail(msgspec.Struct, frozen=True):
    """One mail to one person: plain text, and the same as HTML where there is any.

    `org_id` is the organization that sends it: without a mail server its owner may read it. A mail that proves who
    reads it (a password reset) has none: nobody else may. `headers` are added to those that every mail has.
    """

    to: str
    subject: str
    body: str
    org_id: UUID | None = None
    html: str | None = None
    headers: dict[str, str] = {}


class SentMail(msgspec.Struct, frozen=True):
    """A mail and when it was handed over."""

    mail: Mail
    sent_at: datetime


class Mailer(Protocol):
    """Hands mails over. `send` may raise UNAVAILABLE; it never blocks the loop."""

    async def send(self, mail: Mail) -> None:
        """Hand one mail over."""
        ...


class MemoryMailer:
    """Keeps the last hundred mails: the fake of tests, and the base of the local mailer."""

    def __init__(self) -> None:
        self.sent: deque[SentMail] = deque(maxlen=100)

    async def send(self, mail: Mail) -> None:
        """Keep the mail."""
        self.sent.append(SentMail(mail, utc_now()))

    def sent_for(self, org_id: UUID) -> list[SentMail]:
        """The mails that an organization sent, newest first."""
        return [sent for sent in reversed(self.sent) if sent.mail.org_id == org_id]
