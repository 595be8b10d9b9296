"""Writer schemas from a schema registry over HTTP (the Confluent API).

What a registry says of an id or GUID never changes, so it is asked once, and the answer is kept on
disk: a restart while the registry is down decodes whatever was known. Asking happens in a thread of
its own: no partition waits for another one's schema, and a registry that is down costs nothing but
time (`ingest.gate` holds the messages that need it).
"""

import json
import logging
import threading
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx

from ingest.frames import RegistryId
from ingest.schema_cache import Found, Refused, RegistryFrame, SchemaCache
from linksla.clock import Clock
from linksla.meters import Meters

log = logging.getLogger(__name__)

AUTH_VARIABLE: Final = "LINKSLA_SCHEMA_REGISTRY_AUTH"
"""`user:password`; goes before the setting."""
TIMEOUT_SECONDS: Final = 2.0
"""Of each step of a request (connect, send, each piece of the answer)."""
ANSWER_SECONDS_MAX: Final = 10.0
"""Of the answer as a whole: one that comes drop by drop must not hold up all others."""
ASK_AGAIN_SECONDS_MIN: Final = 0.25
ASK_AGAIN_SECONDS_MAX: Final = 30.0
UNKNOWN_AFTER_SECONDS: Final = 600
_ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
_FRAMES_MAX: Final = 10_000
"""Ids that are asked for at a time; a producer that makes ids up cannot fill the memory."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nobody knows yet: ask again later."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The registry has said for long enough that there is no such schema."""

    detail: str


Answer = Found | Refused | Waiting | Unknown


class Registry(Protocol):
    """Somebody who knows schemas by id and GUID."""

    def start(self) -> None:
        """Begin to answer."""
        ...

    def look_up(self, frame: RegistryFrame) -> Answer:
        """Return at once what is known of a schema; never raises."""
        ...

    def close(self) -> None:
        """Stop asking."""
        ...


@dataclass(slots=True)
class _Asked:
    """A frame whose schema is not known: since when it is missing, when to ask again."""

    answer: Waiting | Unknown
    missing_since: float | None = None
    ask_at: float = 0.0
    seconds: float = ASK_AGAIN_SECONDS_MIN


