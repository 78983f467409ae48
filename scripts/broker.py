"""An Apache Kafka broker as a process: `python -m scripts.broker` serves one until Ctrl-C (`make kafka`).

One node in KRaft mode with little memory. It listens at three addresses of this machine: one that asks nothing, whose
clients may do everything, one with TLS and passwords, and one with TLS that demands a certificate; who comes there may
do what they are granted.
"""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
START_S: Final = 180
STOP_S: Final = 60
"""Both end what hangs: a loaded machine takes its time."""
PAUSE_S: Final = 0.05
TRIES: Final = 3
CLUSTER: Final = "Q3Jld2hhbGxLYWZrYTEyMw"
JVM: Final = ["-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
HEAP_MIB: Final = 256
PASSWORDS: Final = {"crewhall": "crewhall-secret", "agent": "agent-secret", "stranger": "stranger-secret"}
"""Who may sign in at the address with TLS. `crewhall` may do everything there, the others what they are granted."""
SCRAM: Final = ("SCRAM-SHA-256", "SCRAM-SHA-512")
CLIENT: Final = "crewhall-client"
"""Whom the certificate in `client.pem` names; may do everything."""

# The broker ends when its owner does, however that ends: what stands on the other side of its standard input.
SUPERVISED: Final = 'exec 3<&0; { cat <&3 >/dev/null; kill -CONT $$; kill $$; } 2>/dev/null & exec "$@" 3<&- </dev/null'

# Metadata, version 1, of no topic: a broker that is ready knows at least itself.
METADATA: Final = struct.pack(">hhih5si", 3, 1, 1, 5, b"ready", 0)


class BrokerFailed(Exception):
    """The broker did not start; what it said last is in the message."""


def bring_jars() -> Path:
    """The jars that CREWHALL_KAFKA_JARS names, or `scripts/kafka` brings, which says what is missing. May end this."""
    named = os.environ.get("CREWHALL_KAFKA_JARS")
    if not named:
        script = Path(__file__).with_name("kafka")
        strict = {**os.environ, "CI": "true"}
        brought = subprocess.run([script], stdout=subprocess.PIPE, text=True, check=False, env=strict)
        if brought.returncode:
            raise SystemExit(1)
        named = brought.stdout.strip()
    return Path(named)


@dataclass(frozen=True)
class Ports:
    """Where a broker listens."""

    plain: int
    secure: int
    controller: int
    mutual: int


def free_ports() -> Ports:
    """Ports that nobody listens at now."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(4)]
        for each in taken:
            each.bind((HOST, 0))
        return Ports(*(each.getsockname()[1] for each in taken))


@dataclass(frozen=True)
class Far:
    """A further address that asks nothing, for clients who come by a way of their own.

    What stands in between listens at the port that they are told, and hands on to the one behind it.
    """

    told: int
    behind: int


class Broker:
    """A broker with its data below `home`, which is made; the same data when it is started again."""

    def __init__(
        self, jars: Path, home: Path, ports: Ports | None = None, *, heap_mib: int = HEAP_MIB, far: Far | None = None
    ) -> None:
        self.home = home
        self.far = far
        self._heap = f"-Xmx{heap_mib}m"
        self.ports = ports or free_ports()
        self._jars = jars
        self._chosen = ports is not None
        self._process: subprocess.Popen[bytes] | None = None
        self._owned: int | None = None

    @property
    def bootstrap(self) -> str:
        """The address that asks nothing."""
        return f"{HOST}:{self.ports.plain}"

    @property
    def secure_bootstrap(self) -> str:
        """The address with TLS and passwords (SASL/PLAIN or SCRAM, PASSWORDS)."""
        return f"{HOST}:{self.ports.secure}"

    @property
    def far_bootstrap(self) -> str:
        """The address of those who come by a way of their own."""
        assert self.far is not None
        return f"{HOST}:{self.far.told}"

    @property
    def authority(self) -> Path:
        """The certificate that the addresses with TLS are trusted by; `client.pem` and `client.key` lie beside it."""
        return self.home / "authority.pem"

    @property
    def log_file(self) -> Path:
        """What it says."""
        return self.home / "broker.log"

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more, however it ended."""
        return self._process is None or self._process.poll() is not None

    def start(self, owner: int | None = None) -> None:
        """Start the broker and wait until it answers. It ends when the other side of the pipe `owner` is closed.

        Without `owner` it ends with this process. Ports that somebody else took meanwhile are chosen anew, if they were
        not given and nothing was written yet.
        """
        for left in reversed(range(TRIES)):
            self._prepare()
            try:
                self._launch(owner)
            except BrokerFailed as failed:
                if not left or self._chosen or "BindException" not in str(failed):
                    raise
                self.ports = free_ports()
            else:
                self._chosen = True
                return

    def stop(self) -> None:
        """Let it end in order; one that does not go is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a machine that lost its power would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it where it stands: its connections stay, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused one run again."""
        os.kill(self.pid, signal.SIGCONT)

    def log(self, lines: int = 30) -> str:
        """What it said last."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def _java(self, *arguments: str, level: str = "warn") -> list[str]:
        log = [f"-Dorg.slf4j.simpleLogger.defaultLogLevel={level}", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
        return ["java", *JVM, self._heap, *log, "-cp", f"{self._jars}/*", *arguments]

    def _prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if not (self.authority.exists() and (self.home / "client.pem").exists()):
            make_certificates(self.home)
        settings = self.home / "server.properties"
        settings.write_text(_settings(self.home, self.ports, self.far))
        if (self.home / "data" / "meta.properties").exists():
            return
        scram = [
            word for name, password in PASSWORDS.items() for how in SCRAM
            for word in ("--add-scram", f"{how}=[name={name},password={password}]")
        ]  # fmt: skip
        tool = "kafka.tools.StorageTool"
        format_storage = self._java(tool, "format", "-t", CLUSTER, "-c", str(settings), *scram)
        done = subprocess.run(format_storage, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrokerFailed(done.stdout + done.stderr)

    def _launch(self, owner: int | None) -> None:
        reading = owner
        if owner is None:
            reading, self._owned = os.pipe()
        command = ["sh", "-c", SUPERVISED, "broker", *self._java("kafka.Kafka", str(self.home / "server.properties"))]
        try:
            with self.log_file.open("ab") as log:
                self._process = subprocess.Popen(
                    command, stdin=reading, stdout=log, stderr=log, start_new_session=True, cwd=self.home
                )
        finally:
            if owner is None and reading is not None:
                os.close(reading)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        until = time.monotonic() + START_S
        while not answers(HOST, self.ports.plain):
            if self._process.poll() is not None or time.monotonic() > until:
                said = self.log()
                self.kill()
                raise BrokerFailed(f"Apache Kafka did not start. It said last:\n{said}")
            time.sleep(PAUSE_S)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._owned is not None:
            os.close(self._owned)
            self._owned = None


def answers(host: str, port: int) -> bool:
    """Whether a broker there knows itself: it takes topics and records from now on."""
    try:
        with socket.create_connection((host, port), timeout=1) as asked:
            asked.sendall(struct.pack(">i", len(METADATA)) + METADATA)
            got = asked.recv(12, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(got) == 12 and struct.unpack(">iii", got)[2] > 0  # noqa: PLR2004 — size, correlation, count


def make_certificates(home: Path) -> None:
    """Write an authority's certificate, and what it signed: for a server at this machine, and for CLIENT."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)

    def made(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(subject_name=subject, public_key=key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).issuer_name(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Crewhall test authority")])
        )
        return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=3650))

    signing, serving, showing = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    root = made("Crewhall test authority", signing).add_extension(constraints, critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))])
    served = made("localhost", serving).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM

    def written(key: ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    authority = root.sign(signing, hashes.SHA256()).public_bytes(pem)
    chain = served.sign(signing, hashes.SHA256()).public_bytes(pem)
    (home / "server.pem").write_bytes(written(serving) + chain)
    (home / "client.key").write_bytes(written(showing))
    (home / "client.pem").write_bytes(made(CLIENT, showing).sign(signing, hashes.SHA256()).public_bytes(pem))
    (home / "authority.pem").write_bytes(authority)


def _settings(home: Path, ports: Ports, far: Far | None) -> str:
    users = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
    told = f"PLAIN://{HOST}:{ports.plain},SECURE://{HOST}:{ports.secure},MUTUAL://{HOST}:{ports.mutual}"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{ports.controller}",
        "listeners": f"{told},CONTROL://{HOST}:{ports.controller}",
        "advertised.listeners": told,
        "listener.security.protocol.map": "PLAIN:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL,CONTROL:PLAINTEXT",
        "inter.broker.listener.name": "PLAIN",
        "controller.listener.names": "CONTROL",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secure.sasl.enabled.mechanisms": ",".join(("PLAIN", *SCRAM)),
        "listener.name.secure.plain.sasl.jaas.config": (
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        ),
        **{f"listener.name.secure.{how.lower()}.sasl.jaas.config": scram for how in SCRAM},
        **{f"listener.name.{name}.ssl.keystore.type": "PEM" for name in ("secure", "mutual")},
        **{f"listener.name.{name}.ssl.keystore.location": str(home / "server.pem") for name in ("secure", "mutual")},
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(home / "authority.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:crewhall;User:CN={CLIENT}",
        "log.dirs": str(home / "data"),
        # One node, little of everything; a topic is there when somebody makes it.
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # One that was killed comes back as soon as it is believed to be gone.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "250",
        "log.index.size.max.bytes": "65536",
        "log.cleaner.dedupe.buffer.size": "4194304",
        "file.delete.delay.ms": "100",
        "num.network.threads": "1",
        "num.io.threads": "2",
        "background.threads": "1",
    }
    if far is not None:
        settings["listeners"] += f",FAR://{HOST}:{far.behind}"
        settings["advertised.listeners"] += f",FAR://{HOST}:{far.told}"
        settings["listener.security.protocol.map"] += ",FAR:PLAINTEXT"
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def main() -> int:
    """Serve one below .tools until Ctrl-C, and say how Crewhall finds it."""
    jars = bring_jars()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9092
    broker = Broker(jars, Path(".tools/kafka-data").absolute(), Ports(port, port + 1, port + 2, port + 3))
    try:
        broker.start()
        print("Apache Kafka serves. For Crewhall, to give agents topics there (docs/kafka-agents.md):\n")
        print(f"  export CREWHALL_KAFKA_BOOTSTRAP={broker.bootstrap}\n")
        print("and to keep messages there, too (docs/kafka.md):\n\n  export CREWHALL_LOG=kafka\n")
        print(f"Its data is in {broker.home}; Ctrl-C stops it.", flush=True)
        signal.pause()
    except BrokerFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        broker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
