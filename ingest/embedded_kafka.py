"""A real single-node Apache Kafka (KRaft) as a child process: for demo, tests and benchmarks.

Measured on 2 cores: storage formatted in 0.6 s, serving 1.7 s later, stopped in 0.2 s.
"""

import atexit
import base64
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
import uuid
from pathlib import Path
from typing import IO, Final

from ingest.kafka_jars import KAFKA_VERSION, fetch_jars, java
from linksla.clock import Clock, SystemClock
from linksla.errors import StreamError

_HOST: Final = "127.0.0.1"
_START_SECONDS_MAX: Final = 60.0
_STOP_SECONDS_MAX: Final = 5.0  # twenty times what it takes; what it acknowledged is kept
_FREE_PORT_ATTEMPTS: Final = 3
_RELEASE_SECONDS_MAX: Final = 3.0
_LOG_LINES: Final = 8

_JVM: Final = (
    # C1 alone serves after 1.6 s instead of 2.9 s on 2 cores, where C2 competes with the start.
    "-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true",
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)  # fmt: skip

# A watchdog of its own instead of PR_SET_PDEATHSIG, which fires when the *thread* that started the
# broker ends. It waits for a line; the end of the pipe instead of a line means that we were killed.
# A broker that was halted (SIGSTOP) hears of its end only when it goes on.
_WATCHDOG: Final = 'read -r line || { kill -TERM "$1"; kill -CONT "$1"; } 2>/dev/null'


