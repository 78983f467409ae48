"""Mail by SMTP, or, without a mail server, shown on the console and to the owner."""

import logging
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from importlib.util import find_spec
from typing import Self

from pydantic import Field, SecretStr, model_validator

from crewhall.kernel.errors import UNAVAILABLE
from crewhall.kernel.settings import BAD_SETTING, CrewhallSettings
from crewhall.ports.mailer import Mail, Mailer, MemoryMailer

log = logging.getLogger(__name__)
TIMEOUT_S = 20.0
UNFOLDED = SMTP.clone(max_line_length=998)
"""Addresses in headers stay as they are: folded ones are encoded, and programs that unsubscribe do not decode them."""


class MailSettings(CrewhallSettings):
    """Where mail goes; without a host it is shown on the console."""

    smtp_host: str | None = Field(None, description="Mail server; without one, mails are shown on the console.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_user: str | None = Field(None, description="User name at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail server.")
    smtp_security: str = Field(
        "starttls", pattern="^(starttls|tls|none)$", description="Encryption: starttls, tls, none."
    )
    mail_from: str = Field("crewhall@localhost", description="Sender of mails.")

    @model_validator(mode="after")
    def _check_library(self) -> Self:
        if self.smtp_host and find_spec("aiosmtplib") is None:
            raise BAD_SETTING(
                "CREWHALL_SMTP_HOST needs the extra `mail`, which is not installed: see Extras in docs/install.md.",
                setting="CREWHALL_SMTP_HOST",
            )
        return self


class ConsoleMailer(MemoryMailer):
    """For a local installation: each mail goes to the log, and an organization's to its owner's page."""

    async def send(self, mail: Mail) -> None:
        """Keep and show the mail."""
        await super().send(mail)
        log.info("mail (no CREWHALL_SMTP_HOST is set, so it is shown here)", extra={"to": mail.to, "text": mail.body})


class SmtpMailer:
    """Hands mails to a mail server."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Hand one mail over; raises UNAVAILABLE when the server does not take it."""
        import aiosmtplib

        settings = self._settings
        message = EmailMessage(policy=UNFOLDED)
        message["From"], message["To"], message["Subject"] = settings.mail_from, mail.to, mail.subject
        for name, value in mail.headers.items():
            message[name] = value
        message.set_content(mail.body)
        if mail.html is not None:
            message.add_alternative(mail.html, subtype="html")
        try:
            await aiosmtplib.send(
                message.as_bytes(),
                sender=parseaddr(settings.mail_from)[1],
                recipients=[mail.to],
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user,
                password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
                use_tls=settings.smtp_security == "tls",
                start_tls=settings.smtp_security == "starttls",
                timeout=TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            log.warning("mail not sent", extra={"to": mail.to, "reason": str(error)})
            raise UNAVAILABLE("The mail server did not take the mail. Check CREWHALL_SMTP_*.") from error


def make_mailer(settings: MailSettings) -> Mailer:
    """The mailer that the settings ask for."""
    return SmtpMailer(settings) if settings.smtp_host else ConsoleMailer()
