"""The greatest observed_at of each channel, packed 4,096 to a row (table `channel_seen`).

Each commit changes that of most channels. As rows of their own they took a fifth of the writer's
time at 100,000 samples/s; packed they are some 20 rows, and who asks for one circuit reads one.
"""

from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.sql import statement
from processors.observations import Int64
from processors.statements import run

NEVER_SEEN_US: Final = -1
KEYS_A_ROW: Final = 4_096
_CODEC: Final = pa.Codec("lz4")
_BYTES: Final = 8
_ROWS: Final = pa.schema([("first_key", pa.int32()), ("observed_at_us_max", pa.binary())])


def begin_seen(writer: duckdb.DuckDBPyConnection, keys: int) -> None:
    """Make the rows that keys below `keys` need; those that are there stay as they are."""
    nothing = packed(np.full(KEYS_A_ROW, NEVER_SEEN_US, np.int64))
    needed = list(range(0, keys, KEYS_A_ROW))
    run(writer, "seen_begin", begun=_rows(needed, [nothing] * len(needed)))


def store_seen(writer: duckdb.DuckDBPyConnection, before: Int64, after: Int64) -> None:
    """Store the rows in which any channel differs; both are by channel_key."""
    rows = {first: slice(first, first + KEYS_A_ROW) for first in range(0, len(after), KEYS_A_ROW)}
    changed = [first for first, row in rows.items() if (after[row] != before[row]).any()]
    if changed:
        contents = [packed(after[rows[first]]) for first in changed]
        run(writer, "seen_write", seen=_rows(changed, contents))


def seen_of(cursor: duckdb.DuckDBPyConnection, channel_key: Int64) -> Int64:
    """Return the greatest observed_at of each of these channels, NEVER_SEEN_US without one."""
    if len(channel_key) == 0:
        return channel_key
    first, last = (int(key) // KEYS_A_ROW for key in (channel_key.min(), channel_key.max()))
    found = np.full((last - first + 1) * KEYS_A_ROW, NEVER_SEEN_US, np.int64)
    bounds = {"first_key": first * KEYS_A_ROW, "last_key": last * KEYS_A_ROW}
    for key, content in cursor.execute(statement("processors", "seen"), bounds).fetchall():
        at = key - first * KEYS_A_ROW
        found[at : at + KEYS_A_ROW] = unpacked(content)
    seen: Int64 = found[channel_key - first * KEYS_A_ROW]
    return seen


def packed(instants: Int64) -> bytes:
    """Return at most KEYS_A_ROW instants as bytes: all the least bytes first, then the next.

    Instants of one commit differ in their low bytes only: so they take a third to a half less.
    """
    whole = np.full(KEYS_A_ROW, NEVER_SEEN_US, "<i8")
    whole[: len(instants)] = instants
    by_place = np.ascontiguousarray(whole.view(np.uint8).reshape(KEYS_A_ROW, _BYTES).T)
    content: bytes = _CODEC.compress(by_place, asbytes=True)
    return content


def unpacked(content: bytes) -> Int64:
    """Return the KEYS_A_ROW instants of a row."""
    plain = _CODEC.decompress(content, KEYS_A_ROW * _BYTES)
    by_place = np.frombuffer(plain, np.uint8).reshape(_BYTES, KEYS_A_ROW)
    return np.ascontiguousarray(by_place.T).view("<i8").reshape(KEYS_A_ROW).astype(np.int64)


def _rows(first_keys: list[int], contents: list[bytes]) -> pa.Table:
    return pa.table([first_keys, contents], schema=_ROWS)
