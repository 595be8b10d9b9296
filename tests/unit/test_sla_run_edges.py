"""Runs where channels begin, end and change at the same instant, or outside what is judged."""

from linksla.stores import TelemetryStore
from sla.answers import Bucket
from sla.boundaries import State
from sla.runs import ChannelPart, Judgement, availability_runs
from sla.spans import LiveSpan

GOOD, BAD = 1, 2  # BGP established, not


def judged(
    store: TelemetryStore,
    parts: list[tuple[int, int, int]],
    spans: list[tuple[int, int, int, int]],
    needed: int = 1,
) -> list[tuple[int, int, State, Bucket]]:
    """Judge [0, 200) with cells of 10 s, n 2. Parts: channel, from, to; spans: and BGP."""
    judgement = Judgement(
        circuit=1, needed=needed, consecutive=2, grid_seconds=10, loss_class_max=6, start_s=0,
        end_s=200,
    )  # fmt: skip
    with store.reader() as cursor:
        (runs,) = availability_runs(
            cursor,
            [judgement],
            [ChannelPart(1, *part) for part in parts],
            [LiveSpan(*span, None) for span in spans],
        )
    return [(one.start_s, one.end_s, one.state, one.availability) for one in runs]


def test_an_unknown_channel_that_ends_where_anothers_span_does_no_longer_counts(
    memory_store: TelemetryStore,
) -> None:
    spans = [(2, 0, 100, GOOD), (2, 100, 200, GOOD)]

    runs = judged(memory_store, [(1, 0, 100), (2, 0, 200)], spans, needed=2)

    assert runs == [
        (0, 100, State.UNKNOWN, Bucket.UNMEASURED),
        (100, 200, State.BAD, Bucket.DOWN),
    ]


def test_a_channel_that_begins_after_the_end_or_ended_before_the_start_does_not_count(
    memory_store: TelemetryStore,
) -> None:
    spans = [(1, 0, 190, GOOD), (1, 190, 200, BAD), (2, -90, -10, BAD), (3, 300, 400, BAD)]

    for others in [(2, -100, -10)], [(3, 300, 400)], [(2, -100, 0), (3, 200, 400)]:
        assert judged(memory_store, [(1, 0, 200), *others], spans) == [
            (0, 190, State.GOOD, Bucket.UP),
            (190, 200, State.BAD, Bucket.UP),
        ]


def test_without_any_channel_a_circuit_is_bad_from_its_first_second_to_its_last(
    memory_store: TelemetryStore,
) -> None:
    assert judged(memory_store, [], []) == [(0, 200, State.BAD, Bucket.DOWN)]
