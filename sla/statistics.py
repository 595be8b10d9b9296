"""Percentiles, loss and delay variation as the RFCs define them. Pure and exact.

A lost packet is None in a list of delays; in a percentile it counts as +infinity (RFC 7679).
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

Number = int | float | Fraction


def rank_of(percentile: Fraction, observations: int) -> int:
    """Return the nearest rank, from 1: the smallest r with r/n ≥ p (RFC 2330, 11.3)."""
    return max(1, math.ceil(percentile / 100 * observations))


def nearest_rank(values: Sequence[Number | None], percentile: Fraction) -> Number | None:
    """Return the smallest x with F(x) ≥ p; `math.inf` where it is a lost one; None of nothing."""
    if not values:
        return None
    received = sorted(value for value in values if value is not None)
    rank = rank_of(percentile, len(values))
    return received[rank - 1] if rank <= len(received) else math.inf


def nearest_rank_bucket(
    counts: Mapping[int, int], lost: int, percentile: Fraction
) -> int | float | None:
    """Return the bucket of the nearest rank of merged counts; `math.inf`, None as for values."""
    observations = sum(counts.values()) + lost
    if not observations:
        return None
    rank = rank_of(percentile, observations)
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return bucket
    return math.inf


def loss_ratio(lost: Sequence[int]) -> Fraction | None:
    """Return lost over sent, of flags 0 and 1; None when nothing was sent."""
    return Fraction(sum(lost), len(lost)) if lost else None


def ipdv(delays: Sequence[Number | None]) -> tuple[Number | None, ...]:
    """Return D(i) - D(i-1), signed, where both arrived (RFC 3393); the first has none."""
    pairs = zip([None, *delays], delays, strict=False)
    return tuple(
        None if before is None or delay is None else delay - before for before, delay in pairs
    )


def pdv(delays: Sequence[Number | None]) -> tuple[Number | None, ...]:
    """Return D(i) - min(D) (RFC 5481)."""
    least = min((delay for delay in delays if delay is not None), default=0)
    return tuple(None if delay is None else delay - least for delay in delays)


def rfc3550_jitter(delays: Sequence[int | Fraction | None]) -> Fraction:
    """Return the running jitter: J += (|D(i) - D(i-1)| - J)/16, over pairs that arrived."""
    jitter = Fraction(0)
    for variation in ipdv(delays):
        if variation is not None:
            jitter += (abs(Fraction(variation)) - jitter) / 16
    return jitter
