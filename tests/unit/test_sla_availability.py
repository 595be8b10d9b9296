"""The vectors of availability, through both ways in which the product works it out."""

import re

import pytest

from sla.answers import Bucket
from sla.runs import (
    ChannelPart,
    Judgement,
    availability_runs,
    availability_runs_by_statement,
)
from sla.spans import LiveSpan

LETTER = {Bucket.UP: "u", Bucket.DOWN: "d", Bucket.UNMEASURED: "?"}


def cells(text: str) -> str:
    return "".join(
        letter * int(count)
        for letter, count in re.findall(r"([A-Za-z.?])(\d+)", text.replace(" ", ""))
    )


def live(channels: list[str], grid: int, first_key: int = 1) -> list[LiveSpan]:
    spans = []
    for key, text in enumerate(channels, first_key):
        at = 0
        for letter, count in re.findall(r"([GB?])(\d+)", text):
            end = at + int(count) * grid
            if letter != "?":
                spans.append(LiveSpan(key, at, end, 1 if letter == "G" else 2, 0))
            at = end
    return spans


def judge(store, channels, *, k, n, initially_down=False, grid=10):
    length = len(cells(channels[0])) * grid
    with store.reader() as cursor:
        (runs,), (stated,) = (
            runs_of(
                cursor,
                [Judgement(0, k, n, grid, 6, 0, length, initially_down)],
                [ChannelPart(0, key, 0, length) for key in range(1, len(channels) + 1)],
                live(channels, grid),
            )
            for runs_of in (availability_runs, availability_runs_by_statement)
        )
    assert stated == runs
    states = "".join("?GB"[run.state] * ((run.end_s - run.start_s) // grid) for run in runs)
    text = "".join(LETTER[r.availability] * ((r.end_s - r.start_s) // grid) for r in runs)
    return states, text


def test_every_case_of_the_n_consecutive_rule_agrees(memory_store, vectors) -> None:
    for case in vectors("availability")["availability"]:
        _, found = judge(
            memory_store, [case["intervals"]], k=1, n=case["consecutive"],
            initially_down=case["initially"] == "down",
        )  # fmt: skip

        assert found == cells(case["expect"]), case["name"]


def test_every_case_of_k_of_n_channels_agrees(memory_store, vectors) -> None:
    for case in vectors("availability")["redundancy"]:
        states, found = judge(
            memory_store, case["channels"], k=case["up_at_least"], n=case["consecutive"],
            grid=case["interval_seconds"],
        )  # fmt: skip

        assert states == cells(case["expect_circuit"]), case["name"]
        assert found == cells(case["expect"]), case["name"]


@pytest.mark.parametrize(("enabled", "expected"), [(2, "d"), (3, "u")])
def test_a_circuit_with_fewer_than_k_enabled_channels_is_bad(
    memory_store, enabled: int, expected: str
) -> None:
    _, found = judge(memory_store, ["G20"] * enabled, k=3, n=3)

    assert found == expected * 20
