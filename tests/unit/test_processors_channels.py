"""Every sample gets the key of its channel, however many circuits and names there are."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linksla.stores import TelemetryStore
from processors.channels import Lanes, load_channels, register
from tests.unit.processors_support import circuit, inventory


def samples(pairs: list[tuple[str, str]]) -> pa.Table:
    return pa.table(
        {
            "circuit_id": pa.array([circuit_id for circuit_id, _ in pairs], pa.string()),
            "channel": pa.array([channel for _, channel in pairs], pa.string()),
        }
    )


@pytest.mark.parametrize("names", [1, 4, 64, 65, 90])
def test_a_sample_s_key_is_its_channel_s_and_nobody_s_is_unknown(
    memory_store: TelemetryStore, names: int
) -> None:
    one = circuit("A", channels=[f"ch{n}" for n in range(names)])
    other = circuit("B", channels=["ch0", "only B"] if names > 1 else ["ch0"])
    known = inventory(one, other)
    register(memory_store.writer, known, 8)
    channels = load_channels(memory_store.writer, known)
    assert (channels.lanes is None) == (len({name for _, name in channels.keys}) > 64)
    pairs = [*channels.keys, ("A", "only B"), ("B", "ch1"), ("nobody", "ch0"), ("A", "?"), ("", "")]
    pairs += pairs[::-1]

    found = channels.keys_of(samples(pairs)).tolist()

    assert found == [channels.keys.get(pair, 0) for pair in pairs]
    assert found.count(0) == 2 * sum(pair not in channels.keys for pair in pairs[: len(pairs) // 2])


def test_no_samples_have_no_keys(memory_store: TelemetryStore) -> None:
    register(memory_store.writer, inventory(circuit()), 8)
    channels = load_channels(memory_store.writer, inventory(circuit()))

    assert channels.keys_of(samples([])).tolist() == []


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.dictionaries(
        st.tuples(st.text("ab", max_size=2), st.text("xyz", max_size=2)), st.integers(1, 99)
    )
)
def test_the_table_holds_each_key_and_no_other(keys: dict[tuple[str, str], int]) -> None:
    lanes = Lanes.of(keys)

    assert lanes is not None
    found = {
        (circuit_id, name): int(lanes.keys[row, column])
        for row, circuit_id in enumerate(lanes.circuits.to_pylist(), 1)
        for column, name in enumerate(lanes.names.to_pylist(), 1)
    }
    assert {pair: key for pair, key in found.items() if key} == keys
    pairs = [*keys, ("", "w"), ("c", "x")]
    apart = (
        pa.chunked_array([[pair[0]] for pair in pairs]),
        pa.chunked_array([[p[1] for p in pairs]]),
    )
    assert lanes.keys_of(*apart).tolist() == [keys.get(pair, 0) for pair in pairs]
    assert not lanes.keys[0].any()
    assert not lanes.keys[:, 0].any()
