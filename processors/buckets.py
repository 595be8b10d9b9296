"""Latency buckets: log buckets of whole microseconds whose counts merge exactly.

Exact below 128 µs, then 64 buckets to an octave, so that the middle of a bucket is at most
1/128 = 0.79 % from any value in it (DESIGN 7.7 allows 1 %). The SQL macro `latency_bucket` of the
first migration is the same function; a property test holds them together.
"""

from typing import Final

from linksla.compiled import INT64, compiled

ERROR_BOUND: Final = "≤ 0.79 %"
METRIC_BITS: Final = 12  # a bucket of any value below 2**63 fits
DISTRIBUTIONS: Final = {
    "latency": 0, "jitter": 1, "loss": 2, "throughput_rx": 3, "throughput_tx": 4,
}  # fmt: skip
"""Whose counts the table `latency_histogram` holds: the number stands above the bucket's bits.

Of latency always. Of the others (µs, ppm, bit/s) only where the circuit's contract asks for a
percentile: a row an observation costs about as much as the sample itself.
"""
_PRECISION_BITS: Final = 7  # 128 values before the first octave is halved to 64 buckets
_PER_OCTAVE: Final = 64


def split_bucket(stored: int) -> tuple[int, int]:
    """Return metric number and bucket of what the table holds."""
    return stored >> METRIC_BITS, stored & ((1 << METRIC_BITS) - 1)


def bucket_of(latency_us: int) -> int:
    """Return the bucket of a latency in whole microseconds, 0 or more."""
    shift = max(latency_us.bit_length() - _PRECISION_BITS, 0)
    return shift * _PER_OCTAVE + (latency_us >> shift)


@compiled(INT64)
def bucket_of_value(value: int) -> int:
    """Return what `bucket_of` does, for loops over samples."""
    shift = 0
    while value >> shift >= 2 * _PER_OCTAVE:
        shift += 1
    return shift * _PER_OCTAVE + (value >> shift)


def bucket_bounds(bucket: int) -> tuple[int, int]:
    """Return the least and the greatest latency, in µs and both inclusive, of a bucket."""
    if bucket < 2 * _PER_OCTAVE:
        return bucket, bucket
    shift = bucket // _PER_OCTAVE - 1
    least = (bucket - shift * _PER_OCTAVE) << shift
    return least, least + (1 << shift) - 1


def bucket_middle_us(bucket: int) -> int:
    """Return the latency in µs that stands for all of a bucket."""
    least, greatest = bucket_bounds(bucket)
    return (least + greatest + 1) // 2
