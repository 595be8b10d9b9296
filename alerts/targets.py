"""Where messages go: the protocol, a fake for tests, Kafka, and signed webhooks."""

import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
import kafka.errors
from kafka import KafkaProducer
from standardwebhooks import Webhook

from alerts.messages import CONTENT_TYPE, Message
from ingest.reachable import check_reachable
from linksla.clock import MICROSECONDS, Clock, SystemClock
from linksla.errors import ConfigError, DeliveryError, StreamError
from linksla.log_limits import limit_kafka
from linksla.names import TOPIC_BREACHES
from linksla.settings import WebhookSettings

TIMEOUT_SECONDS: Final = 10.0
_MESSAGE_IS_WRONG: Final = (400, 413, 422)  # the same message will never be taken
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port to addresses; raises OSError."""


class Target(Protocol):
    """A receiver of messages, called from one thread only."""

    @property
    def name(self) -> str:
        """Return the name deliveries are recorded under: `kafka`, `webhook:<name>`."""
        ...

    def deliver(self, message: Message) -> None:
        """Hand over one message and wait until it is safe there.

        Raises:
            DeliveryError: it is not; `retryable` says whether to try again. Its text holds no
                secret: no key, no signature, no path of a URL.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class ListTarget:
    """Keeps messages in a list, and fails as often as it is told to."""

    def __init__(self, name: str = "list") -> None:
        self._name = name
        self.messages: list[Message] = []
        self.failures: list[DeliveryError] = []  # raised first, one a delivery

    @property
    def name(self) -> str:
        """Return the name it was given."""
        return self._name

    def deliver(self, message: Message) -> None:
        """Keep the message, or raise the next failure."""
        if self.failures:
            raise self.failures.pop(0)
        self.messages.append(message)

    def close(self) -> None:
        """Do nothing."""