class EmbeddedKafka:
    """One broker on 127.0.0.1 that keeps its data directory over restarts.

    `port` 0 takes a free one. `advertised_port` is where clients are sent to, when not to the
    broker's own port. The child ends with this process, however that ends.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 9092,
        advertised_port: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._data = data.absolute()
        self._port = port
        self._advertised_port = advertised_port
        self._clock = clock or SystemClock()
        self._held: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect: `127.0.0.1:PORT`; the true port once started."""
        return f"{_HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it was not stopped."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Fetch the jars and format the storage when missing, start, wait until it serves.

        Raises:
            StreamError: the port is taken, there is no Java, the jars cannot be had, the data
                directory is another's, or the broker died at its start.
        """
        if self._process is not None:
            return
        program, jars = java(), fetch_jars()
        command = [str(program), *_JVM, "-cp", ":".join(str(jar) for jar in jars)]
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            self._hold()
            self._serve(command)
        except OSError as error:
            self.stop()
            raise StreamError(
                f"the embedded Kafka cannot use its data directory: {error}",
                where=str(self._data),
                hint="Check rights and free space.",
            ) from None
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Do nothing while the broker runs.

        Raises:
            StreamError: it ended by itself; with its last words.
        """
        if self._process is not None and self._process.poll() is not None:
            raise self._died(f"the broker ended by itself (exit {self._process.returncode})")

    def _serve(self, command: list[str]) -> None:
        """Start on the port asked for; a free one may be taken by others before Kafka has it."""
        wanted, attempts = self._port, 1 if self._port else _FREE_PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            self._port = _free_port(wanted)
            self._format(command)
            self._launch(command)
            try:
                self._wait_until_serving()
            except StreamError as error:
                if attempt == attempts or "in use" not in error.what:
                    raise
                self._end_children()
            else:
                return

    def stop(self) -> None:
        """Stop the broker cleanly (SIGTERM, then SIGKILL after 5 s); twice is fine."""
        self._end_children()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _end_children(self) -> None:
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)  # one that is halted hears nothing else
            try:
                process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None:
            with contextlib.suppress(BrokenPipeError):
                watchdog.communicate(b"stopped\n")

    def _hold(self) -> None:
        """Take the data directory: a lock that we and the broker inherit, so it ends with both."""
        held = (self._data / "broker.lock").open("a+", encoding="utf-8")
        # One whose parent was just killed needs a second or so to end.
        deadline = self._clock.monotonic_seconds() + _RELEASE_SECONDS_MAX
        while not _locked(held):
            if self._clock.monotonic_seconds() < deadline:
                self._clock.wait(threading.Event(), 0.05)
                continue
            held.seek(0)
            pid = held.read().strip()
            held.close()
            raise StreamError(
                f"a running broker holds this data directory (process {pid or 'unknown'})",
                where=str(self._data),
                hint="Stop that one, or name another data directory.",
                retryable=True,
            )
        self._held = held

    def _properties(self, controller: int) -> str:
        advertised = f"{_HOST}:{self._advertised_port or self._port}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{_HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{advertised}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"{_HOST}:{controller}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._data / "log"),
            "num.partitions": "8",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",
            "log.retention.ms": "-1",
            "message.max.bytes": str(64 * 1024 * 1024),
            "socket.request.max.bytes": str(128 * 1024 * 1024),
            "log.message.timestamp.type": "LogAppendTime",
            # A broker that was killed may register again only when its old session is over; the
            # default of 9 s made a restart take 11 s.
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "3000",
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    def _format(self, command: list[str]) -> None:
        """Write the settings; format the storage when that was not done yet."""
        marker = self._data / "linksla-kafka.json"
        known = json.loads(marker.read_text(encoding="utf-8")) if marker.exists() else {}
        formatted = (self._data / "log" / "meta.properties").exists()
        if formatted:
            self._check_ours(known)
        cluster_id = known.get("cluster_id") or _new_cluster_id()
        # The metadata log remembers the controller's address: keep it over restarts.
        controller = _free_port_or_any(known.get("controller_port", 0))
        properties = self._data / "server.properties"
        properties.write_text(self._properties(controller), encoding="utf-8")
        marker.write_text(
            json.dumps(
                {"kafka": KAFKA_VERSION, "cluster_id": cluster_id, "controller_port": controller}
            ),
            encoding="utf-8",
        )
        if formatted:
            return
        done = subprocess.run(  # noqa: S603
            [*command, "kafka.tools.StorageTool", "format", "--standalone",
             f"--cluster-id={cluster_id}", "-c", str(properties)],
            capture_output=True, text=True, check=False, timeout=_START_SECONDS_MAX,
        )  # fmt: skip
        if done.returncode != 0:
            raise StreamError(
                f"the storage cannot be formatted: {(done.stderr or done.stdout).strip()[-500:]}",
                where=str(self._data),
                hint="Remove this folder if nothing in it is needed.",
            )

    def _check_ours(self, known: dict[str, str]) -> None:
        """Refuse a storage that another Kafka or another version has made."""
        meta = (self._data / "log" / "meta.properties").read_text(encoding="utf-8")
        if not known or f"cluster.id={known.get('cluster_id')}\n" not in meta:
            raise StreamError(
                "this data directory belongs to another Kafka cluster",
                where=str(self._data),
                hint="Name another data directory; nothing was changed here.",
            )
        if known.get("kafka") != KAFKA_VERSION:
            raise StreamError(
                f"was made by Kafka {known.get('kafka')}, this is {KAFKA_VERSION}",
                where=str(self._data),
                hint="Use the linksla that made it, or name another data directory.",
            )

    def _launch(self, command: list[str]) -> None:
        assert self._held is not None  # noqa: S101
        with (self._data / "server.log").open("wb") as log:
            # A session of its own: Ctrl-C reaches us, who stop it after everybody who uses it.
            self._process = subprocess.Popen(  # noqa: S603
                [*command, "kafka.Kafka", str(self._data / "server.properties")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                pass_fds=[self._held.fileno()],
            )  # fmt: skip
        self._watchdog = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _WATCHDOG, "sh", str(self._process.pid)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        atexit.register(self.stop)
        self._held.truncate(0)
        self._held.write(str(self._process.pid))
        self._held.flush()

    def _wait_until_serving(self) -> None:
        """Wait for the port: a KRaft broker opens it once the controller has let it in."""
        assert self._process is not None  # noqa: S101
        deadline = self._clock.monotonic_seconds() + _START_SECONDS_MAX
        never = threading.Event()
        while not _listens(self._port):
            if self._process.poll() is not None:
                raise self._died(f"the broker died at its start (exit {self._process.returncode})")
            if self._clock.monotonic_seconds() > deadline:
                raise self._died(f"the broker does not serve after {_START_SECONDS_MAX:g} s")
            self._clock.wait(never, 0.02)

    def _died(self, what: str) -> StreamError:
        log = self._data / "server.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line for line in lines if line.strip() and not line.startswith("\tat ")]
        last = "\n  ".join(told[-_LOG_LINES:])
        return StreamError(f"{what}; it said last:\n  {last}", where=str(log), retryable=True)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _free_port(port: int) -> int:
    """Return `port` when nobody listens on it, any free one for 0.

    Raises:
        StreamError: the port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no obstacle
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise StreamError(
                f"the port cannot be used: {os.strerror(error.errno or 0)}",
                where=f"{_HOST}:{port}",
                hint="Stop the program that listens there (`ss -ltnp` names it), choose another "
                "with --port, or use that Kafka with --kafka.",
                retryable=True,
            ) from None
        free: int = probe.getsockname()[1]
        return free


def _free_port_or_any(port: int) -> int:
    try:
        return _free_port(port)
    except StreamError:
        return _free_port(0)


def _new_cluster_id() -> str:
    """Return a cluster id as Kafka makes them: 16 random bytes in base64url."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((_HOST, port), 0.5):
        return True
    return False
