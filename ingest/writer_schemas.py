"""Which writer schemas are known, and how each is read as a `LinkSample` (Avro 1.12, resolution).

Two are built in. Others stand in a folder of `.avsc` files: `7.avsc` is known by registry id 7,
`89791762-….avsc` by GUID, `7_89791762-….avsc` by both, and every file by its fingerprint.
"""

import json
import uuid
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import fastavro

from ingest.frames import Bare, Frame, RegistryGuid, RegistryId, SingleObject
from ingest.registry import Registry, Unknown, Waiting
from ingest.schema_cache import Found, Refused
from ingest.schema_shape import RefusedError, in_our_words, named_types
from linksla.errors import ConfigError
from linksla.wire import schema, schema_fingerprint, schema_text

_ENUM_SYMBOLS_MAX: Final = 64  # more would take two bytes on the wire
_READ_AS: Final[dict[str, tuple[str, ...]]] = {
    "circuit_id": ("string",),
    "channel": ("string",),
    "sequence": ("long", "int"),
    "observed_at": ("long", "int"),
    "interval_ms": ("int",),
    "latency_ms": ("double", "float", "long", "int"),
    "jitter_ms": ("double", "float", "long", "int"),
    "loss_ratio": ("double", "float", "long", "int"),
    "rx_bps": ("double", "float", "long", "int"),
    "tx_bps": ("double", "float", "long", "int"),
    "bgp_state": ("enum",),
    "bgp_transitions": ("long", "int"),
    "probe": ("string",),
}
"""Writer types that each field of `LinkSample` is promoted from."""
_TEXTS: Final = frozenset(name for name, kinds in _READ_AS.items() if kinds == ("string",))
REQUIRED: Final = ("circuit_id", "channel", "sequence", "observed_at", "interval_ms")
"""Fields of `LinkSample` without a default."""
_SCALE: Final[dict[str | None, int]] = {None: 1, "timestamp-micros": 1, "timestamp-millis": 1_000}


class Content(Enum):
    """What one message of a schema holds."""

    SAMPLE = "LinkSample"
    BATCH = "LinkSampleBatch"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a writer's record whose encoded length is known from its value."""

    name: str
    kind: str  # string, long, int, double, float, boolean, enum
    nullable: bool


@dataclass(frozen=True, slots=True)
class WriterSchema:
    """A known schema.

    `text` has no logical types: instants stay integers, of `observed_at_scale` µs. `fields` are
    those of its sample record when the fast path can read all of them, else None: then the
    reference decoder reads every message; it reads `fast_text`, where every int is a long: they
    are written alike, and an int of more than 32 bits must not lose its upper ones. `refusal`
    says why it is no `LinkSample`, if so.
    """

    name: str
    text: str
    content: Content
    fields: tuple[Field, ...] | None = None
    fast_text: str = ""
    observed_at_scale: int = 1
    refusal: str = ""

    @property
    def parsed(self) -> dict[str, Any]:
        """The schema as a JSON value."""
        value: dict[str, Any] = json.loads(self.text)
        return value


def understand(text: str) -> WriterSchema:
    """Return how a writer's schema is read, or why not.

    Raises:
        ValueError: no Avro schema.
    """
    try:
        full = json.loads(text)
        fastavro.parse_schema(json.loads(text))
    except Exception as error:  # fastavro lets TypeError, KeyError and its own through
        raise ValueError(f"is no Avro schema: {error}"[:300]) from None
    name = str(full.get("name", "")) if isinstance(full, dict) else str(full)[:100]
    try:
        named_types(full)
        full = in_our_words(full, schema("LinkSample"), Content.BATCH.value, _TEXTS)
    except RefusedError as error:
        return WriterSchema(name, text, Content.OTHER, refusal=str(error))
    plain = _without_logical_types(full)
    body = json.dumps(plain)
    content, record = _sample_record(full)
    if record is None:
        return WriterSchema(name, body, Content.OTHER, refusal=f"{name!r} is no LinkSample")
    refusal = _refusal(record)
    if refusal:
        return WriterSchema(name, body, Content.OTHER, refusal=refusal)
    try:
        fastavro.parse_schema(json.loads(body))
    except Exception as error:
        return WriterSchema(name, body, Content.OTHER, refusal=f"cannot be read: {error}"[:200])
    fields = tuple(_field(item) for item in record["fields"])
    known = [field for field in fields if field is not None]
    alone = content is Content.SAMPLE or len(full["fields"]) == 1
    return WriterSchema(
        name,
        body,
        content,
        tuple(known) if alone and len(known) == len(fields) else None,
        json.dumps(_with_long_ints(plain)),
        _observed_at_scale(record),
    )


