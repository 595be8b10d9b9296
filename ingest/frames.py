"""What stands in front of an Avro body, or in a header beside it.

Five forms are known: a bare body, `00` and a registry id, `01` and a registry GUID, the GUID (or
id) in the header `__value_schema_id`, and the single-object encoding `C3 01` and a fingerprint.

The first bytes of a bare body may look like a frame. A bare `LinkSample` never does: it begins with
the length of circuit_id, where `00` means empty (refused anyway) and `01` and `C3 01` mean a
negative length. A bare `LinkSampleBatch` does when its first block is written with a negative
count (1 or 98 items and their size in bytes) or when it is the empty batch `00`. So a frame is
taken for one when it is long enough, and a frame of a schema nobody knows is read once more as a
bare batch (`ingest.judge`).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEADER_SCHEMA_ID: Final = "__value_schema_id"

_ID_BYTES: Final = 5
_GUID_BYTES: Final = 17
_SINGLE_OBJECT_BYTES: Final = 10


@dataclass(frozen=True, slots=True)
class Bare:
    """No frame: the schema is one of our own."""


@dataclass(frozen=True, slots=True)
class RegistryId:
    """`00` and a registry's schema id, 4 bytes big-endian."""

    schema_id: int


@dataclass(frozen=True, slots=True)
class RegistryGuid:
    """`01` and a registry's schema GUID, 16 bytes; in front or in a header."""

    guid: uuid.UUID


@dataclass(frozen=True, slots=True)
class SingleObject:
    """`C3 01` and CRC-64-AVRO of the schema's canonical form, 8 bytes as they stand."""

    fingerprint: bytes


Frame = Bare | RegistryId | RegistryGuid | SingleObject
BARE: Final = Bare()


def take_off(value: bytes, headers: Sequence[tuple[str, bytes | None]] = ()) -> tuple[Frame, int]:
    """Return the frame of a message and where its body begins.

    A header `__value_schema_id` goes before what the first bytes look like.
    """
    for name, content in headers:
        if name == HEADER_SCHEMA_ID and content is not None:
            frame, length = _leading(content)
            if not isinstance(frame, Bare) and length == len(content):
                return frame, 0
    return _leading(value)


def _leading(value: bytes) -> tuple[Frame, int]:
    if value[:2] == b"\xc3\x01" and len(value) >= _SINGLE_OBJECT_BYTES:
        return SingleObject(value[2:_SINGLE_OBJECT_BYTES]), _SINGLE_OBJECT_BYTES
    if value[:1] == b"\x00" and len(value) >= _ID_BYTES:
        return RegistryId(int.from_bytes(value[1:_ID_BYTES], "big")), _ID_BYTES
    if value[:1] == b"\x01" and len(value) >= _GUID_BYTES:
        return RegistryGuid(uuid.UUID(bytes=value[1:_GUID_BYTES])), _GUID_BYTES
    return BARE, 0
