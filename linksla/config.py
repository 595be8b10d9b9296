"""Strict YAML into frozen types: every error says file, line, what is wrong and what to do.

No aliases, no tags, bounded size and depth (THREATS 12: 306 bytes of aliases exhaust 2 GB when
walked). An unknown key names the nearest known one.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from linksla.errors import ConfigError

T = TypeVar("T")

STRICT: Final = ConfigDict(extra="forbid")
"""For `pydantic.dataclasses.dataclass(config=STRICT, frozen=True, slots=True)`."""

_BYTES_MAX: Final = 16 * 1024 * 1024  # an inventory of 20,000 circuits is about 8 MB
_DEPTH_MAX: Final = 20
_UNKNOWN_KEY: Final = ("extra_forbidden", "unexpected_keyword_argument")


def load(path: Path, kind: type[T]) -> T:
    """Read the YAML file `path` into `kind`, a pydantic dataclass.

    Raises:
        ConfigError: the file cannot be read or parsed, has an alias or a tag, is too large or too
            deep, or does not fit `kind`; `where` is `file:line`.
    """
    root = _compose(path)
    plain = _plain(root, path, 0)
    try:
        value = TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        raise _explain(error, root, path, kind) from None
    return value


def load_plain(path: Path) -> object:
    """Return a YAML file's dicts, lists and scalars as they are written.

    Raises:
        ConfigError: as `load`, but for what fits no kind.
    """
    return _plain(_compose(path), path, 0)


def _compose(path: Path) -> Node:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), hint="Check the path and rights."
        ) from None
    if len(text) > _BYTES_MAX:
        raise ConfigError(
            f"has {len(text):,} bytes, more than {_BYTES_MAX:,}",
            where=str(path),
            hint="Split the file.",
        )
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
                raise ConfigError(
                    "aliases, anchors and tags are not allowed",
                    where=_place(path, token.start_mark),
                    hint="Write the value out.",
                )
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(
            f"is not YAML: {error.problem}",
            where=_place(path, error.problem_mark),
            hint="Mind indentation and colons.",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(
            f"is not YAML: {error}", where=str(path), hint="Save it as UTF-8 text."
        ) from None
    if node is None:
        raise ConfigError("is empty", where=f"{path}:1", hint="Write at least one key.")
    return node


def _place(path: Path, mark: Any) -> str:
    return f"{path}:{mark.line + 1}" if mark is not None else str(path)


def _plain(node: Node, path: Path, depth: int) -> object:
    """Return the node's value in dicts, lists and scalars; numbers with a point stay text.

    A percentage such as 99.99 has no exact double, so it is handed on as it was written.
    """
    if depth > _DEPTH_MAX:
        raise ConfigError(
            f"is nested deeper than {_DEPTH_MAX}", where=_place(path, node.start_mark)
        )
    if isinstance(node, MappingNode):
        mapping: dict[str, object] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in mapping:
                raise ConfigError(
                    f"key {name!r} is given twice",
                    where=_place(path, key.start_mark),
                    hint="Delete one.",
                )
            mapping[name] = _plain(value, path, depth + 1)
        return mapping
    if isinstance(node, SequenceNode):
        return [_plain(item, path, depth + 1) for item in node.value]
    return _scalar(node) if isinstance(node, ScalarNode) else None


def _scalar(node: ScalarNode) -> object:
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() in ("true", "yes", "on")
    if kind == "int":
        try:
            return int(node.value.replace("_", ""))
        except ValueError:  # 0x10, 0o7, 1:30: not what anyone means here
            return node.value
    return node.value


def _explain(error: ValidationError, root: Node, path: Path, kind: Any) -> ConfigError:
    problems = error.errors()
    unknown = [problem for problem in problems if problem["type"] in _UNKNOWN_KEY]
    first = (unknown or problems)[0]  # a misspelt key also makes one missing: say the cause
    steps = [step for step in first["loc"] if step != "__root__"]
    node = _find(root, steps)
    name = ".".join(str(step) for step in steps) or "file"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    place = _place(path, node.start_mark)
    if first["type"] in _UNKNOWN_KEY:
        known = sorted(set(_field_names(TypeAdapter(kind).json_schema())))
        near = difflib.get_close_matches(str(steps[-1]), known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(known)}."
        return ConfigError(f"unknown key {name!r}{more}", where=place, hint=hint)
    if first["type"] in ("missing", "missing_argument"):
        return ConfigError(f"key {name!r} is missing{more}", where=place, hint="Add it.")
    said = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{name}: {said}{more}", where=place, hint=_given(first))


def _given(problem: Any) -> str:
    value = problem.get("input")
    return f"It says {value!r}." if isinstance(value, str | int | bool) else ""


def _find(root: Node, steps: list[int | str]) -> Node:
    """Return the deepest node on the way: pydantic's location may name types in between."""
    node = root
    for step in steps:
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    node = value if value.value or not isinstance(value, ScalarNode) else key
                    break
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
    return node


def _field_names(json_schema: object) -> Iterator[str]:
    if isinstance(json_schema, dict):
        properties = json_schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in json_schema.values():
            yield from _field_names(value)
    elif isinstance(json_schema, list):
        for value in json_schema:
            yield from _field_names(value)
