"""`linksla replay`: samples out of CSV, Avro and Parquet files, through Kafka like all others.

Files are read whole, because samples must go out in time order: a sample behind the watermark is
late, and late data is dear. Needs about 200 bytes of memory a row; split larger files by time.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import fastavro
import kafka.errors
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from kafka import KafkaProducer

from ingest.mapping import Mapping
from ingest.reachable import check_reachable
from ingest.replay_rows import Origin, Skipped, needed_columns, to_wire
from ingest.topics import unreachable
from linksla.errors import StreamError, UsageError
from linksla.log_limits import limit_kafka
from linksla.names import SAMPLES_PARTITIONS, TOPIC_SAMPLES
from linksla.wire import WIRE_SCHEMA, encode, partition_of

SLICE_ROWS: Final = 100_000
BATCH_SAMPLES: Final = 500
_DELIMITERS: Final = ";\t|,"
_ACK_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Replayed:
    """What went to Kafka, and which rows did not."""

    samples: int
    messages: int
    skipped: Skipped


def replay(
    paths: Sequence[Path],
    mapping: Mapping,
    bootstrap: str,
    *,
    topic: str = TOPIC_SAMPLES,
    batch: int = BATCH_SAMPLES,
    progress: Callable[[int, int], None] | None = None,
) -> Replayed:
    """Send the samples of all files in time order; return when Kafka has acknowledged them all.

    `progress` is told how many samples of how many are sent. `batch` 1 sends single samples.

    Raises:
        UsageError: a file cannot be read, or does not have the columns that are mapped.
        StreamError: Kafka cannot be reached, or did not take a message.
    """
    skipped = Skipped()
    tables = [table for path in paths for table in read_file(path, mapping, skipped)]
    samples = in_time_order(pa.concat_tables(tables)) if tables else WIRE_SCHEMA.empty_table()
    check_reachable(bootstrap)
    limit_kafka()
    try:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", linger_ms=5, batch_size=1 << 20,
            max_request_size=16 << 20,
        )  # fmt: skip
    except kafka.errors.KafkaError as error:
        raise unreachable(bootstrap, error) from None
    try:
        messages = _send(producer, topic, samples, batch, progress)
    finally:
        producer.close()
    return Replayed(samples.num_rows, messages, skipped)


def _send(
    producer: KafkaProducer,
    topic: str,
    samples: pa.Table,
    batch: int,
    progress: Callable[[int, int], None] | None,
) -> int:
    messages = 0
    try:
        partitions = producer.partitions_for(topic) or set()
        if len(partitions) != SAMPLES_PARTITIONS:
            raise StreamError(
                f"topic {topic} has {len(partitions)} partitions, not {SAMPLES_PARTITIONS}",
                hint="Make the topics with `linksla kafka` or `linksla run`.",
            )
        for start in range(0, samples.num_rows, SLICE_ROWS):
            part = samples.slice(start, SLICE_ROWS)
            waiting = [
                producer.send(topic, value=value, partition=partition)
                for partition, rows in by_partition(part)
                for value in encode(rows, batch=batch)
            ]
            producer.flush(timeout=_ACK_SECONDS)
            for future in waiting:
                future.get(timeout=_ACK_SECONDS)
            messages += len(waiting)
            if progress is not None:
                progress(start + part.num_rows, samples.num_rows)
    except kafka.errors.KafkaError as error:
        raise StreamError(
            f"Kafka did not take a message ({type(error).__name__})", where=topic,
            hint="Replay again: samples that are there already count once.", retryable=True,
        ) from None  # fmt: skip
    return messages


def by_partition(samples: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Split samples by the partition of their circuit, keeping their order."""
    encoded = pc.dictionary_encode(samples.column("circuit_id").combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    of_circuit = pa.array([partition_of(name) for name in encoded.dictionary.to_pylist()])
    partitions = of_circuit.take(encoded.indices)
    for partition in sorted(pc.unique(partitions).to_pylist()):
        yield partition, samples.filter(pc.equal(partitions, partition))


def read_file(path: Path, mapping: Mapping, skipped: Skipped | None = None) -> Iterator[pa.Table]:
    """Yield the samples of one file in WIRE_SCHEMA, in time order.

    Rows that cannot be read are noted in `skipped` with file, row, column and reason.

    Raises:
        UsageError: the file cannot be read, or does not have the columns that are mapped.
    """
    noted = Skipped() if skipped is None else skipped
    tables, first_row = [], 1
    try:
        for raw in _raw_tables(path, mapping):
            origin = Origin(path.name, path.stem, first_row)
            tables.append(to_wire(raw, mapping, origin, noted))
            first_row += raw.num_rows
    except (OSError, pa.ArrowException, ValueError, EOFError, KeyError) as error:
        raise UsageError(
            f"cannot be read after row {first_row - 1}: {_first_line(error)}", where=str(path),
            hint="Is it a whole CSV, Avro object container or Parquet file?",
        ) from None  # fmt: skip
    if not tables:
        return
    samples = in_time_order(pa.concat_tables(tables))
    if "sequence" not in mapping.columns and not _all_above_zero(samples):
        samples = _with_sequence(samples, apart=mapping.times.repeated == "apart")
    for start in range(0, samples.num_rows, SLICE_ROWS):
        yield samples.slice(start, SLICE_ROWS)


def in_time_order(samples: pa.Table) -> pa.Table:
    """Return samples by `observed_at`; those of one instant keep their order."""
    times = samples.column("observed_at").cast(pa.int64()).combine_chunks()
    order = times.to_numpy(zero_copy_only=False).argsort(kind="stable")
    return samples.take(pa.array(order)).combine_chunks()


def _all_above_zero(samples: pa.Table) -> bool:
    least = pc.min(samples.column("sequence")).as_py()
    return least is not None and least > 0


def _with_sequence(samples: pa.Table, *, apart: bool) -> pa.Table:
    """Number samples by their instant in µs; the n-th repeat of an instant goes n µs later.

    The same file makes the same samples every time, so replaying it twice counts nothing twice.
    """
    times = samples.column("observed_at").cast(pa.int64())
    if apart:
        keys = samples.select(["circuit_id", "channel", "observed_at"]).to_pandas()
        repeats = keys.groupby(list(keys.columns), sort=False).cumcount()
        times = pc.add(times, pa.array(repeats.to_numpy(), pa.int64()))
    samples = samples.set_column(
        samples.schema.get_field_index("sequence"), WIRE_SCHEMA.field("sequence"), times
    )
    return samples.set_column(
        samples.schema.get_field_index("observed_at"), WIRE_SCHEMA.field("observed_at"),
        times.cast(pa.timestamp("us")),
    )  # fmt: skip


def _raw_tables(path: Path, mapping: Mapping) -> Iterator[pa.Table]:
    """Yield a file's needed columns in pieces; its first bytes tell what it is."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return _parquet_tables(path, mapping)
    if start == b"Obj\x01":
        return _avro_tables(path, mapping)
    return _csv_tables(path, mapping)


def _parquet_tables(path: Path, mapping: Mapping) -> Iterator[pa.Table]:
    with pyarrow.parquet.ParquetFile(path) as file:
        columns = needed_columns(mapping, file.schema_arrow.names, path.name)
        for batch in file.iter_batches(batch_size=SLICE_ROWS, columns=columns):
            yield pa.Table.from_batches([batch])


def _avro_tables(path: Path, mapping: Mapping) -> Iterator[pa.Table]:
    with path.open("rb") as file:
        columns: list[str] | None = None
        for block in fastavro.block_reader(file):
            rows = [row for row in block if isinstance(row, dict)]
            if not rows:
                continue
            if columns is None:
                columns = needed_columns(mapping, list(rows[0]), path.name)
            yield pa.table({name: [row[name] for row in rows] for name in columns})


def _csv_tables(path: Path, mapping: Mapping) -> Iterator[pa.Table]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
    delimiter = mapping.csv.delimiter or max(_DELIMITERS, key=line.count)
    header = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    columns = needed_columns(mapping, header, path.name)
    if not columns:
        raise UsageError("is empty", where=str(path), hint="Its first line must name columns.")
    with pyarrow.csv.open_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
        ),
    ) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
