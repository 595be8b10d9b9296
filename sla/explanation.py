"""What explains a month: frozen values from the percentage down to single samples.

Each level sums to the one above: the pieces of a bucket to the bucket, segments to the month, the
parts of an outage to the time from its onset to its end, a channel's spans to its active time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sla.answers import Bucket, ExclusionAnswer, LedgerLine, MonthAnswer, Outage, Seconds, Segment
from sla.recorded import Statement


@dataclass(frozen=True, slots=True)
class Step:
    """One line of arithmetic: what is said, and the whole numbers it follows from."""

    key: str  # stable, for links: "contractual", "allowed"
    says: str
    working: str


@dataclass(frozen=True, slots=True)
class Clause:
    """A rule of the contract in words, with where the rule comes from."""

    key: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of seconds of one bucket, and why it lies there."""

    start_s: int
    end_s: int
    bucket: Bucket
    as_experienced: Bucket
    why: str
    outage_id: str | None = None
    exclusion_id: str | None = None

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class BucketExplained:
    """A bucket's seconds and the pieces they consist of; `pieces` may be cut, `count` is not."""

    bucket: Bucket
    seconds: int
    as_experienced_seconds: int | None
    count: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class SegmentExplained:
    """A segment with its own seconds, arithmetic and rules."""

    answer: Segment
    title: str
    source: str
    seconds: Seconds
    as_experienced: Seconds
    steps: tuple[Step, ...]
    clauses: tuple[Clause, ...]
    commercial: tuple[Clause, ...]  # what only who may see prices is told
    objectives: tuple["ObjectiveExplained", ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelValue:
    """One channel's part in an objective."""

    channel: str
    value: str | None  # None: nothing was observed
    observations: int
    lost: int
    working: str


@dataclass(frozen=True, slots=True)
class ObjectiveExplained:
    """How an objective's value came about: what qualified, and each channel's value."""

    name: str
    reason: str
    qualifying_seconds: int
    qualifying: str  # in words: which steps count
    channels: tuple[ChannelValue, ...]


@dataclass(frozen=True, slots=True)
class ChannelSeconds:
    """How a channel's time is split, by state under the contract; they sum to its active time."""

    channel: str
    active_seconds: int
    good_seconds: int
    bad_seconds: int
    unknown_seconds: int
    why_bad: str  # "" where nothing is bad


@dataclass(frozen=True, slots=True)
class OutageExplained:
    """An outage within the month: what its time consists of, why it began and why it ended."""

    answer: Outage
    lower_s: int  # the part of it that lies in the month
    upper_s: int
    unmeasured_seconds: int
    onset: str
    end: str
    channels: tuple[ChannelSeconds, ...]

    @property
    def seconds(self) -> int:
        """From its onset (or the month's start) to its end (or the month's): all buckets."""
        return self.upper_s - self.lower_s


@dataclass(frozen=True, slots=True)
class ExclusionExplained:
    """A record that asks for an exclusion, accepted or refused, with the seconds it took out.

    `pieces` and `rest` sum to what it covers of the period.
    """

    answer: ExclusionAnswer
    pieces: tuple[Piece, ...]
    rest: tuple["NotTaken", ...]


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Seconds that a record covers and did not take out, and why."""

    seconds: int
    why: str


@dataclass(frozen=True, slots=True)
class ChannelSpan:
    """A run of equal evidence of one channel, and the state that follows under the contract."""

    channel: str
    start_s: int
    end_s: int
    state: str  # good, bad, unknown
    evidence: str  # "BGP not established, no loss"

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Moment:
    """A run of equal counts of channels: how they merge, and what the n rule makes of it."""

    start_s: int
    end_s: int
    enabled: int
    good: int
    bad: int
    unknown: int
    state: str
    as_experienced: Bucket
    bucket: Bucket

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class SampleCount:
    """How many samples of a channel lie in a partition, and between which offsets."""

    channel: str
    partition: int
    first_offset: int
    last_offset: int
    samples: int


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One sample with its place in Kafka; units last, as everywhere."""

    channel: str
    observed_at_us: int
    interval_us: int
    sequence: int
    latency_us: int | None
    jitter_us: int | None
    loss_ppm: int | None
    rx_bps: int | None
    tx_bps: int | None
    bgp_state: str
    probe: str | None
    partition: int
    offset: int
    index_in_message: int


@dataclass(frozen=True, slots=True)
class Closer:
    """A short range looked at closely: merged channels, their spans, the samples."""

    start_s: int
    end_s: int
    outage_id: str | None
    moments: tuple[Moment, ...]
    spans: tuple[ChannelSpan, ...]
    spans_count: int  # how many there are; `spans` may be cut
    counts: tuple[SampleCount, ...]
    samples: tuple[SampleLine, ...]
    next_after: str | None  # what to ask with for the next samples; None: these are the last


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a month to look at closely: an outage, or a range; which samples of it."""

    outage_id: str | None = None
    start_s: int | None = None
    end_s: int | None = None
    samples_max: int = 100
    after: str | None = None  # `Closer.next_after` of the page before
    rows_max: int = 200  # pieces of a bucket, spans


@dataclass(frozen=True, slots=True)
class Explanation:
    """A month's numbers with all they follow from."""

    answer: MonthAnswer
    commercial: bool
    channels_needed: int
    grid_seconds: int
    consecutive: int
    steps: tuple[Step, ...]
    credit: tuple[Step, ...]  # empty without the right to it
    buckets: tuple[BucketExplained, ...]
    segments: tuple[SegmentExplained, ...]
    outages: tuple[OutageExplained, ...]
    exclusions: tuple[ExclusionExplained, ...]
    bad_but_not_down: tuple[Piece, ...]
    channels: tuple[ChannelSeconds, ...]
    ledger: tuple[LedgerLine, ...]
    closer: Closer | None
    statements: tuple[Statement, ...]

    @property
    def by_bucket(self) -> Mapping[str, BucketExplained]:
        """The buckets by name."""
        return {one.bucket.value: one for one in self.buckets}
