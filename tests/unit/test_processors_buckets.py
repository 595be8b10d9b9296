"""Latency buckets: Python, compiled and in SQL one function; a middle is close to its values."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.stores import TelemetryStore
from processors.buckets import bucket_bounds, bucket_middle_us, bucket_of, bucket_of_value

LATENCIES = st.one_of(
    st.integers(0, 2**31 - 1),
    st.builds(lambda bit, off: max(2**bit + off, 0), st.integers(0, 30), st.integers(-2, 2)),
)


def test_sql_and_compiled_put_every_latency_in_the_bucket_python_puts_it_in(memory_store) -> None:
    powers = {max(2**bit + off, 0) for bit in range(31) for off in range(-3, 4)} | {2**31 - 1}
    rng = np.random.default_rng(7)
    values = np.array([*range(2_000), *sorted(powers), *rng.integers(0, 2**31, 20_000)], np.int64)

    memory_store.writer.register("x", {"v": values.astype(np.int32), "n": np.arange(len(values))})
    by_sql = memory_store.writer.execute("select latency_bucket(v) from x order by n").fetchall()
    memory_store.writer.unregister("x")

    expected = [bucket_of(int(value)) for value in values]
    assert [bucket for (bucket,) in by_sql] == expected
    assert [bucket_of_value(int(value)) for value in values] == expected


@settings(max_examples=300, deadline=None)
@given(latency_us=LATENCIES)
def test_a_bucket_holds_its_values_and_its_middle_is_within_one_in_128(latency_us: int) -> None:
    bucket = bucket_of(latency_us)
    least, greatest = bucket_bounds(bucket)
    middle = bucket_middle_us(bucket)

    assert least <= latency_us <= greatest
    assert bucket_of(least) == bucket == bucket_of(greatest)
    assert bucket_of(greatest + 1) == bucket + 1
    assert abs(middle - latency_us) <= Fraction(max(latency_us, 1), 128)
    assert middle == latency_us or latency_us >= 128


def test_the_macro_takes_a_column_of_the_table_of_samples() -> None:
    store = TelemetryStore(None)
    store.start()
    row = store.writer.execute(
        "select latency_bucket(127::integer), latency_bucket(128)"
    ).fetchone()
    store.close()

    assert row == (127, 128)
