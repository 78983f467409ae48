"""What `doctor` looks at: what a user could get wrong, with the mend."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import crewhall.main  # noqa: F401 - brings in every package's settings
from crewhall.adapters.kafka.settings import LogEngine, LogSettings
from crewhall.adapters.mailing import MailSettings
from crewhall.faces.cli.runfile import find_running
from crewhall.faces.cli.storage import describe_data, describe_dump
from crewhall.faces.cli.variables import warn_of_unknown
from crewhall.identity import WEAK_PASSWORD, IdentitySettings, check_owner, is_weak
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.checks import Finding, check_database, refusal
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.external import resolve_external
from crewhall.kernel.postgres.storage import look_at_storage
from crewhall.kernel.settings import CrewhallSettings, KernelSettings, load_settings
from crewhall.kernel.tracing import check_tracing

LEAST_DISK_MB = 500
CLOCK_FLOOR = datetime(2026, 1, 1, tzinfo=UTC)
MAIL_TIMEOUT_S = 5.0


def look() -> Iterator[Finding]:
    """Check one thing after another; never raises for what is wrong."""
    yield Finding("Python", ok=sys.version_info >= (3, 11), detail=sys.version.split()[0], mend="Use 3.11 or newer.")
    wrong = list(_bad_settings())
    yield from wrong
    if wrong:
        return
    settings = load_settings(KernelSettings)
    yield _home(settings.home)
    yield _disk(settings.home)
    yield _port(settings)
    yield _clock()
    yield from _owner(settings)
    yield from _unknown()
    yield _public(settings)
    yield _mail()
    yield _local_model()
    yield from _copies()
    yield from _database(settings)


def _bad_settings() -> Iterator[Finding]:
    """What of the settings `up` would refuse: of each package that reads some, the first."""
    for kind in CrewhallSettings.registry:
        try:
            loaded = load_settings(kind)
            if isinstance(loaded, KernelSettings):
                check_tracing(loaded)
        except CrewhallError as error:
            yield Finding("settings", ok=False, detail=error.detail, mend="Correct it: `crewhall up` refuses it.")


def _home(home: Path) -> Finding:
    place = home
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        return Finding("data folder", ok=False, detail=f"{place} cannot be written", mend="Set CREWHALL_HOME.")
    open_to_others = home.exists() and home.stat().st_mode & 0o077
    if open_to_others:
        return Finding("data folder", ok=False, detail=f"{home} is open to others", mend=f"Run: chmod 700 {home}")
    return Finding("data folder", ok=True, detail=f"{home}" + ("" if home.exists() else " (made at first start)"))


def _disk(home: Path) -> Finding:
    place = home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free // 2**20
    return Finding("disk", ok=free >= LEAST_DISK_MB, detail=f"{free} MiB free", mend="Free some space.")


def _port(settings: KernelSettings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    if any(urlsplit(one.address).port == settings.port for one in find_running(settings.home)):
        return Finding("port", ok=True, detail=f"{where} is served by this data folder")
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            mend = "Stop what uses it, or set CREWHALL_PORT (0 picks a free one)."
            return Finding("port", ok=False, detail=f"{where}: {error.strerror}", mend=mend)
    return Finding("port", ok=True, detail=f"{where} is free")


def _clock() -> Finding:
    now = datetime.now(UTC)
    mend = "Set the clock (NTP): ids and expiry times depend on it."
    return Finding("clock", ok=now > CLOCK_FLOOR, detail=now.isoformat(timespec="seconds"), mend=mend)


def _mail() -> Finding:
    mail = load_settings(MailSettings)
    if mail.smtp_host is None:
        return Finding("mail", ok=True, detail="no mail server: mails are shown on the console")
    where = f"{mail.smtp_host}:{mail.smtp_port}"
    try:
        socket.create_connection((mail.smtp_host, mail.smtp_port), timeout=MAIL_TIMEOUT_S).close()
    except OSError as error:
        mend = "Correct CREWHALL_SMTP_HOST and CREWHALL_SMTP_PORT, or start the mail server."
        return Finding("mail", ok=False, detail=f"{where} does not answer: {error}", mend=mend)
    return Finding("mail", ok=True, detail=f"{where} answers")


def _local_model() -> Finding:
    """Nobody needs one: without it nothing is wrong."""
    from crewhall.runtime import TurnSettings, find_weights

    try:
        settings = load_settings(TurnSettings)
    except CrewhallError as error:
        return Finding("local model", ok=False, detail=error.detail, mend="See docs/settings.md.")
    found = find_weights(settings)
    if found is not None:
        return Finding("local model", ok=True, detail=f"{found.name}, {found.path.stat().st_size // 2**20} MiB")
    if settings.local_model is not None:
        mend = "Name a file of weights, and install what serves it (docs/models.md, a small model)."
        return Finding("local model", ok=False, detail=f"{settings.local_model} cannot be served", mend=mend)
    return Finding("local model", ok=True, detail="none is installed (docs/models.md)")


def _owner(settings: KernelSettings) -> Iterator[Finding]:
    """The owner that the settings name; once there is a database it may have one, and they count no more."""
    try:
        owner = check_owner(load_settings(IdentitySettings))
    except CrewhallError as error:
        starts_anew = settings.database_url is None and EmbeddedPostgres(settings.home).status().version is None
        mend = "Correct them before the first start: they make the owner."
        yield Finding("owner", ok=not starts_anew, detail=error.detail, mend=mend, warning=not starts_anew)
    else:
        if owner is not None and is_weak(owner[1]):
            yield Finding("owner", ok=True, detail=owner[0], mend=f"{WEAK_PASSWORD}.", warning=True)
        elif owner is not None:
            yield Finding("owner", ok=True, detail=f"{owner[0]}, made at the first start")


def _copies() -> Iterator[Finding]:
    """How many brokers may be lost before messages are, where Kafka keeps them."""
    found = load_settings(LogSettings)
    if found.log is LogEngine.KAFKA:
        is_one = found.kafka_replication == 1
        detail = "one copy of each topic" if is_one else f"{found.kafka_replication} copies of each topic"
        mend = "Its broker takes it along: set CREWHALL_KAFKA_REPLICATION, 3 where there are three brokers or more."
        yield Finding("Kafka", ok=True, detail=detail, mend=mend, warning=is_one)


def _unknown() -> Iterator[Finding]:
    for warning in warn_of_unknown():
        yield Finding("setting", ok=True, detail=warning, mend="docs/settings.md lists them all.", warning=True)


def _public(settings: KernelSettings) -> Finding:
    url = settings.public_url
    if url is None:
        loopback = settings.host in {"127.0.0.1", "::1", "localhost"}
        detail = "this machine only" if loopback else f"plain HTTP on {settings.host}"
        mend = "Put a proxy with TLS in front, and set CREWHALL_PUBLIC_URL and CREWHALL_TRUSTED_PROXIES."
        return Finding("address", ok=loopback, detail=detail, mend=mend)
    if urlsplit(url).scheme != "https":
        return Finding("address", ok=False, detail=f"{url} is not encrypted", mend="Use an https:// address.")
    if not settings.trusted_proxies:
        mend = "Set CREWHALL_TRUSTED_PROXIES to the proxy's address, or every client looks the same to rate limits."
        return Finding("address", ok=False, detail=f"{url}, but no proxy is trusted", mend=mend)
    return Finding("address", ok=True, detail=url)


def _database(settings: KernelSettings) -> Iterator[Finding]:
    try:
        if settings.database_url is not None:
            admin = settings.database_admin_url
            url = settings.database_url.get_secret_value()
            yield from check_database(resolve_external(url, admin.get_secret_value() if admin else None))
            return
        if not settings.home.exists():
            yield Finding("database", ok=True, detail="the embedded Postgres is made at first start")
            return
        postgres = EmbeddedPostgres(settings.home, run_as=settings.database_user)
        found = postgres.status()
        storage = look_at_storage(settings.home, settings.database_user, found)
        if storage.data is not None:
            yield Finding("data", ok=True, detail=describe_data(storage))
            yield Finding("dump", ok=True, detail=describe_dump(storage))
        if found.pid is None:
            detail = "the embedded Postgres is stopped" if found.version else "is made at first start"
            yield Finding("database", ok=True, detail=detail)
            return
        urls = postgres.start()
        try:
            yield from check_database(urls)
        finally:
            postgres.release()
    except CrewhallError as error:
        yield refusal("database", error)