class ConfluentRegistry:
    """A registry at a URL, asked in the background, remembered for good.

    A schema that is missing (404) waits `unknown_after_seconds` from the first time the registry
    said so, then is unknown; it is asked for again every 30 s all the same. Anything else that
    goes wrong (refused, timeout, 401, 5xx) is no answer and waits without end.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        auth: str | None = None,
        unknown_after_seconds: int = UNKNOWN_AFTER_SECONDS,
        cache: SchemaCache | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._auth = auth
        self._clock = clock
        self._unknown_after_seconds = unknown_after_seconds
        self._cache = cache
        self._meters = meters or Meters()
        self._known: dict[RegistryFrame, Found | Refused] = {}
        self._asked: dict[RegistryFrame, _Asked] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Ask in a thread of its own, one only; nothing is asked before the first `look_up`."""
        if self._thread is not None:
            return
        if self._cache is not None:
            self._known |= self._cache.load(self._url)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="registry", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * TIMEOUT_SECONDS + 1)
            self._thread = None

    def look_up(self, frame: RegistryFrame) -> Answer:
        """Return what is known of a schema, and have it asked for when nothing is."""
        known = self._known.get(frame)
        if known is not None:
            return known
        with self._lock:
            known = self._known.get(frame)  # the answer may have come since
            if known is not None:
                return known
            asked = self._asked.get(frame)
            if asked is None:
                asked = _Asked(Waiting("asked for"))
                if len(self._asked) < _FRAMES_MAX:
                    self._asked[frame] = asked
            answer = asked.answer
        self._wake.set()
        return answer

    def _run(self) -> None:
        auth = None
        if self._auth:
            user, _, password = self._auth.partition(":")
            auth = httpx.BasicAuth(user, password)
        headers = {
            "Accept": "application/vnd.schemaregistry.v1+json, application/json",
            "Accept-Encoding": "identity",  # 4 MiB are 4 MiB, not a bomb
        }
        with httpx.Client(timeout=TIMEOUT_SECONDS, auth=auth, headers=headers) as client:
            while not self._stopping.is_set():
                self._wake.clear()
                rest = self.ask(client)
                self._clock.wait(self._wake, rest)

    def ask(self, client: httpx.Client) -> float:
        """Ask for what is due; return the seconds until something is due again."""
        now = self._clock.monotonic_seconds()
        with self._lock:
            due = [frame for frame, asked in self._asked.items() if asked.ask_at <= now]
        for frame in due:
            if self._stopping.is_set():
                break
            answer = self._request(client, frame)
            self._note(frame, answer)
            if self._cache is not None and isinstance(answer, Found | Refused):
                self._cache.keep(self._url, frame, answer)
        with self._lock:
            waits = [asked.ask_at for asked in self._asked.values()]
            self._meters.set("linksla_registry_schemas_missing", len(waits))
        now = self._clock.monotonic_seconds()
        return max(min(waits, default=now + ASK_AGAIN_SECONDS_MAX) - now, 0.0)

    def _note(self, frame: RegistryFrame, answer: Found | Refused | Waiting | None) -> None:
        """Remember an answer; None: the registry has no such schema."""
        with self._lock:
            asked = self._asked[frame]
            if isinstance(answer, Found | Refused):
                self._known[frame] = answer
                del self._asked[frame]
                return
            now = self._clock.monotonic_seconds()
            if answer is None:
                if asked.missing_since is None:
                    asked.missing_since = now
                missing = now - asked.missing_since
                detail = f"the registry has no {_said(frame)}"
                long_enough = missing >= self._unknown_after_seconds
                asked.answer = Unknown(detail) if long_enough else Waiting(detail)
            else:
                asked.answer = answer
                self._meters.add("linksla_registry_errors_total")
                log.warning("%s: %s", _said(frame), answer.detail)
            asked.ask_at = now + asked.seconds
            asked.seconds = min(asked.seconds * 2, ASK_AGAIN_SECONDS_MAX)

    def _request(
        self, client: httpx.Client, frame: RegistryFrame
    ) -> Found | Refused | Waiting | None:
        where = f"ids/{frame.schema_id}" if isinstance(frame, RegistryId) else f"guids/{frame.guid}"
        try:
            # "resolved": with the schemas it refers to in their places.
            url, how = f"{self._url}/schemas/{where}", {"format": "resolved"}
            with client.stream("GET", url, params=how) as answer:
                content = self._received(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Waiting(f"the registry does not answer ({type(error).__name__})")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            return Waiting(f"the registry answers {answer.status_code}")
        if content is None:
            return Waiting("the registry's answer does not end, or is larger than 4 MiB")
        try:
            return _understood(json.loads(content))
        except (ValueError, KeyError, TypeError) as error:
            return Waiting(f"the registry's answer is none: {error!r}"[:200])

    def _received(self, answer: httpx.Response) -> bytes | None:
        """Return a whole answer, None when it is too long in bytes or seconds."""
        deadline = self._clock.monotonic_seconds() + ANSWER_SECONDS_MAX
        content = bytearray()
        for piece in answer.iter_raw():
            content += piece
            late = self._clock.monotonic_seconds() > deadline or self._stopping.is_set()
            if late or len(content) > _ANSWER_BYTES_MAX:
                return None
        return bytes(content)


def _understood(answer: Any) -> Found | Refused:
    kind = answer.get("schemaType", "AVRO") if isinstance(answer, dict) else "?"
    text = answer["schema"]
    if kind != "AVRO":
        return Refused(f"is {kind}, not Avro"[:100])
    if not isinstance(text, str):
        raise TypeError("schema is no text")  # noqa: TRY004, RUF100
    return Found(text)


def _said(frame: RegistryFrame) -> str:
    return f"id {frame.schema_id}" if isinstance(frame, RegistryId) else f"GUID {frame.guid}"
