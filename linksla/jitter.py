"""The four numbers that are called jitter. They differ by factors: one never stands for another."""

from typing import Final, Literal

JitterKind = Literal["ipdv", "pdv", "rfc3550", "ifdv"]

JITTER_KINDS: Final[dict[JitterKind, str]] = {
    "ipdv": "IPDV, |D(i) - D(i-1)| of packets after each other (RFC 3393)",
    "pdv": "PDV, D(i) - the least D of the interval (RFC 5481)",
    "rfc3550": "interarrival jitter, J + (|D(i) - D(i-1)| - J)/16, running (RFC 3550)",
    "ifdv": "IFDV, |D(i) - D(j)| of frames a fixed time apart (MEF 10)",
}
