"""A large poll's samples go straight to a file, while the poll before it is written.

A node that catches up spent 0.34 of 0.8 µs a sample on rows of the table, to move each to a file
later. A file written beside the writer costs 0.17, sorting included, in a thread that has time.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from processors.arrivals import DAY_US, Arrivals
from processors.deduplication import Deduplicated
from processors.moved import MOVED_SCHEMA
from processors.observations import integers
from processors.preparing import Prepared
from processors.sample_files import SampleFile, SampleFiles

ROWS_MIN: Final = 120_000
"""A node that keeps up with 100,000 a second commits 75,000: files of those would be many and
small. One that catches up polls 150,000 and more."""
_RANGE_US_MAX: Final = DAY_US
"""A file is opened for whatever is looked up in its range: one old sample would open it always."""


class StraightFiles:
    """Writes files for polls that are large enough; safe in any thread."""

    def __init__(self, files: SampleFiles | None, at: Callable[[str], None]) -> None:
        """Remember where to write; without `files` nothing is."""
        self._files = files if files is not None and files.are_kept else None
        self._at = at

    def written(self, ready: Prepared, found: Deduplicated) -> SampleFile | None:
        """Write the samples that are kept to a file, in order; None: they belong into the table.

        There they stand above all files, so one that replaces another goes there, and all that came
        with it. What was pending comes at a start, before the files are looked through.

        Raises:
            OSError: it could not be written.
        """
        if self._files is None or len(found.kept) < ROWS_MIN:
            return None
        if ready.fed_again or found.replacing.any():
            return None
        arrivals = ready.arrivals
        observed_at_us = integers(arrivals.samples, "observed_at_us")
        if int(observed_at_us.max() - observed_at_us.min()) > _RANGE_US_MAX:
            return None
        number = self._files.take_generation()
        rows = _filed(arrivals, found, number)
        return self._files.write(rows, number, self._at, "straight file")

    def drop(self, file: SampleFile | None) -> None:
        """Remove a file whose poll is not written as it was expected."""
        if file is not None and self._files is not None:
            self._files.drop(file)


def _filed(arrivals: Arrivals, found: Deduplicated, generation: int) -> pa.Table:
    """Return the kept samples by channel and instant, with the columns of a file.

    Column by column: together they would be twice in memory, 60 MB of 640,000 samples.
    """
    order = pa.array(found.kept)
    columns = {
        "channel_key": pa.array(arrivals.channel_key[found.kept].astype(np.int32)),
        "generation": pa.array(np.full(len(order), generation)),
    }
    for name in MOVED_SCHEMA.names:
        if name not in columns:
            values = arrivals.samples.column(name).combine_chunks()
            columns[name] = pc.take(values, order, boundscheck=False)
    return pa.table({name: columns[name] for name in MOVED_SCHEMA.names}, schema=MOVED_SCHEMA)
