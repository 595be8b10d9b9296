"""A large poll's samples go straight to files, while the poll before it is written.

A node that catches up spent 0.34 of 0.8 µs a sample on rows of the table, to move each to a file
later. A file written beside the writer costs 0.17, sorting included, in a thread that has time.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from processors.arrivals import DAY_US, Arrivals
from processors.deduplication import Deduplicated, Rows
from processors.moved import MOVED_SCHEMA
from processors.observations import integers
from processors.preparing import Prepared
from processors.sample_files import Filed, SampleFiles

ROWS_MIN: Final = 120_000
"""A node that keeps up with 100,000 a second commits 75,000: files of those would be many and
small. One that catches up polls 150,000 and more."""
FILE_ROWS_MIN: Final = 20_000
"""Of one day. A file is opened for whatever is looked up in its range: one old sample would open it
always, and a file for each of a few samples would be opened as often."""
_DAYS_MAX: Final = 4_096
"""Between the first and the last; each has a counter. Partitions of a long backlog drift apart, as
each answer has as many bytes of each: those of 23 and of 37 circuits by 4 of 12 days."""


class StraightFiles:
    """Writes files for polls that are large enough; safe in any thread."""

    def __init__(self, files: SampleFiles | None, at: Callable[[str], None]) -> None:
        """Remember where to write; without `files` nothing is."""
        self._files = files if files is not None and files.are_kept else None
        self._at = at

    def written(self, ready: Prepared, found: Deduplicated) -> Filed:
        """Write the samples that are kept to files, in order, one for each day that has many.

        In the table they stand above all files, so one that replaces another goes there, and all
        that came with it. What was pending comes at a start, before the files are looked through.

        Raises:
            OSError: one could not be written.
        """
        if self._files is None or len(found.kept) < ROWS_MIN:
            return Filed((), found.kept)
        if ready.fed_again or found.replacing.any():
            return Filed((), found.kept)
        by_day, rest = _days(ready.arrivals, found.kept)
        files = []
        for rows in by_day:
            number = self._files.take_generation()
            filed = _filed(ready.arrivals, rows, number)
            files.append(self._files.write(filed, number, self._at, "straight file"))
        return Filed(tuple(files), rest)

    def drop(self, filed: Filed) -> None:
        """Remove the files of a poll that is not written as it was expected."""
        if self._files is not None:
            for file in filed.files:
                self._files.drop(file)


def _days(arrivals: Arrivals, kept: Rows) -> tuple[list[Rows], Rows]:
    """Return the rows of each UTC day that has enough for a file, in order, and all others."""
    day = integers(arrivals.samples, "observed_at_us")[kept] // DAY_US
    first, last = int(day.min()), int(day.max())
    if first == last:
        return [kept], kept[:0]
    if last - first >= _DAYS_MAX:
        return [], kept
    count = np.bincount(day - first)
    large = count >= FILE_ROWS_MIN
    rest = kept[~large[day - first]]
    return [kept[day == first + number] for number in np.flatnonzero(large).tolist()], rest


def _filed(arrivals: Arrivals, rows: Rows, generation: int) -> pa.Table:
    """Return samples by channel and instant, with the columns of a file.

    Those of a poll lie so; of some days, those of each are taken out.
    """
    taken = arrivals.samples
    if len(rows) < len(taken):
        taken = taken.take(rows)
    columns = {
        "channel_key": arrivals.channel_key[rows].astype(np.int32),
        "generation": np.full(len(rows), generation),
    }
    columns |= {name: taken.column(name) for name in MOVED_SCHEMA.names if name not in columns}
    return pa.table({name: columns[name] for name in MOVED_SCHEMA.names}, schema=MOVED_SCHEMA)
