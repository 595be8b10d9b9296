"""The wire form of samples: Avro schemas, and which partition a circuit belongs to."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from linksla.names import SAMPLES_PARTITIONS

_MURMUR2_SEED: Final = 0x9747B28C
_MURMUR2_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


@cache
def schema_text(name: str) -> str:
    """Return the Avro schema `LinkSample` or `LinkSampleBatch` as JSON text."""
    file = {"LinkSample": "link_sample.avsc", "LinkSampleBatch": "link_sample_batch.avsc"}[name]
    return files("linksla").joinpath("schemas", file).read_text(encoding="utf-8")


def schema(name: str) -> dict[str, Any]:
    """Return the Avro schema `LinkSample` or `LinkSampleBatch` as a fresh JSON value."""
    parsed: dict[str, Any] = json.loads(schema_text(name))
    return parsed


@cache
def partition_of(circuit_id: str, partitions: int = SAMPLES_PARTITIONS) -> int:
    """Return the partition of `link.samples` that holds a circuit.

    The same as the Java and kafka-python default partitioner for the UTF-8 key: murmur2, sign bit
    dropped, modulo the number of partitions.
    """
    return (murmur2(circuit_id.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit murmur2 of `data`, unsigned."""
    length = len(data)
    h = _MURMUR2_SEED ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little")
        k = (k * _MURMUR2_M) & _MASK
        k ^= k >> 24
        k = (k * _MURMUR2_M) & _MASK
        h = ((h * _MURMUR2_M) & _MASK) ^ k
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = (h * _MURMUR2_M) & _MASK
    h ^= h >> 13
    h = (h * _MURMUR2_M) & _MASK
    return h ^ (h >> 15)
