"""Which engine keeps the log, and how Kafka is reached."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from crewhall.kernel.settings import BAD_SETTING, CrewhallSettings


class LogEngine(StrEnum):
    """Where messages live."""

    POSTGRES = "postgres"
    KAFKA = "kafka"


class TopicLayout(StrEnum):
    """Whether each conversation has a topic of its own."""

    PER_CONVERSATION = "per_conversation"
    SHARED = "shared"


class SaslMechanism(StrEnum):
    """How Crewhall signs in to Kafka."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogSettings(CrewhallSettings):
    """The message log."""

    log: LogEngine = Field(LogEngine.POSTGRES, description="Where messages live: `postgres` or `kafka`.")
    kafka_bootstrap: str = Field("", description="Brokers to begin with, as `host:port`, with commas between them.")
    kafka_topics: TopicLayout = Field(
        TopicLayout.PER_CONVERSATION,
        description="`per_conversation`: a topic for each; `shared`: one topic for all, for very many conversations.",
    )
    kafka_partitions: int = Field(
        64, ge=1, le=10_000, description="Partitions of the shared topic; they are not changed afterwards."
    )
    kafka_replication: int = Field(1, ge=1, le=9, description="Copies that Kafka keeps of each topic; 3 is usual.")
    kafka_prefix: str = Field(
        "crewhall", pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$", description="What names of topics begin with."
    )
    kafka_tls: bool = Field(default=False, description="Speak TLS with the brokers.")
    kafka_tls_ca: Path | None = Field(None, description="Certificates that brokers are checked by; else the system's.")
    kafka_tls_cert: Path | None = Field(None, description="Certificate that Crewhall shows to brokers.")
    kafka_tls_key: Path | None = Field(None, description="Its key.")
    kafka_sasl: SaslMechanism | None = Field(
        None, description="Sign in by `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`; unset: not at all."
    )
    kafka_user: str = Field("", description="Name to sign in with.")
    kafka_password: SecretStr | None = Field(None, description="Password to sign in with.")

    @model_validator(mode="after")
    def _check_kafka(self) -> Self:
        if self.log is LogEngine.KAFKA and not self.kafka_bootstrap:
            raise BAD_SETTING(
                "CREWHALL_LOG is kafka, but CREWHALL_KAFKA_BOOTSTRAP does not say where the brokers are. Set it to"
                " something like broker-1:9092,broker-2:9092.",
                setting="CREWHALL_KAFKA_BOOTSTRAP",
            )
        if (self.kafka_tls_cert is None) != (self.kafka_tls_key is None):
            raise BAD_SETTING(
                "CREWHALL_KAFKA_TLS_CERT and CREWHALL_KAFKA_TLS_KEY belong together. Set both, or neither.",
                setting="CREWHALL_KAFKA_TLS_CERT",
            )
        if self.kafka_sasl is not None and (not self.kafka_user or self.kafka_password is None):
            raise BAD_SETTING(
                "CREWHALL_KAFKA_SASL needs CREWHALL_KAFKA_USER and CREWHALL_KAFKA_PASSWORD.",
                setting="CREWHALL_KAFKA_USER",
            )
        return self

    @property
    def shared_partitions(self) -> int:
        """How many partitions conversations share; 0 where each has its own topic."""
        return self.kafka_partitions if self.kafka_topics is TopicLayout.SHARED else 0

    @property
    def kafka_in_step(self) -> int:
        """How many copies have a record before Kafka acknowledges it: two, where one may then be away."""
        return 2 if self.kafka_replication > 2 else 1  # noqa: PLR2004
