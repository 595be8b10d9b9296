"""What a writer's schema looks like: is it one that we read, and how does it call our fields?

Avro resolves names by aliases: those of the reader's schema (ours) rename the writer's fields and
records. Aliases of the writer's own schema count too where it has none of our name: a newer writer
that renames `latency_ms` says so in them, and by Avro's letter alone its latency would be null.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

DEPTH_MAX: Final = 32
FIELDS_MAX: Final = 1_000
PRIMITIVES: Final = frozenset(
    {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
)
_CHILDREN: Final = ("items", "values", "type")


class RefusedError(ValueError):
    """A schema is Avro, and is not read; says why."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk is: the namespace, the named types it is in, how deep."""

    namespace: str = ""
    inside: frozenset[str] = frozenset()
    depth: int = 0


def named_types(schema: Any) -> dict[str, Any]:
    """Return the named types of a schema by full name.

    Raises:
        RefusedError: it is recursive, too deep or too large, or has array items of no width.
    """
    named: dict[str, Any] = {}
    arrays = list(_walked(schema, _Place(), named))
    if sum(len(kind.get("fields", ())) for kind in named.values()) > FIELDS_MAX:
        raise RefusedError(f"has more than {FIELDS_MAX:,} fields")
    if any(_zero_width(items, namespace, named) for items, namespace in arrays):
        raise RefusedError("has array items of no width")  # 8 bytes then claim 2^62 of them
    return named


