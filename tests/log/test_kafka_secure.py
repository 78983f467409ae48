"""The log over TLS with a password or a certificate, on a real broker; and what is said where either is wrong."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from crewhall.adapters.kafka.settings import LogSettings, SaslMechanism
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import DatabaseUrls
from scripts.broker import PASSWORDS, make_certificates
from tests.log.engines import kafka_settings, running
from tests.log.ground import Ground, ground_on, leave
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.site import quiet_port

WRONG = "a-wrong-secret"


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"secure_{worker_id}")


def secure(broker: SharedBroker, user: str = "crewhall", password: str = "", **changes: object) -> LogSettings:
    """Settings for the broker's address with TLS and passwords."""
    plain = kafka_settings(broker.secure_bootstrap)
    return plain.model_copy(
        update={
            "kafka_tls": True, "kafka_tls_ca": broker.authority, "kafka_sasl": SaslMechanism.PLAIN, "kafka_user": user,
            "kafka_password": SecretStr(password or PASSWORDS[user]), **changes,
        }
    )  # fmt: skip


@asynccontextmanager
async def secured(urls: DatabaseUrls, settings: LogSettings) -> AsyncIterator[Ground]:
    async with ground_on(urls, settings) as ground:
        yield ground


def mutual(broker: SharedBroker, folder: Path | None = None) -> LogSettings:
    """Settings for the address that demands a certificate: the one in `folder`, else one that the broker trusts."""
    shown = folder or broker.authority.parent
    return kafka_settings(broker.mutual_bootstrap).model_copy(
        update={
            "kafka_tls": True, "kafka_tls_ca": broker.authority, "kafka_tls_cert": shown / "client.pem",
            "kafka_tls_key": shown / "client.key",
        }
    )  # fmt: skip


@pytest.mark.parametrize("how", [*SaslMechanism, "certificate"])
async def test_the_log_speaks_tls_and_signs_in(
    urls: DatabaseUrls, broker: SharedBroker, caplog: pytest.LogCaptureFixture, how: SaslMechanism | str
) -> None:
    """With everything that connects: the producer, the projector, who keeps topics, the rebuild, the way back."""
    caplog.set_level(logging.DEBUG)
    settings = mutual(broker) if how == "certificate" else secure(broker, kafka_sasl=how)
    async with secured(urls, settings) as ground:
        conversation = await ground.engine.conversation()
        assert (await ground.engine.log.append(ground.engine.record(conversation, "sealed"))).seq == 1
        assert await ground.engine.contents(conversation) == [(1, "sealed")]
        assert (await ground.rebuild(conversation)).is_equal
    await leave(urls, settings)
    assert PASSWORDS["crewhall"] not in caplog.text
    assert PASSWORDS["crewhall"] not in f"{settings!r} {settings}"


async def test_what_is_wrong_is_said_with_its_mend_and_without_the_password(
    urls: DatabaseUrls, broker: SharedBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    make_certificates(tmp_path)
    cases = {
        "CREWHALL_KAFKA_PASSWORD": secure(broker, password=WRONG),
        "CREWHALL_KAFKA_USER": secure(broker, user="agent", password=WRONG),
        "is not trusted .*CREWHALL_KAFKA_TLS_CA": secure(broker, kafka_tls_ca=tmp_path / "authority.pem"),
        r"CREWHALL_KAFKA_PASSWORD and": secure(broker, kafka_sasl=SaslMechanism.SCRAM_SHA_512, password=WRONG),
        "let us sign in like this .*CREWHALL_KAFKA_SASL": secure(
            broker, kafka_tls=False, password=WRONG, kafka_bootstrap=broker.bootstrap
        ),
        "wants one to be shown: see CREWHALL_KAFKA_TLS_CERT and": secure(
            broker, kafka_bootstrap=broker.mutual_bootstrap, kafka_sasl=None
        ),
        "does not trust the one that we show: see CREWHALL_KAFKA_TLS_CERT and": mutual(broker, tmp_path),
        "CREWHALL_KAFKA_TLS": secure(broker, password=WRONG, kafka_bootstrap=broker.bootstrap),
        "that CREWHALL_KAFKA_TLS and": secure(broker, kafka_tls=False, kafka_sasl=None),
        "CREWHALL_KAFKA_BOOTSTRAP": secure(broker, kafka_bootstrap=f"127.0.0.1:{quiet_port()}"),
    }
    for mend, settings in cases.items():
        with pytest.raises(CrewhallError, match=mend) as away:
            async with running(urls, settings):
                pytest.fail(f"nobody may come in like this: {mend}")
        assert away.value.code == "kafka_away", mend
        said = f"{away.value.detail} {msgspec.json.encode(away.value.fields)!r} {away.value.__cause__!r} {caplog.text}"
        assert WRONG not in said, mend


async def test_who_may_sign_in_and_do_nothing_is_told_what_kafka_refuses(
    urls: DatabaseUrls, broker: SharedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CrewhallError) as refused:
        async with running(urls, secure(broker, user="stranger").model_copy(update={
            "kafka_topics": "shared", "kafka_partitions": 1})):  # fmt: skip
            pytest.fail("a stranger makes no topics")
    assert refused.value.code == "kafka_away"
    assert "stranger" in refused.value.detail
    assert "Authorization" in refused.value.detail
    assert "docs/kafka.md" in refused.value.detail
    assert PASSWORDS["stranger"] not in caplog.text + refused.value.detail
