"""Objectives on what was observed, of many calm circuits at once, as columns of whole numbers.

A percentile is met when enough observations lie within its limit, a mean when their sum does: two
numbers a channel and objective, to which each complete rollup step adds. Same arithmetic as
`sla.performance`, and no object for any channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import duckdb
import numpy as np

from linksla.compiled import BOOL, BOOLS_OWN, INT64, INT64S, INT64S_OWN, compiled
from processors.buckets import bucket_middle_us, bucket_of
from processors.observations import Bool, Int64
from processors.rollups import Rollups
from sla.answers import Outcome
from sla.contracts import PerformanceTerms
from sla.looks import Sums
from sla.measures import Observed
from sla.watched_steps import RecentSteps, Steps, StoredSteps, Wanted

_OPAQUE, _MEAN, _MAXIMUM, _PERCENTILE = range(4)
_NATIVE: Final = {"latency": 1_000, "jitter": 1_000, "loss": 1_000_000}  # ms to µs, ratio to ppm
_ROWS_TOGETHER: Final = 100_000
"""Rollup steps of channels read at once, one of each at least: with their histograms some 60 MB.
Two million took 0.5 GiB for a second, whenever catching up went half a day at once."""
_DENOMINATOR_MAX: Final = 1_000
_NUMERATOR_MAX: Final = 10**9
"""With these, sums of 10^13 µs and counts of 10^8 stay exact in 64 bits."""

_MET, _MISSED = 1, 2
_CODES: Final = {Outcome.NOT_ASSESSABLE: 0, Outcome.MET: _MET}


@dataclass(frozen=True, slots=True)
class Rule:
    """One objective as columns can judge it; `limit` in µs or ppm."""

    kind: int
    metric: str
    limit: Fraction
    percentile: Fraction
    pooled: bool

    @property
    def bucket_max(self) -> int:
        """Return the greatest latency bucket whose middle lies within the limit; -1: none."""
        bucket = bucket_of(int(self.limit))
        while bucket >= 0 and bucket_middle_us(bucket) > self.limit:
            bucket -= 1
        return bucket

    def start(self, observed: Observed) -> tuple[int, int]:
        """Return value and count of what was observed so far."""
        if self.kind == _PERCENTILE:
            most = self.bucket_max
            within = sum(n for bucket, n in observed.latency_buckets.items() if bucket <= most)
            return within, sum(observed.latency_buckets.values()) + observed.lost_count
        if self.kind == _OPAQUE:
            return 0, 0
        sums = observed.totals(self.metric)
        return (sums.total if self.kind == _MEAN else sums.greatest), sums.count


OPAQUE: Final = Rule(_OPAQUE, "", Fraction(0), Fraction(0), False)


def rule_of(terms: PerformanceTerms) -> Rule:
    """Return an objective as a rule; OPAQUE: only the full judgement knows, once a step."""
    if terms.metric not in _NATIVE or terms.at_least:
        return OPAQUE
    limit = Fraction(terms.limit) * _NATIVE[terms.metric]
    if limit.denominator > _DENOMINATOR_MAX or limit.numerator > _NUMERATOR_MAX:
        return OPAQUE
    is_pooled = terms.channels == "pooled"
    if terms.percentile is None:
        kind = _MEAN if terms.statistic == "mean" else _MAXIMUM
        return Rule(kind, terms.metric, limit, Fraction(0), is_pooled)
    if terms.metric != "latency":
        return OPAQUE
    return Rule(_PERCENTILE, terms.metric, limit, terms.percentile / 100, is_pooled)


class WatchedObjectives:
    """Sums of watched circuits. Arrays by channel key and slot, or by circuit number."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        none = np.zeros(1, np.int64)
        self._rules: list[tuple[Rule, ...]] = []
        self._circuit_of = self._by_circuit = self._channels_of = none
        self._rules_of = np.full(1, -1, np.int64)
        self._step_s, self._next_s = np.ones(1, np.int64), none
        self._outcome = self._value = self._count = np.zeros((1, 0), np.int64)
        self._recent = RecentSteps()

    def written(self, over: Sequence[Rollups], over_to_s: Int64) -> None:
        """Take in the steps that one write wrote; up to `over_to_s` they were over before it."""
        self._recent.add(over, over_to_s)

    def grow(self, circuit_of: Int64, circuits: int) -> None:
        """Make room; `circuit_of` is each channel's circuit number, 0 for none."""
        self._recent.drop()
        self._circuit_of = circuit_of
        self._by_circuit = np.argsort(circuit_of, kind="stable")
        self._channels_of = np.bincount(circuit_of, minlength=circuits)
        more = circuits - len(self._rules_of)
        self._rules_of = np.pad(self._rules_of, (0, more), constant_values=-1)
        self._step_s = np.pad(self._step_s, (0, more), constant_values=1)
        self._next_s = np.pad(self._next_s, (0, more))
        self._outcome = np.pad(self._outcome, ((0, more), (0, 0)))
        more = len(circuit_of) - len(self._value)
        self._value = np.pad(self._value, ((0, more), (0, 0)))
        self._count = np.pad(self._count, ((0, more), (0, 0)))

    def begin(
        self,
        circuit: int,
        keys: Mapping[str, int],
        terms: Sequence[PerformanceTerms],
        sums: Sums | None,
        step_seconds: int,
    ) -> bool:
        """Take over a circuit's sums from a full judgement; False: it cannot be watched."""
        self._rules_of[circuit] = -1
        if not terms:
            return True
        rules = tuple(rule_of(one) for one in terms)
        if sums is None:
            return False
        self._rules_of[circuit] = self._number(rules)
        self._step_s[circuit], self._next_s[circuit] = step_seconds, sums.next_s
        for slot, (rule, outcome) in enumerate(zip(rules, sums.outcomes, strict=True)):
            self._outcome[circuit, slot] = _CODES.get(outcome, _MISSED)
            for key in keys.values():
                self._value[key, slot] = self._count[key, slot] = 0
            for one in sums.observed:
                value, count = rule.start(one)
                self._value[keys[one.name], slot], self._count[keys[one.name], slot] = value, count
        return True

    def _number(self, rules: tuple[Rule, ...]) -> int:
        if rules not in self._rules:
            self._rules.append(rules)
            more = len(rules) - self._outcome.shape[1]
            if more > 0:
                self._outcome, self._value, self._count = (
                    np.asfortranarray(np.pad(array, ((0, 0), (0, more))))  # a slot lies together
                    for array in (self._outcome, self._value, self._count)
                )
        return self._rules.index(rules)

    def changed(
        self, cursor: duckdb.DuckDBPyConnection, circuits: Int64, complete_s: Int64
    ) -> Int64:
        """Add what is complete by now; return the circuits of which an outcome changed.

        `circuits` are the numbers of those to look at, `complete_s` is by circuit number.
        """
        ends = complete_s // self._step_s * self._step_s
        changed = [circuits[:0]]
        due = circuits[self._rules_of[circuits] >= 0]
        due = due[ends[due] > self._next_s[due]]
        if len(held := due[self._held()[due]]):
            keys, wanted = self._wanted(held, ends)
            changed.append(self._advanced(held, keys, ends, self._recent.of(wanted)))
        while len(due := due[ends[due] > self._next_s[due]]):
            steps = max(_ROWS_TOGETHER // int(self._channels_of[due].sum()), 1)
            reach = np.minimum(ends, self._next_s + steps * self._step_s)
            keys, wanted = self._wanted(due, reach)
            changed.append(self._advanced(due, keys, reach, StoredSteps(cursor, keys, wanted)))
        self._recent.drop()
        return np.unique(np.concatenate(changed))

    def _held(self) -> Bool:
        """Return the circuits whose next steps are all held, as they were written."""
        held = self._recent.holds(self._next_s[self._circuit_of])
        of_circuit = np.ones(len(self._next_s), np.bool_)
        of_circuit[self._circuit_of[~held]] = False
        return of_circuit

    def _wanted(self, due: Int64, ends: Int64) -> tuple[Int64, Wanted]:
        """Return the channels of circuits, and their steps up to the ends of these."""
        wanted = np.zeros(len(self._rules_of), np.bool_)
        wanted[due] = True
        keys = self._by_circuit[wanted[self._circuit_of[self._by_circuit]]]
        of = self._circuit_of[keys]
        return keys, Wanted.of(keys, self._next_s[of], ends[of], len(self._circuit_of))

    def _advanced(self, due: Int64, keys: Int64, ends: Int64, seen: Steps) -> Int64:
        """Add what was seen of circuits; return those of which an outcome changed."""
        rules_of = self._rules_of[self._circuit_of[keys]]
        groups = [
            (mine, rules)
            for number, rules in enumerate(self._rules)
            if len(mine := keys[rules_of == number])
        ]
        self._add(groups, seen)
        self._next_s[due] = ends[due]
        stirred = [self._outcomes(mine, rules) for mine, rules in groups]
        return np.concatenate([due[:0], *stirred])

    def _add(self, groups: Sequence[tuple[Int64, tuple[Rule, ...]]], seen: Steps) -> None:
        for metric in sorted({rule.metric for _, rules in groups for rule in rules} - {""}):
            sums = seen.sums(metric)
            for mine, rules in groups:
                for slot, rule in enumerate(rules):
                    if rule.metric == metric:
                        self._add_slot(mine, slot, rule, sums)
        within: dict[int, Int64] = {}
        for mine, rules in groups:
            for slot, rule in enumerate(rules):
                if rule.kind == _PERCENTILE:
                    most = rule.bucket_max
                    if most not in within:
                        within[most] = seen.within(most)
                    _gain(mine, within[most], self._value[:, slot])

    def _add_slot(self, keys: Int64, slot: int, rule: Rule, sums: Mapping[str, Int64]) -> None:
        value, count = self._value[:, slot], self._count[:, slot]
        _gain(keys, sums["observed"], count)
        if rule.kind == _MEAN:
            _gain(keys, sums["total"], value)
        elif rule.kind == _MAXIMUM:
            value[keys] = np.maximum(value[keys], sums["most"][keys])
        else:
            _gain(keys, sums["lost"], count)

    def _outcomes(self, keys: Int64, rules: tuple[Rule, ...]) -> Int64:
        """Return the circuits of some channels, ordered by circuit, whose outcomes changed."""
        if any(rule.kind == _OPAQUE for rule in rules):
            return np.unique(self._circuit_of[keys])
        changed = np.zeros(len(self._rules_of), np.bool_)
        for slot, rule in enumerate(rules):
            _compare(
                keys, self._circuit_of, self._value[:, slot], self._count[:, slot],
                rule.kind, rule.pooled, *rule.limit.as_integer_ratio(),
                *rule.percentile.as_integer_ratio(), self._outcome[:, slot], changed,
            )  # fmt: skip
        return np.flatnonzero(changed)


@compiled(INT64S, INT64S, INT64S_OWN, is_short=True)
def _gain(keys: Int64, gained: Int64, sums: Int64) -> None:
    for key in keys:
        sums[key] += gained[key]


@compiled(
    INT64S, INT64S, INT64S, INT64S, INT64, BOOL, INT64, INT64, INT64, INT64, INT64S, BOOLS_OWN,
    is_short=True,
)  # fmt: skip
def _compare(
    keys: Int64, circuit_of: Int64, value: Int64, count: Int64, kind: int, pooled: bool,
    limit: int, limit_of: int, share: int, share_of: int, outcome: Int64, changed: Bool,
) -> None:  # fmt: skip
    """Mark the circuits of some channels, ordered by circuit, of which an outcome is another.

    Of several channels the worst counts, or what they come to together.
    """
    for row in range(len(keys)):
        key = keys[row]
        circuit = circuit_of[key]
        begins = row == 0 or circuit_of[keys[row - 1]] != circuit
        ends = row + 1 == len(keys) or circuit_of[keys[row + 1]] != circuit
        if begins:
            found = 0
        if begins or not pooled:
            total = observations = 0
        total = max(total, value[key]) if kind == _MAXIMUM else total + value[key]
        observations += count[key]
        if observations > 0 and (ends or not pooled):
            if kind == _PERCENTILE:
                is_met = total >= max(-(-(share * observations) // share_of), 1)
            else:
                is_met = total * limit_of <= limit * (observations if kind == _MEAN else 1)
            found = max(found, _MET if is_met else _MISSED)
        if ends:
            changed[circuit] |= found != outcome[circuit]
