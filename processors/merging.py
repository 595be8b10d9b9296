"""Small files of samples put together: those of an hour, and those that came late for a day.

An hour moves in several pieces, and each day brings a file of late samples for days before it. A
merged file is written like any other; then one transaction puts it into the manifest in the place
of the others. Of two samples with one key the higher generation is kept: it is the one that stands.
"""

from collections.abc import Callable
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq

from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.moved import MOVED_SCHEMA
from processors.moving import DAY_US, HOUR_US, SampleMover
from processors.sample_files import SampleFile, SampleFiles
from processors.statements import read
from processors.transactions import transaction


def _group(file: SampleFile) -> tuple[int, int]:
    """Return (day, hour) of the samples; hour -1: of more than one hour."""
    hour = file.first_us // HOUR_US
    return file.first_us // DAY_US, hour if hour == file.last_us // HOUR_US else -1


class FileMerger:
    """Merges files, a bounded number of samples at a time; only the writer thread calls it."""

    def __init__(
        self,
        store: TelemetryStore,
        files: SampleFiles,
        mover: SampleMover,
        at: Callable[[str], None],
    ) -> None:
        """Remember whose files to merge; `at` is told each point a crash could come at."""
        self._store = store
        self._files = files
        self._mover = mover
        self._at = at

    def merge(self, rows_max: int, now_us: int) -> int:
        """Merge some files of at most `rows_max` samples together; return how many samples.

        0: there are no two that may be merged.
        """
        files = self._next(rows_max)
        if not files:
            return 0
        writer = self._store.writer
        tables = [
            pq.read_table(self._files.folder / file.name, schema=MOVED_SCHEMA) for file in files
        ]
        rows = read(writer, "merged_samples", merged=pa.concat_tables(tables)).cast(MOVED_SCHEMA)
        bounds = min(file.from_us for file in files), max(file.to_us for file in files)
        number = self._files.take_generation()
        together = self._files.write(rows, number, self._at, "merged file", bounds)
        with transaction(writer):
            together.enter(writer)
            self._at("merged file in the manifest")
            replaced = {"generations": [file.generation for file in files], "now_us": now_us}
            writer.execute(statement("processors", "sample_files_replace"), replaced).fetchall()
            self._at("merged files out of the manifest")
        self._at("merge committed")
        return sum(file.rows for file in files)

    def _next(self, rows_max: int) -> list[SampleFile]:
        """Return neighbours of the oldest group that has some, or none."""
        rows = self._store.writer.execute(
            statement("processors", "sample_files_mergeable"),
            {"before_us": self._mover.frontier_us, "rows_max": rows_max},
        ).fetchall()
        files = sorted(
            (SampleFile(*row) for row in rows), key=lambda file: (_group(file), file.from_us)
        )
        for _, group in groupby(files, key=_group):
            chosen: list[SampleFile] = []
            for file in group:
                if sum(one.rows for one in chosen) + file.rows > rows_max:
                    if len(chosen) > 1:
                        break
                    chosen = []
                chosen.append(file)
            if len(chosen) > 1:
                return chosen
        return []
