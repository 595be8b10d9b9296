"""The judge against a slow, obvious one: cell by cell, written from DESIGN 7.1 to 7.5."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.stores import TelemetryStore
from sla.answers import Bucket
from sla.boundaries import UnknownAs
from sla.exclusions import Cap, excluded_seconds
from sla.judge import tally
from sla.judged import in_buckets
from sla.maintenance import MaintenanceWindow
from sla.outages import outage_ranges
from sla.runs import (
    ChannelPart,
    Judgement,
    availability_runs,
    availability_runs_by_statement,
    cut_at_windows,
)
from sla.spans import LiveSpan

GRID = 10
CELLS = 40


def state_of(channels: list[str], k: int, cell: int) -> str:
    enabled = [text[cell] for text in channels if text[cell] != "-"]
    if sum(c == "G" for c in enabled) >= k:
        return "G"
    return "B" if sum(c != "B" for c in enabled) < k else "?"


def availability_of(states: str, n: int, condition: str = "u") -> str:
    """Follow the rule word by word: look ahead from each cell for n of one kind in a row."""
    result = []
    for cell, state in enumerate(states):
        if state == "?":
            result.append("?")
            continue
        seen, unknown = 0, 0
        for ahead in states[cell:]:
            unknown = unknown + 1 if ahead == "?" else 0
            if unknown >= n or ahead not in (state, "?"):
                break
            seen += ahead == state
        back, unknown = 0, 0
        for behind in reversed(states[:cell]):
            unknown = unknown + 1 if behind == "?" else 0
            if unknown >= n or behind not in (state, "?"):
                break
            back += behind == state
        if seen + back >= n:
            condition = "u" if state == "G" else "d"
        result.append(condition)
    return "".join(result)


def excluded_of(
    availability: str, if_good: str, windows: list[tuple[int | None, int, int]], cap: int | None
) -> str:
    taken, left = [], cap
    for cell in range(len(availability)):
        inside = [channel for channel, lower, upper in windows if lower <= cell < upper]
        out = None in inside or (
            bool(inside) and availability[cell] != "u" and if_good[cell] == "u"
        )
        if out and left is not None:
            out = left > 0
            left -= out
        taken.append(out)
    return "".join("x" if out else "." for out in taken)


channel_texts = st.lists(
    st.tuples(st.sampled_from("GGGBB?-"), st.integers(1, 12)), min_size=1, max_size=12
).map(lambda runs: "".join(letter * count for letter, count in runs).ljust(CELLS, "G")[:CELLS])


@st.composite
def networks(draw):
    channels = draw(st.lists(channel_texts, min_size=1, max_size=4))
    return {
        "channels": channels,
        "k": draw(st.integers(1, len(channels))),
        "n": draw(st.sampled_from([1, 2, 3, 5])),
        "windows": draw(
            st.lists(
                st.tuples(
                    st.one_of(st.none(), st.integers(0, len(channels) - 1)),
                    st.integers(0, CELLS - 1),
                    st.integers(1, 15),
                ).map(lambda w: (w[0], w[1], w[1] + w[2])),
                max_size=3,
            )
        ),
        "cap": draw(st.one_of(st.none(), st.integers(0, 20))),
    }


def telemetry(channels, windows, circuit, first_key):
    """Return the active stretches and the known spans of channels written as text."""
    parts, live = [], []
    for number, text in enumerate(channels):
        key = first_key + number
        mine = [(lower * GRID, upper * GRID) for c, lower, upper in windows if c == number]
        at = 0
        while at < CELLS:
            end = at
            while end < CELLS and (text[end] == "-") == (text[at] == "-"):
                end += 1
            if text[at] != "-":
                parts += cut_at_windows(circuit, key, at * GRID, end * GRID, mine)
            at = end
        live += [
            LiveSpan(key, cell * GRID, (cell + 1) * GRID, 1 if letter == "G" else 2, 0)
            for cell, letter in enumerate(text)
            if letter in "GB"
        ]
    return parts, live


def judgements(network, circuit):
    return [
        Judgement(
            circuit, network["k"], network["n"], GRID, 6, 0, CELLS * GRID,
            unknown_as=unknown_as, windows_good=good,
        )
        for unknown_as in UnknownAs
        for good in (False, True)
    ]  # fmt: skip


def as_text(runs) -> str:
    letter = {Bucket.UP: "u", Bucket.DOWN: "d", Bucket.UNMEASURED: "?"}
    return "".join(letter[r.availability] * ((r.end_s - r.start_s) // GRID) for r in runs)


def expected(network, unknown_as: UnknownAs, windows_good: bool) -> str:
    taken_as = {UnknownAs.UNKNOWN: "?", UnknownAs.GOOD: "G", UnknownAs.BAD: "B"}[unknown_as]
    channels = [text.replace("?", taken_as) for text in network["channels"]]
    if windows_good:
        for channel, lower, upper in network["windows"]:
            if channel is not None:
                channels[channel] = "".join(
                    "G" if lower <= cell < upper and letter != "-" else letter
                    for cell, letter in enumerate(channels[channel])
                )
    states = "".join(state_of(channels, network["k"], cell) for cell in range(CELLS))
    return availability_of(states, network["n"])


@pytest.fixture(scope="module")
def store() -> Iterator[TelemetryStore]:
    opened = TelemetryStore(None)
    opened.start()
    yield opened
    opened.close()


def run(store, batch):
    parts: list[ChannelPart] = []
    live: list[LiveSpan] = []
    asked: list[Judgement] = []
    for circuit, network in enumerate(batch):
        more, known = telemetry(network["channels"], network["windows"], circuit, circuit * 10 + 1)
        parts += more
        live += known
        asked += judgements(network, circuit)
    with store.reader() as cursor:
        found = availability_runs(cursor, asked, parts, live)
        assert availability_runs_by_statement(cursor, asked, parts, live) == found
        return found


@settings(max_examples=60, deadline=None)
@given(networks())
def test_runs_and_buckets_agree_with_the_slow_judge(store, network) -> None:
    results = run(store, [network])
    by_case = [(unknown_as, good) for unknown_as in UnknownAs for good in (False, True)]

    for (unknown_as, good), runs in zip(by_case, results, strict=True):
        assert as_text(runs) == expected(network, unknown_as, good), (unknown_as, good)
        assert runs[0].start_s == 0
        assert runs[-1].end_s == CELLS * GRID
    windows = [
        MaintenanceWindow(
            id=f"w{number}", circuit="A", channel=None if channel is None else str(channel),
            start=lower * GRID, end=upper * GRID, announced_at=0, proposed_by="c", reason="r",
        )
        for number, (channel, lower, upper) in enumerate(network["windows"])
    ]  # fmt: skip
    cap = None if network["cap"] is None else network["cap"] * GRID
    taken = excluded_seconds(windows, results[0], results[1], [Cap(0, CELLS * GRID, cap)])
    buckets = in_buckets(results[0], taken, 0, CELLS * GRID)
    nominal = as_text(results[0])
    out = excluded_of(nominal, as_text(results[1]), network["windows"], network["cap"])
    counted = tally(buckets, 0, CELLS * GRID).contractual

    assert counted.total == CELLS * GRID
    assert counted.excluded == out.count("x") * GRID
    for bucket, letter in ((counted.up, "u"), (counted.down, "d"), (counted.unmeasured, "?")):
        kept = sum(a == letter and x == "." for a, x in zip(nominal, out, strict=True))
        assert bucket == kept * GRID


@settings(max_examples=20, deadline=None)
@given(st.lists(networks(), min_size=2, max_size=4))
def test_a_circuit_alone_equals_itself_in_a_group(store, batch) -> None:
    together = run(store, batch)

    alone = [runs for network in batch for runs in run(store, [network])]

    assert list(together) == alone


@settings(max_examples=30, deadline=None)
@given(networks(), st.integers(0, CELLS * GRID), st.integers(0, CELLS * GRID))
def test_buckets_of_any_range_sum_to_it_and_outages_hold_every_down_second(
    store, network, one: int, other: int
) -> None:
    runs = in_buckets(run(store, [network])[0], [], 0, CELLS * GRID)
    lower, upper = min(one, other), max(one, other)

    outages = outage_ranges(runs)

    assert tally(runs, lower, upper).contractual.total == upper - lower
    for judged in runs:
        if judged.bucket is Bucket.DOWN:
            assert any(
                outage.start_s <= judged.start_s
                and (outage.end_s is None or judged.end_s <= outage.end_s)
                for outage in outages
            )
