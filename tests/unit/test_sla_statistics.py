"""Percentiles, loss and delay variation: the vectors, and the published numbers of real traces."""

import csv
import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from processors.buckets import bucket_middle_us, bucket_of
from sla.statistics import ipdv, loss_ratio, nearest_rank, nearest_rank_bucket, pdv, rfc3550_jitter


def test_every_percentile_of_the_vectors_agrees(vectors) -> None:
    for case in vectors("statistics")["percentile"]["cases"]:
        found = nearest_rank(case["values"], Fraction(str(case["p"])))

        wanted = math.inf if case["expect"] == "infinity" else case["expect"]
        assert found == wanted, case


def test_every_loss_ratio_of_the_vectors_agrees(vectors) -> None:
    for case in vectors("statistics")["loss_ratio"]["cases"]:
        wanted = case["expect"]

        found = loss_ratio(case["lost"])

        assert found == (None if wanted is None else Fraction(str(wanted)))


def test_every_delay_variation_of_the_vectors_agrees(vectors) -> None:
    for case in vectors("statistics")["delay_variation"]["cases"]:
        assert list(ipdv(case["delays"])) == case["ipdv"]
        assert list(pdv(case["delays"])) == case["pdv"]


def test_a_lost_packet_breaks_both_pairs_it_is_in() -> None:
    assert ipdv([20, None, 25, 27]) == (None, None, None, 2)
    assert pdv([20, None, 25]) == (0, None, 5)


def test_rfc3550_jitter_moves_a_sixteenth_of_the_way() -> None:
    assert rfc3550_jitter([20, 36]) == 1
    assert rfc3550_jitter([20, 36, None, 20]) == 1
    assert rfc3550_jitter([20, 36, 36]) == Fraction(15, 16)


def test_real_traces_give_the_published_percentiles(vectors, rtt_traces) -> None:
    for case in vectors("statistics")["ripe_atlas"]["cases"]:
        with (rtt_traces / case["file"]).open() as file:
            rows = list(csv.reader(file, delimiter=";" if _semicolons(file) else ","))
        head = [name.strip() for name in rows[0]]
        column = head.index("rtt")
        values = [Fraction(row[column].replace(",", ".")) for row in rows[1:]]
        kept = [value for value in values if 0 < value < 1000]

        assert len(values) == case["n"]
        assert len(values) - len(kept) == case["lost"]
        for name in ("p50", "p95", "p99"):
            found = nearest_rank(kept, Fraction(name[1:]))

            assert round(found, 3) == Fraction(str(case[name])), case


def _semicolons(file) -> bool:
    first = file.readline()
    file.seek(0)
    return ";" in first


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 10_000_000)), min_size=1),
    st.sampled_from([Fraction(50), Fraction(95), Fraction(99), Fraction("99.9")]),
)
def test_merged_buckets_give_the_nearest_rank_within_the_printed_bound(values, percentile) -> None:
    counts: dict[int, int] = {}
    for value in values:
        if value is not None:
            counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    exact = nearest_rank(values, percentile)

    found = nearest_rank_bucket(counts, values.count(None), percentile)

    if exact == math.inf:
        assert found == math.inf
    else:
        assert abs(bucket_middle_us(int(found)) - exact) * 128 <= max(exact, 1)