class WriterSchemas:
    """The schemas that messages may be written in, by what a frame says."""

    def __init__(self, folder: Path | None = None, registry: Registry | None = None) -> None:
        self._folder = folder
        self._registry = registry
        self._known: dict[Frame, WriterSchema] = {}
        for name in ("LinkSample", "LinkSampleBatch"):
            text = schema_text(name)
            self._known[SingleObject(schema_fingerprint(text))] = understand(text)

    def start(self) -> None:
        """Read the folder, and begin to ask the registry.

        Raises:
            ConfigError: a file is no Avro schema.
        """
        if self._registry is not None:
            self._registry.start()
        for path in sorted(self._folder.glob("*.avsc")) if self._folder else ():
            text = path.read_text(encoding="utf-8")
            try:
                schema = understand(text)
            except ValueError as error:
                raise ConfigError(
                    str(error), where=str(path), hint="Remove or correct it."
                ) from None
            for frame in (_frame_named(part) for part in path.stem.split("_")):
                if frame is not None:
                    self._known[frame] = schema
            self._known.setdefault(SingleObject(schema_fingerprint(text)), schema)

    def close(self) -> None:
        """Stop asking the registry."""
        if self._registry is not None:
            self._registry.close()

    def find(self, frame: Frame) -> WriterSchema | Waiting | None:
        """Return the schema a frame stands for; None when unknown, or bare.

        `Waiting`: the registry has not answered yet, so whatever is written in it must wait.
        """
        known = None if isinstance(frame, Bare) else self._known.get(frame)
        if (
            known is not None
            or self._registry is None
            or not isinstance(frame, RegistryId | RegistryGuid)
        ):
            return known
        match self._registry.look_up(frame):
            case Found(text):
                known = _understood(text)
            case Refused(detail):
                known = WriterSchema("", "", Content.OTHER, refusal=detail)
            case Waiting() as waiting:
                return waiting
            case Unknown():
                return None
        self._known[frame] = known
        return known

    def own(self, content: Content) -> WriterSchema:
        """Return our own `LinkSample` or `LinkSampleBatch`."""
        return self._known[SingleObject(schema_fingerprint(schema_text(content.value)))]


def _understood(text: str) -> WriterSchema:
    """Return how a registry's schema is read; one that is no Avro is refused, not an error."""
    try:
        return understand(text)
    except ValueError as error:
        return WriterSchema("", "", Content.OTHER, refusal=str(error)[:200])


def _frame_named(part: str) -> Frame | None:
    if part.isdecimal():
        return RegistryId(int(part))
    try:
        return RegistryGuid(uuid.UUID(part))
    except ValueError:
        return None


def _sample_record(full: Any) -> tuple[Content, dict[str, Any] | None]:
    """Return what a message holds and the record of a sample, None when there is none."""
    if not isinstance(full, dict) or full.get("type") != "record":
        return Content.OTHER, None
    short = str(full["name"]).rpartition(".")[2]
    if short == "LinkSample":
        return Content.SAMPLE, full
    if short == "LinkSampleBatch":
        for item in full["fields"]:
            array = item["type"]
            if item["name"] == "samples" and isinstance(array, dict) and array["type"] == "array":
                items = array["items"]
                if isinstance(items, dict) and str(items.get("name")).endswith("LinkSample"):
                    return Content.BATCH, items
    return Content.OTHER, None


def _refusal(record: dict[str, Any]) -> str:
    types = {item["name"]: item for item in record["fields"]}
    for name in REQUIRED:
        if name not in types:
            return f"field {name!r} is missing and has no default"
    for name, kinds in _READ_AS.items():
        if name in types:
            found = _kinds(types[name]["type"])
            if not found or not found <= {*kinds, "null"} or found == {"null"}:
                return f"field {name!r} cannot be read as {kinds[0]}"
    if _observed_at_scale(record) == 0:
        return "observed_at is neither in micro- nor in milliseconds"
    return ""


def _kinds(kind: Any) -> set[str]:
    """Return the types that a value may have, by what they are called where they stand."""
    if isinstance(kind, list):
        return {one for branch in kind for one in _kinds(branch)}
    if isinstance(kind, dict):
        return _kinds(kind["type"])
    return {str(kind)}


def _observed_at_scale(record: dict[str, Any]) -> int:
    (kind,) = (item["type"] for item in record["fields"] if item["name"] == "observed_at")
    branches = [one for one in kind if one != "null"] if isinstance(kind, list) else [kind]
    scales = {
        _SCALE.get(one.get("logicalType") if isinstance(one, dict) else None, 0) for one in branches
    }
    return scales.pop() if len(scales) == 1 else 0


def _field(item: dict[str, Any]) -> Field | None:
    """Return a field whose length can be computed, None for one that is nested or odd."""
    kind, nullable = item["type"], False
    if isinstance(kind, list):
        others = [branch for branch in kind if branch != "null"]
        if len(kind) != 2 or len(others) != 1:
            return None
        kind, nullable = others[0], True
    if isinstance(kind, dict):
        if kind["type"] == "enum" and len(kind["symbols"]) > _ENUM_SYMBOLS_MAX:
            return None
        kind = kind["type"]
    known = ("string", "long", "int", "double", "float", "boolean", "enum")
    return Field(item["name"], kind, nullable) if kind in known else None


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: _without_logical_types(v) for k, v in node.items() if k != "logicalType"}
    return [_without_logical_types(v) for v in node] if isinstance(node, list) else node


def _with_long_ints(node: Any) -> Any:
    if isinstance(node, dict):
        types = ("type", "items", "values", "fields")
        return {k: _with_long_ints(v) if k in types else v for k, v in node.items()}
    if isinstance(node, list):
        return [_with_long_ints(item) for item in node]
    return "long" if node == "int" else node
