"""Mail: by a real SMTP conversation, or kept and shown where there is no mail server."""

from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from crewhall.adapters.mailing import ConsoleMailer, MailSettings, SmtpMailer, make_mailer
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.settings import load_settings
from crewhall.ports.mailer import Mail

LEAVE = f"<https://hall.example/unsubscribe/{'x' * 100}>"
MAIL = Mail(
    "ada@example.org",
    "Welcome to Acme",
    "Open https://hall.example/invitation/x — until Friday.",
    html="<p>Until <b>Friday</b>.</p>",
    headers={"List-Unsubscribe": LEAVE, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)


class Inbox:
    """Keeps what the mail server was given."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, _server: object, _session: object, envelope: Any
    ) -> str:
        self.envelopes.append(envelope)
        return "250 kept"


async def test_a_mail_server_gets_the_mail(free_port: int) -> None:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port)
    controller.start()
    try:
        mailer = make_mailer(
            MailSettings(smtp_host="127.0.0.1", smtp_port=free_port, smtp_security="none", mail_from="hall@example.org")
        )
        await mailer.send(MAIL)
    finally:
        controller.stop()
    (envelope,) = inbox.envelopes
    message = message_from_bytes(envelope.content)
    assert (envelope.rcpt_tos, message["Subject"], message["From"]) == ([MAIL.to], MAIL.subject, "hall@example.org")
    parts: dict[str, Any] = {
        part.get_content_type(): part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()
    }
    assert "until Friday" in parts["text/plain"].decode()
    assert "<b>Friday</b>" in parts["text/html"].decode()
    assert f"\r\nList-Unsubscribe: {LEAVE}\r\n".encode() in envelope.content, "whole, and as it is written"


async def test_a_dead_mail_server_is_unavailable_with_a_hint(free_port: int) -> None:
    mailer = SmtpMailer(MailSettings(smtp_host="127.0.0.1", smtp_port=free_port, smtp_security="none"))
    with pytest.raises(CrewhallError) as refused:
        await mailer.send(MAIL)
    assert refused.value.code == "unavailable"
    assert "CREWHALL_SMTP" in refused.value.detail


async def test_without_a_mail_server_mails_are_kept_for_the_owner() -> None:
    mailer = make_mailer(MailSettings())
    assert isinstance(mailer, ConsoleMailer)
    await mailer.send(MAIL)
    assert mailer.sent[-1].mail == MAIL


def test_a_mail_server_without_what_speaks_with_it_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crewhall.adapters.mailing.find_spec", lambda _name: None)
    assert isinstance(make_mailer(MailSettings()), ConsoleMailer)
    with pytest.raises(CrewhallError) as refused:
        load_settings(MailSettings, smtp_host="mail.example")
    assert refused.value.fields["setting"] == "CREWHALL_SMTP_HOST"
    assert "extra `mail`" in refused.value.detail
