"""What `sla.queries` answers: frozen values that page, API, report, alert and Grafana print.

Percentages are texts, already rounded towards breach (DESIGN 7); seconds and counts are integers.
Nothing downstream computes with them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from processors.observations import Float64
from sla.budget_answers import Budget
from sla.outage_figures import OutageFigures


class Bucket(StrEnum):
    """Where a second of the period goes: exactly one of these."""

    UP = "up"
    DOWN = "down"
    EXCLUDED = "excluded"
    UNMEASURED = "unmeasured"


class Outcome(StrEnum):
    """The verdict of one objective."""

    MET = "met"
    BREACHED = "breached"
    AT_RISK = "at_risk"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Span:
    """[start_s, end_s) in epoch seconds."""

    start_s: int
    end_s: int

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class BucketRun:
    """A run of seconds in one bucket, and what they were before anything was excluded."""

    start_s: int
    end_s: int
    bucket: Bucket
    as_experienced: Bucket  # never EXCLUDED


@dataclass(frozen=True, slots=True)
class ChannelRun:
    """A run of one channel's state under the contract: good, bad or unknown."""

    channel: str
    start_s: int
    end_s: int
    state: str


@dataclass(frozen=True, slots=True)
class Tape:
    """What happened over a range: the circuit's buckets, each channel's states below."""

    circuit_id: str
    start_s: int
    end_s: int
    complete_up_to_s: int
    circuit: tuple[BucketRun, ...]
    channels: tuple[ChannelRun, ...]
    provisional_from_s: int
    measured: Span | None = None  # from the first to the last second up or down, in any range


@dataclass(frozen=True, slots=True)
class AttributionAnswer:
    """What somebody proposed an outage is attributed to, and what another decided about it."""

    proposal_id: str
    attribution: str  # carrier, customer, force_majeure, measurement_fault
    standing: str  # proposed (nobody has decided), approved, refused, revoked
    proposed_by: str
    proposed_at_s: int
    reason: str
    ticket: str | None = None
    decided_by: str | None = None
    decided_at_s: int | None = None
    decided_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """From the onset of down to its end; `end_s` None: still down.

    `down_seconds` and `excluded_seconds` are those within the range that was asked for.
    """

    outage_id: str
    circuit_id: str
    start_s: int
    end_s: int | None
    down_seconds: int
    excluded_seconds: int
    attribution: str  # carrier until somebody's word is approved; maintenance if all was excluded
    carried_in: bool
    attributions: tuple[AttributionAnswer, ...] = ()  # every word, oldest first


@dataclass(frozen=True, slots=True)
class ExclusionAnswer:
    """One record that would take seconds out, as it bears on a month, accepted or refused.

    Maintenance, a ticket that waits for the customer, or an outage attributed to somebody else.
    """

    exclusion_id: str
    start_s: int
    end_s: int
    scope: str  # "circuit", "site DEN", "channel ch1", "ticket INC-7", "outage 3f2a…"
    accepted: bool
    seconds: int  # taken out of the month
    reason: str  # why accepted or refused, in words
    proposed_by: str = ""
    decided_by: str | None = None
    is_open: bool = False  # nobody has decided: the month is not final
    shown: bool = True  # to the customer


@dataclass(frozen=True, slots=True)
class ObjectiveAnswer:
    """Target, actual and verdict of one objective, each as it is printed."""

    name: str
    target: str
    actual: str | None
    unit: str
    verdict: Outcome
    reason: str
    observations: int | None = None  # n of a percentile or mean; None for availability
    error_bound: str | None = None
    exact: Fraction | None = None  # `actual` before it was rounded, for credits by exceedance


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """When a credit becomes money, by the contract version that rules the month's end."""

    cap_percent: str  # of the month's charge, over all schedules
    minimum_amount: str  # paid out only if it is more
    claim_within_days: int | None  # None: needs no claim
    words: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a circuit is in [start_s, end_s)."""

    customer_id: str
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the period under one contract version, bandwidth and price; judged by itself."""

    contract_id: str
    contract_version: int
    start_s: int
    end_s: int
    full_end_s: int | None = None  # where it ends or will end
    allowed_seconds: int | None = None  # of down time
    bandwidth_mbps: int | None = None
    down_seconds: int | None = None
    availability: str | None = None
    target: str | None = None
    verdict: Outcome | None = None  # of availability
    credit_percent: str | None = None
    credit_reason: str | None = None
    share: str | None = None  # of the period: "14/31"
    charge: str | None = None  # a month's price at the onset, with its currency
    price: str | None = None  # a month's price at the segment's start; None: not known
    owners: tuple[Owner, ...] = ()  # as far as the reader may see


@dataclass(frozen=True, slots=True)
class Seconds:
    """The four buckets."""

    up: int
    down: int
    excluded: int
    unmeasured: int

    @property
    def total(self) -> int:
        """All of them: the period."""
        return self.up + self.down + self.excluded + self.unmeasured