class KafkaTarget:
    """`link.breaches`: keyed by subject, so that an alarm's messages keep their order."""

    def __init__(self, bootstrap: str, *, topic: str = TOPIC_BREACHES) -> None:
        """Remember where to send; the first message connects."""
        self._bootstrap = bootstrap
        self._topic = topic
        self._producer: KafkaProducer | None = None

    @property
    def name(self) -> str:
        """Return `kafka`."""
        return "kafka"

    def deliver(self, message: Message) -> None:
        """Send, and wait until all in-sync replicas have it."""
        milliseconds = int(TIMEOUT_SECONDS * 1000)
        try:
            if self._producer is None:
                check_reachable(self._bootstrap)
                limit_kafka()
                self._producer = KafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    max_block_ms=milliseconds,
                    request_timeout_ms=milliseconds // 2,
                    delivery_timeout_ms=milliseconds,
                    linger_ms=0,
                )
            self._producer.send(
                self._topic,
                key=message.subject.encode(),
                value=message.body.encode(),
                headers=[("content-type", CONTENT_TYPE.encode())],
            ).get(timeout=TIMEOUT_SECONDS)
        except (kafka.errors.KafkaError, StreamError, OSError) as error:
            self.close()
            raise DeliveryError(
                f"Kafka did not take the message ({type(error).__name__})",
                where=self._topic,
                hint="Is the broker up, and does the topic exist?",
                retryable=True,
            ) from None

    def close(self) -> None:
        """Close the producer; messages without an acknowledgement count as not delivered."""
        if self._producer is not None:
            with contextlib.suppress(kafka.errors.KafkaTimeoutError):
                self._producer.close(timeout=1)
            self._producer = None


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system resolves them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class WebhookTarget:
    """A receiver over HTTPS, with a Standard Webhooks signature.

    Against abuse (THREATS 7): https only, the name is resolved once for each attempt and every
    address it has must be global, the connection goes to that very address, and no redirect is
    followed. A receiver on this machine needs `allow_loopback`.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        clock: Clock | None = None,
        *,
        resolver: Resolver = resolve,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Check the settings; nothing is opened yet.

        Raises:
            ConfigError: the address is no https URL, or the secret is no `whsec_…`.
        """
        where = f"webhook {settings.name}"
        parts = urlsplit(settings.url)
        self._plain = parts.scheme == "http" and settings.allow_loopback
        if not parts.hostname or (parts.scheme != "https" and not self._plain):
            raise ConfigError(
                "the address is not an https URL", where=where, hint="Write https://host/path."
            )
        if parts.username is not None or parts.password is not None:
            raise ConfigError(
                "the address holds a user or password", where=where, hint="Sign with the secret."
            )
        try:
            self._signer = Webhook(settings.secret)
        except Exception:  # the library's errors quote what they were given
            raise ConfigError(
                "the secret cannot be used", where=where, hint="Write whsec_ and base64."
            ) from None
        self._name = f"webhook:{settings.name}"
        self._url = settings.url
        self._host = parts.hostname
        self._port = parts.port or (80 if self._plain else 443)
        self._loopback_allowed = settings.allow_loopback
        self._clock = clock or SystemClock()
        self._resolver = resolver
        self._timeout_seconds = timeout_seconds
        self._client: httpx.Client | None = None

    @property
    def name(self) -> str:
        """Return `webhook:` and the receiver's name."""
        return self._name

    def deliver(self, message: Message) -> None:
        """Post the message; any 2xx is an acknowledgement, the answer's body is not read."""
        address = self._address()
        seconds = self._clock.now_us() // MICROSECONDS
        headers = {
            "host": self._host_header(),
            "content-type": CONTENT_TYPE,
            "webhook-id": message.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": self._signer.sign(
                message.id, datetime.fromtimestamp(seconds, UTC), message.body
            ),
        }
        url = httpx.URL(self._url).copy_with(host=address, port=self._port)
        try:
            with self._open().stream(
                "POST",
                url,
                content=message.body.encode(),
                headers=headers,
                extensions={"sni_hostname": self._host},
            ) as response:
                status = response.status_code
        except httpx.HTTPError as error:  # its text may quote the URL: only its kind is told
            raise self._error(f"no answer ({type(error).__name__})", retryable=True) from None
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise self._error(f"answered {status}; redirects are not followed", retryable=True)
        raise self._error(f"answered {status}", retryable=status not in _MESSAGE_IS_WRONG)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> httpx.Client:
        if self._client is None:
            # httpx logs every URL at INFO, and a URL's path is often all the secret there is.
            for logger in ("httpx", "httpcore"):
                logging.getLogger(logger).setLevel(logging.WARNING)
            # trust_env=False: a proxy would resolve the name again, and elsewhere.
            # No kept connections: each attempt goes to the address it has checked.
            self._client = httpx.Client(
                timeout=self._timeout_seconds,
                follow_redirects=False,
                trust_env=False,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            )
        return self._client

    def _address(self) -> str:
        try:
            addresses = self._resolver(self._host, self._port)
        except OSError:
            raise self._error("its name cannot be resolved", retryable=True) from None
        for address in addresses:
            if not self._allowed(address):
                raise self._error(
                    "has an address that is not global", retryable=False,
                    hint="Webhooks go to public addresses only.",
                )  # fmt: skip
        if not addresses:
            raise self._error("its name has no address", retryable=True)
        return addresses[0]

    def _allowed(self, text: str) -> bool:
        address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
        if address.is_loopback:
            return self._loopback_allowed
        return address.is_global and not address.is_multicast and not self._plain

    def _host_header(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        standard = 80 if self._plain else 443
        return host if self._port == standard else f"{host}:{self._port}"

    def _error(self, what: str, *, retryable: bool, hint: str = "") -> DeliveryError:
        return DeliveryError(what, where=self._name, hint=hint, retryable=retryable)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _innermost(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address.teredo is not None:
            return address.teredo[1]
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
