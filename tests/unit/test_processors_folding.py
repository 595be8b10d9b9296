"""Folding step by step: what is carried from one poll to the next, and what late samples undo."""

from linksla.stores import TelemetryStore
from tests.unit.processors_support import (
    MIDNIGHT,
    US,
    Sample,
    at,
    circuit,
    numbered,
    poll_of,
    stored_spans,
    watermark_to,
    writer_of,
)


def spans_after(store: TelemetryStore, *polls: list[Sample]) -> dict[str, list[tuple[int, ...]]]:
    """Write polls of samples of channels a, b and clock; return a's and b's spans from MIDNIGHT."""
    writer = writer_of(store, circuit(channels=("a", "b", "clock")))
    offset = 0
    for samples in polls:
        writer.write(poll_of(numbered(samples, offset)))
        offset += len(samples)
    found: dict[str, list[tuple[int, ...]]] = {"a": [], "b": []}
    for _, channel, start, end, bgp, loss in stored_spans(store):
        if channel in found:
            assert bgp == 1
            found[channel].append((start - MIDNIGHT, end - MIDNIGHT, loss))
    return found


def clock(watermark: int) -> Sample:
    """Return a sample of a third channel that brings the watermark to a second."""
    return at(watermark + 30, channel="clock")


def test_a_span_open_at_midnight_is_not_extended_into_the_next_day(memory_store) -> None:
    a = [at(10 * n, channel="a") for n in range(-2, 2)]

    assert spans_after(memory_store, [*a, clock(0)], [clock(10)], [clock(20)])["a"] == [
        (-20, 0, 0),
        (0, 20, 0),
    ]


def test_a_span_is_not_extended_over_a_gap(memory_store) -> None:
    polls = [at(0, channel="a"), clock(10)], [clock(30)], [at(30, channel="a"), clock(50)]

    assert spans_after(memory_store, *polls)["a"] == [(0, 10, 0), (30, 40, 0)]


def test_every_channels_last_sample_is_carried_from_fold_to_fold(memory_store) -> None:
    long = [at(0, channel=name, interval_us=100 * US) for name in ("a", "b")]
    steps = [[clock(second)] for second in range(20, 160, 20)]

    assert spans_after(memory_store, [*long, clock(10)], *steps) == {
        "a": [(0, 100, 0)],
        "b": [(0, 100, 0)],
    }


def test_polls_within_the_allowed_lateness_lie_in_few_parts(memory_store) -> None:
    writer = writer_of(memory_store, circuit(grid=1, channels=("a",)))
    samples = numbered([at(n / 2, channel="a") for n in range(80)])
    for sample in samples:
        writer.write(poll_of([sample]))

    tail = writer._started()[1].tail
    assert sum(len(part) for part in tail) in range(59, 64)
    assert len(tail) <= 4


def test_between_two_late_samples_an_earlier_long_one_still_holds(memory_store) -> None:
    long = at(0, channel="a", interval_us=200 * US, loss_ppm=1_000_000)
    late = [at(50, channel="a"), at(100, channel="a")]

    assert spans_after(memory_store, [long, clock(300)], late)["a"] == [
        (0, 50, 8),
        (50, 60, 0),
        (60, 100, 8),
        (100, 110, 0),
        (110, 200, 8),
    ]


def test_a_replacement_with_a_shorter_interval_frees_the_cells_the_first_one_held(
    memory_store,
) -> None:
    first = at(0, channel="a", interval_us=100 * US, sequence=1)
    second = at(0, channel="a", interval_us=10 * US, sequence=2)

    assert spans_after(memory_store, [first, clock(200)], [second])["a"] == [(0, 10, 0)]


def test_a_replacement_before_folding_leaves_nothing_of_the_first_one(memory_store) -> None:
    first = at(0, channel="a", interval_us=100 * US, sequence=1)
    second = at(0, channel="a", interval_us=10 * US, sequence=2)

    assert spans_after(memory_store, [first], [second], [clock(200)])["a"] == [(0, 10, 0)]


def test_a_late_sample_at_the_end_of_what_is_folded_opens_the_span_that_goes_on(
    memory_store,
) -> None:
    polls = [clock(20)], [at(10, channel="a")], [at(20, channel="a"), clock(30)]

    assert spans_after(memory_store, *polls)["a"] == [(10, 30, 0)]


def test_a_restart_carries_long_samples_and_open_spans(memory_store) -> None:
    long = at(0, channel="a", interval_us=100 * US)
    spans_after(memory_store, [long, clock(30)])
    writer = writer_of(memory_store, circuit(channels=("a", "b", "clock")))
    writer.write(poll_of(numbered([clock(200)], 2)))

    spans = [span[2:4] for span in stored_spans(memory_store) if span[1] == "a"]
    assert spans == [(MIDNIGHT, MIDNIGHT + 100)]


def test_sums_of_throughput_are_exact_beyond_64_bits(memory_store) -> None:
    rates = [2**62, 2**62, 2**62 + 2**31, 3 * 2**31 + 1]
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(numbered(at(n, rx_bps=rate) for n, rate in enumerate(rates))))
    watermark_to(writer, 600)

    row = memory_store.writer.execute("select rx_count, rx_sum_bps, rx_max_bps from rollups")
    assert row.fetchone() == (4, sum(rates), 2**62 + 2**31)
