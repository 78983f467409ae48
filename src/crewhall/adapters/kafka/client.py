"""Connections to Kafka, as the settings want them. The library is imported with the first."""

from __future__ import annotations

import logging
import ssl
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from crewhall.adapters.kafka.settings import LogEngine, LogSettings, SaslMechanism
from crewhall.kernel.errors import define_error
from crewhall.kernel.settings import BAD_SETTING

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient

KAFKA_AWAY = define_error("kafka_away", 503, "Kafka is away")
LARGEST_RECORD = 16 * 1024 * 1024
"""The most bytes of a record; topics are made so that they take it."""
LARGEST_BATCH = 256 * 1024
FETCH_WAIT_MS = 250
"""How long a broker holds a request for news back: a new topic is asked for with the next one."""
GROUP_FETCH_WAIT_MS = 1000
REQUEST_TIMEOUT_MS = 15_000


def options_of(settings: LogSettings) -> dict[str, Any]:
    """What every client of Kafka is made with. Raises BAD_SETTING."""
    if find_spec("aiokafka") is None:
        is_log = settings.log is LogEngine.KAFKA
        setting = "CREWHALL_LOG" if is_log else "CREWHALL_KAFKA_BOOTSTRAP"
        wanted = "CREWHALL_LOG is kafka" if is_log else "CREWHALL_KAFKA_BOOTSTRAP names brokers for agents"
        raise BAD_SETTING(
            f"{wanted}, but what speaks with Kafka is not installed. Install crewhall[kafka].", setting=setting
        )
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # ten lines a second while a broker is away: we say it once
    protocol = ("SASL_" if settings.kafka_sasl else "") + ("SSL" if settings.kafka_tls else "PLAINTEXT")
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "client_id": "crewhall",
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "security_protocol": protocol,
        "ssl_context": _tls(settings) if settings.kafka_tls else None,
    }
    if settings.kafka_sasl is not None and settings.kafka_password is not None:
        options |= {
            "sasl_mechanism": str(SaslMechanism(settings.kafka_sasl)),
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options


def _tls(settings: LogSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_tls_ca and str(settings.kafka_tls_ca))
        if settings.kafka_tls_cert is not None:
            context.load_cert_chain(
                str(settings.kafka_tls_cert), settings.kafka_tls_key and str(settings.kafka_tls_key)
            )
    except (OSError, ssl.SSLError) as error:
        raise BAD_SETTING(
            f"A certificate or key of CREWHALL_KAFKA_TLS_… cannot be read: {error}", setting="CREWHALL_KAFKA_TLS_CA"
        ) from error
    return context


def make_producer(settings: LogSettings) -> AIOKafkaProducer:
    """A producer whose records are acknowledged by all replicas in step, each written once and in order."""
    from aiokafka import AIOKafkaProducer

    return AIOKafkaProducer(
        **options_of(settings),
        acks="all",
        enable_idempotence=True,
        max_batch_size=LARGEST_BATCH,
        max_request_size=LARGEST_RECORD,
    )


def make_consumer(settings: LogSettings) -> AIOKafkaConsumer:
    """A consumer without a group: what it reads, and from where, the database says."""
    from aiokafka import AIOKafkaConsumer

    return AIOKafkaConsumer(
        **options_of(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=1024 * 1024,
    )


def make_group_consumer(settings: LogSettings, group: str) -> AIOKafkaConsumer:
    """A consumer that shares what it subscribes to with the others of its group; it notes at Kafka when it is told."""
    from aiokafka import AIOKafkaConsumer

    return AIOKafkaConsumer(
        **options_of(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=GROUP_FETCH_WAIT_MS,
        metadata_max_age_ms=60_000,  # a topic that one broker did not know yet is missed no longer
    )


def make_admin(settings: LogSettings) -> AIOKafkaAdminClient:
    """Makes and deletes topics."""
    from aiokafka.admin import AIOKafkaAdminClient

    return AIOKafkaAdminClient(**options_of(settings))
