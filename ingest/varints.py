"""Is a body written as its schema says, value by value? For what fastavro does not look at.

fastavro drops what lies beyond 64 bits, counts enums and unions from their end when an index is
negative, and where it skips a field it neither sees the end of the body nor bounds a claimed count
(2^40 doubles): values would come out that nobody wrote. Such a message is undecodable.
"""

import re
from typing import Any, Final

OVERLONG: Final = re.compile(rb"[\x80-\xff]{9}[\x02-\xff]")
"""Every number of more than 64 bits, or in more than 10 bytes, holds this; so may other values."""

VARINT_BYTES_MAX: Final = 10
VALUES_MAX: Final = 1_000_000
"""Values a message may hold: 10,000 samples have 130,000; it takes 0.5 s to look at so many."""
_WIDTHS: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}


def malformed(schema: Any, body: bytes, items_max: int) -> str:
    """Return why a body is not written as `schema` says, "" if it is; takes time linear in it.

    Raises:
        TooManyError: it holds more than VALUES_MAX values, or claims more than `items_max` samples.
    """
    walk = _Walk(body, schema, items_max)
    try:
        walk.over(schema)
    except RecursionError:
        return "is nested too deeply"
    except ValueError as error:
        return str(error)
    rest = len(body) - walk.at
    return f"{rest} bytes are left over after the end" if rest else ""


class TooManyError(Exception):
    """A message holds more values than are looked at."""


class _Walk:
    """Goes over a body as its schema says, number by number."""

    def __init__(self, body: bytes, schema: Any, items_max: int) -> None:
        self._body = body
        kinds = {field["name"]: field["type"] for field in schema["fields"]}
        self._samples = kinds.get("samples")
        self._items_max = items_max
        self.at = 0
        self._values = 0
        self._named: dict[str, Any] = {}

    def over(self, kind: Any) -> None:
        """Go over one value.

        Raises:
            ValueError: it is not written as `kind`.
            TooManyError: there were too many before it.
        """
        self._values += 1
        if self._values > VALUES_MAX:
            raise TooManyError(f"holds more than {VALUES_MAX:,} values")
        if isinstance(kind, list):
            branch = self._number()
            if not 0 <= branch < len(kind):
                raise ValueError(f"branch {branch} of a union of {len(kind)}")
            self.over(kind[branch])
        elif isinstance(kind, str):
            self._over_named(kind)
        elif kind["type"] == "record":
            self._named[kind["name"]] = kind
            for field in kind["fields"]:
                self.over(field["type"])
        elif kind["type"] in ("array", "map"):
            self._over_blocks(kind)
        elif kind["type"] == "fixed":
            self._named[kind["name"]] = kind
            self._pass(kind["size"])
        elif kind["type"] == "enum":
            self._named[kind["name"]] = kind
            index = self._number()
            if not 0 <= index < len(kind["symbols"]):
                raise ValueError(f"symbol {index} of an enum of {len(kind['symbols'])}")
        else:
            self.over(kind["type"])

    def _over_named(self, kind: str) -> None:
        if kind in _WIDTHS:
            self._pass(_WIDTHS[kind])
        elif kind in ("int", "long"):
            self._number()
        elif kind in ("string", "bytes"):
            self._pass(self._number())
        else:
            self.over(self._named.get(kind) or self._named[kind.rpartition(".")[2]])

    def _over_blocks(self, kind: Any) -> None:
        total = 0
        while count := self._number():
            total += abs(count)
            if kind is self._samples and total > self._items_max:
                raise TooManyError(f"claims {total:,} samples, more than {self._items_max:,}")
            size = self._number() if count < 0 else None
            start = self.at
            for _ in range(abs(count)):
                if kind["type"] == "map":
                    self._over_named("string")
                self.over(kind["items"] if kind["type"] == "array" else kind["values"])
            if size is not None and self.at - start != size:
                raise ValueError(f"a block has {self.at - start} bytes and says {size}")

    def _pass(self, size: int) -> None:
        if not 0 <= size <= len(self._body) - self.at:
            raise ValueError(f"{size} bytes at byte {self.at} of {len(self._body)}")
        self.at += size

    def _number(self) -> int:
        value = 0
        for place, byte in enumerate(self._body[self.at : self.at + VARINT_BYTES_MAX]):
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80 and value < 2**64:
                self.at += place + 1
                return (value >> 1) ^ -(value & 1)
        raise ValueError(f"no number of 64 bits at byte {self.at} of {len(self._body)}")
