"""Files in, samples in wire form out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.mapping import Column, Mapping, load_mapping, with_words
from ingest.replay import by_partition, read_file
from ingest.replay_rows import EXAMPLES_MAX, Skipped
from linksla.errors import ConfigError, UsageError
from linksla.wire import WIRE_SCHEMA, partition_of, schema

RIPE = Path(__file__).parents[2] / "config" / "mappings" / "ripe-atlas.yaml"
WORDS = ["circuit_id==DEN-1", "channel==ch1", "observed_at=t", "interval_ms==1000", "latency_ms=ms"]


def read(path: Path, words: list[str], skipped: Skipped | None = None) -> pa.Table:
    tables = list(read_file(path, with_words(Mapping(), words), skipped))
    return pa.concat_tables(tables) if tables else WIRE_SCHEMA.empty_table()


def written(tmp_path: Path, text: str, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def instants(table: pa.Table) -> list[int]:
    return table["observed_at"].cast(pa.int64()).to_pylist()


def test_ripe_traces_give_the_published_numbers(vectors: Any, rtt_traces: Path) -> None:
    for case in vectors("statistics")["ripe_atlas"]["cases"]:
        table = pa.concat_tables(read_file(rtt_traces / case["file"], load_mapping(RIPE)))
        kept = sorted(table["latency_ms"].drop_null().to_pylist())

        assert table.num_rows == case["n"]
        assert pc.sum(table["loss_ratio"]).as_py() == case["lost"]
        assert table["latency_ms"].null_count == case["lost"]
        for p in (50, 95, 99):
            nearest_rank = kept[-(-p * len(kept) // 100) - 1]
            assert round(nearest_rank, 3) == case[f"p{p}"]
        assert round(sum(kept) / len(kept), 4) == case["mean"]
        assert instants(table) == sorted(set(instants(table)))
        assert table.schema == WIRE_SCHEMA


def test_repeated_times_stay_apart_and_in_order(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms\n2025-01-01 00:00,1\n2025-01-01 00:00,-3\n2025-01-01 00:00,-4\n")

    apart, same = read(path, WORDS), read(path, [*WORDS, "repeated==same"])

    first = instants(same)[0]
    assert instants(apart) == [first, first + 1, first + 2]
    assert apart["sequence"].to_pylist() == instants(apart)
    assert apart["latency_ms"].to_pylist() == [1.0, None, None]
    assert instants(same) == [first] * 3


def test_reading_a_file_twice_makes_the_same_samples(rtt_traces: Path) -> None:
    path = rtt_traces / "11145.csv"

    once, again = (pa.concat_tables(read_file(path, load_mapping(RIPE))) for _ in range(2))

    assert once.equals(again)


def test_a_decimal_comma_a_semicolon_and_a_bom_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path, "\ufefft;ms\r\n2025-01-01T00:00:00Z;1,5\r\n2025-01-01T00:00:01Z;-1\r\n"
    )

    table = read(path, [*WORDS, "decimal==,"])

    assert table["latency_ms"].to_pylist() == [1.5, None]
    assert table["loss_ratio"].to_pylist() == [0.0, 1.0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    path = written(tmp_path, f"t{delimiter}ms\n1735689600{delimiter}2.25\n")

    assert read(path, WORDS)["latency_ms"].to_pylist() == [2.25]


def test_a_constant_keeps_its_comma_where_the_file_has_a_decimal_comma(tmp_path: Path) -> None:
    path = written(tmp_path, "t;ms\n1735689600;2,25\n")

    table = read(path, [*WORDS, "decimal==,", "circuit_id==A,B"])

    assert table["circuit_id"].to_pylist() == ["A,B"]


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2025-07-01T10:00:00Z", "UTC"),
        ("2025-07-01T12:00:00+02:00", "America/Denver"),  # an offset beats the zone
        ("2025-07-01 12:00:00", "Europe/Paris"),
        ("01/07/2025 12:00", "Europe/Paris"),
        ("01/07/2025 04:00:00", "America/Denver"),
        ("1751364000", "Europe/Paris"),
        ("1751364000000", "UTC"),
        ("1751364000000000", "UTC"),
    ],
)
def test_one_instant_is_read_in_every_way_it_is_written(
    tmp_path: Path, text: str, zone: str
) -> None:
    path = written(tmp_path, f"t,ms\n{text},1\n")

    table = read(path, [*WORDS, f"zone=={zone}"])

    assert instants(table) == [1_751_364_000_000_000]


def test_epoch_nanoseconds_are_read_from_a_column_of_integers(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table({"t": [1_751_364_000_000_000_000], "ms": [1.0]}), path)

    assert instants(read(path, WORDS)) == [1_751_364_000_000_000]


def test_formats_are_tried_for_each_value_of_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms\n1751364000,1\n01/07/2025 10:00:01,1\n2025-07-01T10:00:02Z,1\n")

    assert [t - 1_751_364_000_000_000 for t in instants(read(path, WORDS))] == [
        0,
        1_000_000,
        2_000_000,
    ]


def test_a_time_a_clock_change_makes_doubtful_is_left_out_with_a_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms\n2025-10-26 02:30,1\n2025-10-26 03:30,1\n")
    skipped = Skipped()

    table = read(path, [*WORDS, "zone==Europe/Paris"], skipped)

    assert table.num_rows == 1
    assert skipped.examples[0].row == 1
    assert "is not one instant in Europe/Paris" in skipped.examples[0].reason


@pytest.mark.parametrize(
    ("word", "cell", "expected"),
    [
        ("latency_ms=ms s", "0.0125", 12.5),
        ("latency_ms=ms us", "12500", 12.5),
        ("latency_ms=ms ms", "12.5", 12.5),
        ("rtt=ms us", "12500", 12.5),
    ],
)
def test_units_come_out_as_milliseconds(
    tmp_path: Path, word: str, cell: str, expected: float
) -> None:
    path = written(tmp_path, f"t,ms\n1735689600,{cell}\n")

    assert read(path, [*WORDS, word])["latency_ms"].to_pylist() == [expected]


def test_what_counts_as_lost_can_be_chosen(tmp_path: Path) -> None:
    rows = "".join(
        f"{1_735_689_600 + i},{v}\n" for i, v in enumerate(["0", "999", "1000", "", "-4"])
    )
    path = written(tmp_path, "t,ms\n" + rows)

    usual = read(path, WORDS)
    wide = read(path, [*WORDS, "lost_above==-1", "lost_below==5000"])

    assert usual["loss_ratio"].to_pylist() == [1.0, 0.0, 1.0, None, 1.0]
    assert usual["latency_ms"].to_pylist() == [None, 999.0, None, None, None]
    assert wide["loss_ratio"].to_pylist() == [0.0, 0.0, 0.0, None, 1.0]


def test_mapped_loss_is_taken_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms,loss\n1735689600,1500,25\n")

    table = read(path, [*WORDS, "loss_ratio=loss percent"])

    assert table["loss_ratio"].to_pylist() == [0.25]
    assert table["latency_ms"].to_pylist() == [1500.0]


def test_bad_rows_are_left_out_with_file_row_column_and_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms\n1735689600,1\nyesterday,2\n1735689602,fast\n1735689603,4\n,5\n")
    skipped = Skipped()

    table = read(path, WORDS, skipped)

    assert table["latency_ms"].to_pylist() == [1.0, 4.0]
    assert [(e.row, e.column) for e in skipped.examples] == [(2, "t"), (3, "ms"), (5, "t")]
    assert str(skipped.examples[1]) == "file.csv: row 3, column ms: fast is not a number"
    assert skipped.total == 3


def test_a_million_bad_rows_give_few_examples(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms\n" + "x,1\n" * 1000)
    skipped = Skipped()

    assert read(path, WORDS, skipped).num_rows == 0
    assert skipped.total == 1000
    assert len(skipped.examples) == EXAMPLES_MAX


def test_rows_come_out_in_time_order(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms\n1735689602,3\n1735689600,1\n1735689601,2\n")

    assert read(path, WORDS)["latency_ms"].to_pylist() == [1.0, 2.0, 3.0]


def sample(sequence: int, latency_ms: float | None) -> dict[str, Any]:
    moment = datetime.fromtimestamp(1_735_689_600 + sequence, UTC)
    return {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": sequence, "observed_at": moment,
        "interval_ms": 1000, "latency_ms": latency_ms, "jitter_ms": 0.5, "loss_ratio": 0.0,
        "rx_bps": 1e9, "tx_bps": None, "bgp_state": "ESTABLISHED", "bgp_transitions": 2,
        "probe": None,
    }  # fmt: skip


def test_avro_files_of_link_samples_need_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "samples.avro"
    rows = [sample(1, 3.25), sample(2, None)]
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema("LinkSample")), rows, sync_interval=1)

    table = read(path, [])

    assert table["sequence"].to_pylist() == [1, 2]
    assert table["latency_ms"].to_pylist() == [3.25, None]
    assert table["bgp_state"].to_pylist() == ["ESTABLISHED"] * 2
    assert instants(table)[0] == 1_735_689_601_000_000


def test_avro_files_of_another_shape_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "other.avro"
    fields = [{"name": "t", "type": "long"}, {"name": "ms", "type": ["null", "double"]}]
    with path.open("wb") as file:
        fastavro.writer(
            file, {"type": "record", "name": "R", "fields": fields},
            [{"t": 1_735_689_600, "ms": 5.0}, {"t": 1_735_689_601, "ms": -3.0}],
        )  # fmt: skip

    table = read(path, WORDS)

    assert table["loss_ratio"].to_pylist() == [0.0, 1.0]


def test_parquet_files_are_read_with_their_types(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    times = pa.array([1_735_689_600_000, 1_735_689_601_000]).cast(pa.timestamp("ms"))
    names = pa.array(["DEN-1", "DEN-2"]).dictionary_encode()
    pq.write_table(pa.table({"when": times, "rtt": [1, 2], "line": names}), path)

    table = read(
        path,
        ["circuit=line", "channel==ch1", "time=when", "interval==1000", "rtt=rtt",
         "zone==Europe/Paris"],
    )  # fmt: skip

    assert table["circuit_id"].to_pylist() == ["DEN-1", "DEN-2"]
    assert instants(table)[0] == (1_735_689_600 - 3600) * 1_000_000


def test_a_wrong_column_names_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, "epoch;rtt;cp\n1735689600;1;0\n")

    with pytest.raises(UsageError, match=r"no column 'Epok'.*Did you mean 'epoch'"):
        read(path, [*WORDS, "observed_at=Epok", "latency_ms=rtt"])


def test_a_required_field_without_a_column_says_what_to_add(tmp_path: Path) -> None:
    path = written(tmp_path, "t,ms\n1735689600,1\n")

    with pytest.raises(UsageError, match=r"nothing is mapped to circuit_id.*--map circuit_id="):
        read(path, WORDS[1:])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.parquet", b"PAR1 and no more"),
        ("cut.avro", b"Obj\x01\x04"),
        ("ragged.csv", b"t,ms\n1735689600,1\n1,2,3\n"),
        ("binary.csv", b"\xff\xfe\x00\x80"),
        ("empty.csv", b""),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        read(path, WORDS)

    assert name in str(caught.value)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.csv"):
        read(tmp_path / "no.csv", WORDS)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("latency_ms", "maps nothing"),
        ("latenzy_ms=rtt", "Did you mean 'latency_ms'"),
        ("zone==Mars/Base", "no time zone"),
        ("lost_below==many", "no lost_below"),
        ("decimal==x", "no decimal"),
    ],
)
def test_a_wrong_word_says_what_is_wrong(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_words(Mapping(), [word])


def test_a_mapping_file_with_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "columns: {latency_ms: {column: rtt, unit: parsec}}\n", "m.yaml")

    with pytest.raises(ConfigError, match=r"m\.yaml.*no unit 'parsec'.*Known: ms, s, us"):
        load_mapping(path)


def test_a_mapping_file_with_an_unknown_key_names_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "title: x\ntimez: {}\n", "m.yaml")

    with pytest.raises(ConfigError, match=r"m\.yaml:2.*Did you mean 'times'"):
        load_mapping(path)


def test_words_change_a_mapping_and_keep_the_rest() -> None:
    mapping = with_words(load_mapping(RIPE), ["circuit==X", "delimiter==tab"])

    assert mapping.columns["circuit_id"] == Column(constant="X")
    assert mapping.columns["latency_ms"] == Column(column="rtt", unit="ms")
    assert mapping.csv.delimiter == "\t"


def test_partitions_are_those_of_the_circuits_and_keep_the_order() -> None:
    names = [f"C-{i % 13}" for i in range(200)]
    rows = pa.table(
        {f.name: pa.nulls(200, f.type) for f in WIRE_SCHEMA}
        | {"circuit_id": names, "sequence": list(range(200))}
    )

    seen = {}
    for partition, part in by_partition(rows):
        assert {partition_of(name) for name in part["circuit_id"].to_pylist()} == {partition}
        assert part["sequence"].to_pylist() == sorted(part["sequence"].to_pylist())
        seen[partition] = part.num_rows

    assert sum(seen.values()) == 200
    assert sorted(seen) == sorted({partition_of(name) for name in names})