@dataclass(frozen=True, slots=True)
class MonthAnswer:
    """DESIGN 9's answer about one circuit and month; `to_json` is the API's body.

    For an open month the period ends at `complete_up_to_s`, so that the buckets always sum to it;
    `month_end_s` is where the month will end.
    """

    circuit_id: str
    customer_id: str
    month: str
    timezone: str
    start_s: int
    end_s: int
    month_end_s: int
    complete_up_to_s: int
    final: bool
    calculation_version: int
    report_version: int | None
    segments: tuple[Segment, ...]
    seconds: Seconds
    as_experienced: Seconds
    bad_but_not_down_seconds: int
    coverage: str | None
    availability_contractual: str | None
    availability_as_experienced: str | None
    availability_formula: str  # "up / (up + down)"
    availability_working: str  # "2,678,100 / (2,678,100 + 300) = 99.98879 %, rounded down"
    availability_bounds: tuple[str | None, str | None]  # all unmeasured bad, all unmeasured good
    objectives: tuple[ObjectiveAnswer, ...]
    credit_percent: str
    credit_reason: str
    budget_allowed_seconds: int
    budget_left_seconds: int
    outages: tuple[Outage, ...]
    exclusions: tuple[ExclusionAnswer, ...]
    verdict: Outcome  # of the month: the worst of its objectives
    sentence: str  # "October: breached. 5 min 0 s down, 4 min 27 s allowed."
    credit_amount: str | None = None  # None: no credit, or no price is known
    credit_currency: str | None = None
    credit_issued: bool | None = None  # False: not more than the contract's minimum payout
    outage_figures: OutageFigures | None = None
    budget: Budget | None = None  # allowed and left once more, with burn rates and forecast
    credit_claim_by_s: int | None = None  # the last instant to claim it; None: needs no claim
    open_proposals: tuple[str, ...] = ()  # ids; while there is one, the month is not final
    credit_working: str | None = None  # "10 % of 2,000.00 USD = 200.00 USD"
    credit_terms: CreditTerms | None = None  # None: the contract gives no credit


@dataclass(frozen=True, slots=True)
class CircuitSummary:
    """A line of the list: how a circuit stands now, and its month so far."""

    circuit_id: str
    customer_id: str
    customer_name: str
    site: str
    region: str
    bandwidth_mbps: int
    state: str  # up, down, unmeasured: provisional, at live_to_s
    state_since_s: int | None
    channels_good: int
    channels_total: int
    channels_needed: int
    complete_up_to_s: int
    live_to_s: int
    month: MonthAnswer | None  # the month that is open; None: nothing complete yet
    channels_bad: tuple[str, ...] = ()  # all through the last n cells, and at least 60 s
    channels_settled: bool = False  # each channel was good, or was bad, all through that time


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One channel's values over time, a step each; NaN where nothing was measured: gaps stay gaps.

    Arrays of one length: a page has 36,000 values, and objects of them took longer than to read.
    """

    channel: str
    low: Float64  # p5 for latency; minimum elsewhere
    middle: Float64  # median for latency; mean elsewhere
    high: Float64  # p95 for latency; maximum elsewhere


def or_none(values: Float64) -> list[float | None]:
    """Return values as JSON and tables have them: None where nothing was measured."""
    return [None if math.isnan(value) else value for value in values.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A metric of a circuit over time, one line a channel, all of them with the same steps."""

    circuit_id: str
    metric: str  # latency, jitter, loss, throughput_rx, throughput_tx, bgp
    unit: str  # ms, ms, ratio, bit/s, bit/s, share established
    starts_s: range  # of the steps
    limit: float | None  # the contract's line, to draw in
    limit_label: str
    lines: tuple[Line, ...]

    @property
    def step_seconds(self) -> int:
        """How long a step is."""
        return self.starts_s.step


@dataclass(frozen=True, slots=True)
class AlarmAnswer:
    """How one alarm stands."""

    alarm_id: str
    revision: int
    circuit_id: str
    customer_id: str
    type: str
    qualifier: str
    severity: str
    condition: str
    event_at_s: int
    reported_at_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """How many samples of a kind a circuit's day has."""

    kind: str
    circuit_id: str | None
    channel: str | None
    day: str | None  # YYYY-MM-DD, UTC
    count: int
    detail: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the strip on every page says."""

    complete_up_to_s: int | None  # the least of the circuits in scope
    live_to_s: int | None
    circuits: int
    behind: tuple[str, ...]  # circuits more than two minutes behind the newest
    silent: tuple[str, ...] = ()  # circuits that no sample ever came from
    overdue: Mapping[str, int] = field(default_factory=dict)
    """Circuits whose next sample is later than allowed, each with the instant of its newest."""
    ended: int = 0  # of `circuits`: nothing of them is waited for
