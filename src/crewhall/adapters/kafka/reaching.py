"""What keeps us from Kafka, in words: its library says only that no broker could be reached."""

from __future__ import annotations

import ssl

from crewhall.adapters.kafka.client import options_of
from crewhall.adapters.kafka.settings import LogSettings

ASK_MS = 5_000
REFUSED = {"SaslAuthenticationFailed", "AuthenticationFailedError"}
"""Errors of a broker that does not take the name or the password."""
OTHERWISE = {"UnsupportedSaslMechanismError", "AuthenticationMethodNotSupported", "IllegalSaslStateError"}
"""Errors of a broker that wants us to sign in otherwise."""

OTHER_PROTOCOL = (TimeoutError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""Errors of a port that does not understand what we say: whether a broker listens there, it does so otherwise."""


async def why_away(settings: LogSettings, error: BaseException) -> str:
    """Connect to the brokers that we begin with, one after the other, until one fails; say why, and what to do.

    `error` is what the library said.
    """
    from aiokafka.conn import collect_hosts, create_conn

    options = options_of(settings) | {"request_timeout_ms": ASK_MS}
    for host, port, _ in collect_hosts(options.pop("bootstrap_servers")):
        try:
            connection = await create_conn(host, port, **options)
        except Exception as found:  # noqa: BLE001 - whatever it is, it is told
            return _words(f"{host}:{port}", found, settings)
        connection.close()
    if "Authorization" in type(error).__name__:
        return (
            f"Kafka takes the name {settings.kafka_user or 'of nobody'} and lets it do too little"
            f" ({type(error).__name__}). docs/kafka.md lists the rights that Crewhall's user needs."
        )
    return (
        f"Kafka takes us at {settings.kafka_bootstrap}, and then does not answer as it should ({type(error).__name__})."
        " See that all of its brokers run, and can be reached where they say they are (advertised.listeners)."
    )


def _words(address: str, error: BaseException, settings: LogSettings) -> str:
    """The reason and the mend. What the library says is named by its type alone: it may hold what we signed in with."""
    name = type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {address} is not trusted ({error.verify_message}). Set CREWHALL_KAFKA_TLS_CA to the"
            " certificate of the authority that signed it."
        )
    if isinstance(error, ssl.SSLError):
        return f"{address} does not speak TLS as we do ({error.reason}). See CREWHALL_KAFKA_TLS and the port."
    if name in REFUSED:
        return (
            f"Kafka at {address} does not take the name {settings.kafka_user} with this password. See"
            " CREWHALL_KAFKA_USER, CREWHALL_KAFKA_PASSWORD and CREWHALL_KAFKA_SASL."
        )
    if name in OTHERWISE:
        return f"Kafka at {address} does not let us sign in like this ({name}). See CREWHALL_KAFKA_SASL."
    if isinstance(error, OSError) and not isinstance(error, OTHER_PROTOCOL):
        return (
            f"Kafka cannot be reached at {address} ({error.strerror or name}). See that CREWHALL_KAFKA_BOOTSTRAP names"
            " brokers that run."
        )
    said = (
        f"Kafka does not answer at {address} ({name}). See that a broker runs there, and that CREWHALL_KAFKA_TLS and"
        " CREWHALL_KAFKA_SASL are set as that port wants them."
    )
    if not settings.kafka_tls:
        return said
    shown = "does not trust the one that we show" if settings.kafka_tls_cert else "wants one to be shown"
    return f"{said} Or it {shown}: see CREWHALL_KAFKA_TLS_CERT and CREWHALL_KAFKA_TLS_KEY."