def _walked(kind: Any, place: _Place, named: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Go over a schema; yield the items of its arrays, each with its namespace."""
    if place.depth > DEPTH_MAX:
        raise RefusedError(f"is nested more than {DEPTH_MAX} deep")
    deeper = place.depth + 1
    if isinstance(kind, list):
        for branch in kind:
            yield from _walked(branch, _Place(place.namespace, place.inside, deeper), named)
    elif isinstance(kind, str):
        if full_name(kind, place.namespace) in place.inside:
            raise RefusedError(f"is recursive: {kind} is within itself")
    elif isinstance(kind, dict):
        namespace, inside = place.namespace, place.inside
        if kind["type"] in ("record", "error", "enum", "fixed"):
            name = full_name(kind["name"], kind.get("namespace", namespace))
            namespace, inside = name.rpartition(".")[0], inside | {name}
            named[name] = kind
        if kind["type"] == "array":
            yield kind["items"], namespace
        below = _Place(namespace, inside, deeper)
        for item in kind.get("fields", ()):
            yield from _walked(item["type"], below, named)
        for key in _CHILDREN:
            if not (key == "type" and isinstance(kind[key], str)) and key in kind:
                yield from _walked(kind[key], below, named)


def full_name(name: str, namespace: str) -> str:
    """Return a name with its namespace; a primitive type has none."""
    return name if "." in name or not namespace or name in PRIMITIVES else f"{namespace}.{name}"


def short(name: object) -> str:
    """Return a name without its namespace."""
    return str(name).rpartition(".")[2]


def _zero_width(kind: Any, namespace: str, named: Mapping[str, Any]) -> bool:
    if isinstance(kind, str):
        definition = named.get(full_name(kind, namespace))
        return kind == "null" if definition is None else _zero_width(definition, namespace, named)
    if not isinstance(kind, dict):
        return False
    if kind["type"] == "fixed":
        return bool(kind["size"] == 0)
    if kind["type"] in ("record", "error"):
        inner = full_name(kind["name"], kind.get("namespace", namespace)).rpartition(".")[0]
        return all(_zero_width(item["type"], inner, named) for item in kind["fields"])
    return not isinstance(kind["type"], str | list) and _zero_width(kind["type"], namespace, named)


def in_our_words(full: Any, reader: Mapping[str, Any], batch: str, texts: frozenset[str]) -> Any:
    """Return a writer's schema with our names, and with our texts as strings: how it is read.

    `reader` is our record's schema, `batch` the name of the record that holds many; bytes and
    strings are promoted to each other by Avro, and written alike.

    Raises:
        RefusedError: two of its fields are one of ours.
    """
    if not isinstance(full, dict) or full.get("type") != "record":
        return full
    own = {short(reader["name"]): reader.get("aliases", ()), batch: ()}
    named = _renamed(full, own)
    if short(named["name"]) == batch:
        fields = _our_fields(named, {"samples": ()})
        return {**named, "fields": [_batch_field(item, reader, texts) for item in fields]}
    return _sample(named, reader, texts) if short(named["name"]) in own else full


def _batch_field(item: Any, reader: Mapping[str, Any], texts: frozenset[str]) -> Any:
    array = item["type"]
    if item["name"] != "samples" or not isinstance(array, dict) or array["type"] != "array":
        return item
    record = array["items"]
    if not isinstance(record, dict) or record.get("type") != "record":
        return item
    named = _renamed(record, {short(reader["name"]): reader.get("aliases", ())})
    return {**item, "type": {**array, "items": _sample(named, reader, texts)}}


def _renamed(record: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the name of ours that it has by an alias, if by any."""
    name, theirs = str(record["name"]), {short(one) for one in record.get("aliases", ())}
    if short(name) in own:
        return record
    for ours, aliases in own.items():
        if ours in theirs or name in aliases or short(name) in aliases:
            front = name.rpartition(".")[0]
            kept = {key: value for key, value in record.items() if key != "aliases"}
            return {**kept, "name": f"{front}.{ours}" if front else ours}
    return record


def _sample(
    record: dict[str, Any], reader: Mapping[str, Any], texts: frozenset[str]
) -> dict[str, Any]:
    fields = _our_fields(
        record, {item["name"]: item.get("aliases", ()) for item in reader["fields"]}
    )
    enums = {
        item["name"]: short(item["type"]["name"])
        for item in reader["fields"]
        if isinstance(item["type"], dict) and item["type"]["type"] == "enum"
    }
    return {**record, "fields": [_field(item, texts, enums) for item in fields]}


def _field(item: dict[str, Any], texts: frozenset[str], enums: Mapping[str, str]) -> dict[str, Any]:
    if item["name"] in texts:
        return {**item, "type": _text(item["type"])}
    if item["name"] in enums:
        return {**item, "type": _enum(item["type"], enums[item["name"]])}
    return item


def _enum(kind: Any, name: str) -> Any:
    """Return a type with its enum called as ours: what it holds is known by the field's name."""
    if isinstance(kind, list):
        return [_enum(branch, name) for branch in kind]
    if isinstance(kind, dict) and kind.get("type") == "enum":
        front = str(kind["name"]).rpartition(".")[0]
        return {**kind, "name": f"{front}.{name}" if front else name}
    return kind


def _our_fields(record: dict[str, Any], own: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a record's fields, by our names where they have them by an alias."""
    taken = {item["name"] for item in record["fields"]} & own.keys()
    found = []
    for item in record["fields"]:
        name, theirs = item["name"], item.get("aliases", ())
        if name in own:
            found.append(item)
            continue
        ours = [one for one, aliases in own.items() if name in aliases or one in theirs]
        ours = [one for one in ours if one not in taken] if ours else []
        if not ours:
            found.append(item)
            continue
        if any(one["name"] == ours[0] for one in found):
            raise RefusedError(f"has two fields that are {ours[0]!r} by their aliases")
        kept = {key: value for key, value in item.items() if key != "aliases"}
        found.append({**kept, "name": ours[0]})
    return found


def _text(kind: Any) -> Any:
    """Return a type with bytes as strings; a decimal is no text."""
    if isinstance(kind, list):
        return [_text(branch) for branch in kind]
    if isinstance(kind, dict) and kind.get("type") == "bytes" and "logicalType" not in kind:
        return "string"
    return "string" if kind == "bytes" else kind
