"""Unit tests of contracts: a synthetic month goes through the real judge, in a store in memory.

A file names contract files and a circuit, and lists cases: what each channel went through in the
runs notation of the test vectors (`G100 B30 ?5 G*`: cells good, bad, unknown; `*` is the rest of
the month), measurements where objectives need them, and what must come out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from linksla.clock import MICROSECONDS, ManualClock
from linksla.config import STRICT, load
from linksla.errors import ConfigError
from linksla.inventory import (
    Bandwidth,
    Channel,
    Circuit,
    Customer,
    Grid,
    Instant,
    Inventory,
    Name,
    Ownership,
    Price,
)
from linksla.jitter import JitterKind
from linksla.settings import TimeSettings
from linksla.sql import statement
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from sla.answers import MonthAnswer, Outcome
from sla.bands import percent
from sla.calendar import is_month, month_bounds
from sla.contracts import Contract, one_contract
from sla.exact import NotNegative
from sla.maintenance import MaintenanceWindow
from sla.performance import rollup_seconds
from sla.queries import Queries
from sla.scope import AllCustomers
from sla.spending import forecast_outcome

_CIRCUIT: Final = "trial"
_COLUMNS: Final = ("latency_us", "jitter_us", "loss_ppm", "rx_bps", "tx_bps")
_STATES: Final = {"G": (1, 0), "B": (2, 0), "?": None}  # BGP established, not, nothing known
_RUN: Final = re.compile(r"([GB?])(\d{1,9}|\*)")
_VALUE: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?|\?)x(\d{1,9}|\*)")


def _text(value: object) -> object:
    """A number of a contract is compared as it is printed."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _month(value: str) -> str:
    if is_month(value):
        return value
    message = f"{value!r} is not a month: write YYYY-MM"
    raise ValueError(message)


def _runs(value: str) -> str:
    return _tokens(value, _RUN, "runs such as `G100 B30 ?5 G*`")


def _values(value: str) -> str:
    return _tokens(value, _VALUE, "values such as `4.5x100 ?x5 9x*`, one a rollup step")


def _tokens(value: str, pattern: re.Pattern[str], wanted: str) -> str:
    words = value.split()
    if not words or not all(pattern.fullmatch(word) for word in words):
        message = f"{value!r}: write {wanted}"
        raise ValueError(message)
    if any(word.endswith("*") for word in words[:-1]):
        message = f"{value!r}: only the last run may be the rest of the month"
        raise ValueError(message)
    return value


Printed = Annotated[str, BeforeValidator(_text)]
Runs = Annotated[str, AfterValidator(_runs)]
Values = Annotated[str, BeforeValidator(_text), AfterValidator(_values)]


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class TrialCircuit:
    """The circuit of a file's cases."""

    grid_seconds: Grid
    site: Name = "site"
    bandwidth_mbps: int = Field(default=1000, gt=0)
    active_from: Instant | None = None  # None: from the month's start
    bandwidths: tuple[Bandwidth, ...] = ()
    prices: tuple[Price, ...] = ()
    jitter_kind: JitterKind | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class ExpectedSeconds:
    """Buckets; what is left out is not compared."""

    up: int | None = None
    down: int | None = None
    excluded: int | None = None
    unmeasured: int | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come out; what is left out is not compared."""

    seconds: ExpectedSeconds = ExpectedSeconds()
    as_experienced: ExpectedSeconds = ExpectedSeconds()
    availability: Printed | None = None
    availability_as_experienced: Printed | None = None
    verdict: Outcome | None = None
    objectives: dict[str, Outcome] = Field(default_factory=dict)
    credit_percent: NotNegative | None = None
    credit_amount: Printed | None = None
    credit_issued: bool | None = None
    outages: int | None = None
    left_seconds: int | None = None  # of the downtime allowed
    forecast: Outcome | None = None  # of an open month
    segments: int | None = None


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Case:
    """One month of the circuit, and what must come out of it."""

    name: Name
    month: Annotated[str, AfterValidator(_month)]
    channels: dict[str, Runs]
    latency_ms: dict[str, Values] = Field(default_factory=dict)
    jitter_ms: dict[str, Values] = Field(default_factory=dict)
    rx_mbps: dict[str, Values] = Field(default_factory=dict)
    tx_mbps: dict[str, Values] = Field(default_factory=dict)
    loss: dict[str, Values] = Field(default_factory=dict)  # ratio: what objectives see
    maintenance: tuple[MaintenanceWindow, ...] = ()  # circuit: trial, or its site
    complete_up_to: Instant | None = None  # None: the month is final
    expect: Expected


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class _TrialFile:
    contract: str | tuple[str, ...]  # files, relative to this one: the versions of one contract
    circuit: TrialCircuit
    cases: tuple[Case, ...] = Field(min_length=1)


@plain_dataclass(frozen=True, slots=True)
class Trial:
    """A file of cases, with its contract."""

    path: Path
    versions: tuple[Contract, ...]
    circuit: TrialCircuit
    cases: tuple[Case, ...]


def load_trial(path: Path) -> Trial:
    """Read a file of cases and the contract it names.

    Raises:
        ConfigError: a file does not fit, the contracts are not versions of one, or a case's
            measurements name a channel that it has not.
    """
    file = load(path, _TrialFile)
    names = (file.contract,) if isinstance(file.contract, str) else file.contract
    versions = one_contract(*(path.parent / name for name in names))
    for case in file.cases:
        measured = {*case.latency_ms, *case.jitter_ms, *case.loss, *case.rx_mbps, *case.tx_mbps}
        if not case.channels or not measured <= case.channels.keys():
            raise ConfigError(
                f"case {case.name!r} measures channels that it does not have",
                where=str(path),
                hint="Give every channel its runs under `channels`.",
            )
    return Trial(path, versions, file.circuit, file.cases)


def run_case(trial: Trial, case: Case) -> MonthAnswer:
    """Judge a case's month.

    Raises:
        ConfigError: the runs are longer than the month, or nothing of it can be judged.
    """
    newest = trial.versions[-1]
    start_s, end_s = month_bounds(case.month, newest.timezone, newest.anniversary_day)
    circuit = _circuit(trial.circuit, case, start_s)
    begins = max(start_s, circuit.active_from)
    time = TimeSettings()
    settled = end_s + newest.availability.consecutive * circuit.grid_seconds
    horizon_s = settled + time.close_after_seconds + 60
    if case.complete_up_to is not None:
        horizon_s = case.complete_up_to // circuit.grid_seconds * circuit.grid_seconds
    inventory = Inventory({"customer": Customer(id="customer", name="C")}, {_CIRCUIT: circuit})
    store = TelemetryStore(None)
    store.start()
    try:
        _fill(store, case, circuit, (begins, end_s), horizon_s, trial.path)
        queries = Queries(
            store, inventory, {"trial": trial.versions}, case.maintenance, time,
            ManualClock(horizon_s * MICROSECONDS),
        )  # fmt: skip
        answer = queries.month(AllCustomers(commercial=True), _CIRCUIT, case.month)
    finally:
        store.close()
    if answer is None:
        raise ConfigError(
            f"case {case.name!r}: nothing of {case.month} can be judged", where=str(trial.path)
        )
    return answer


def _circuit(terms: TrialCircuit, case: Case, start_s: int) -> Circuit:
    return Circuit(
        id=_CIRCUIT,
        owners=(Ownership(customer="customer"),),
        contract="trial",
        site=terms.site,
        region="region",
        bandwidth_mbps=terms.bandwidth_mbps,
        grid_seconds=terms.grid_seconds,
        channels=tuple(Channel(name=name) for name in case.channels),
        active_from=start_s if terms.active_from is None else terms.active_from,
        bandwidths=terms.bandwidths,
        prices=terms.prices,
        jitter_kind=terms.jitter_kind,
    )


def _fill(
    store: TelemetryStore,
    case: Case,
    circuit: Circuit,
    bounds: tuple[int, int],
    horizon_s: int,
    path: Path,
) -> None:
    """Write what a node would have written by now."""
    writer, partition = store.writer, partition_of(_CIRCUIT)
    begins, ends = bounds
    for key, (name, text) in enumerate(case.channels.items(), 1):
        writer.execute(
            statement("sla", "trial_channel"),
            {
                "channel_key": key, "circuit_id": _CIRCUIT, "channel": name,
                "partition": partition, "grid_seconds": circuit.grid_seconds,
                "active_from_s": circuit.active_from,
            },
        )  # fmt: skip
        writer.execute(
            statement("sla", "trial_progress"),
            {"channel_key": key, "horizon_s": horizon_s},
        )
        states = _stretches(text, circuit.grid_seconds, begins, ends, case, path)
        known = [(at, until, *state) for at, until, word in states if (state := _STATES[word])]
        if known:
            lists = dict(
                zip(("start_s", "end_s", "bgp", "loss_class"), map(list, zip(*known, strict=True)),
                    strict=True)
            )  # fmt: skip
            writer.execute(statement("sla", "trial_spans"), {"channel_key": key} | lists)
        _measure(store, case, circuit, (key, name), bounds, path)
    writer.execute(statement("sla", "trial_histogram"))
    writer.execute(
        statement("sla", "trial_offset"), {"partition": partition, "horizon_s": horizon_s}
    )


def _measure(
    store: TelemetryStore,
    case: Case,
    circuit: Circuit,
    channel: tuple[int, str],
    bounds: tuple[int, int],
    path: Path,
) -> None:
    key, name = channel
    step = rollup_seconds(circuit)
    for texts, column, scale in (
        (case.latency_ms, "latency_us", 1_000),
        (case.jitter_ms, "jitter_us", 1_000),
        (case.loss, "loss_ppm", 1_000_000),
        (case.rx_mbps, "rx_bps", 1_000_000),
        (case.tx_mbps, "tx_bps", 1_000_000),
    ):
        if name not in texts:
            continue
        parts = _stretches(texts[name], step, *bounds, case, path)
        values = [None if word == "?" else round(Fraction(word) * scale) for _, _, word in parts]
        empty: list[int | None] = [None] * len(parts)
        columns = dict.fromkeys(_COLUMNS, empty) | {column: values}
        store.writer.execute(
            statement("sla", "trial_rollups"),
            {
                "channel_key": key, "step_s": step, "from_s": [at for at, _, _ in parts],
                "to_s": [until for _, until, _ in parts], **columns,
            },
        )  # fmt: skip


def _stretches(
    text: str, step: int, begins: int, ends: int, case: Case, path: Path
) -> list[tuple[int, int, str]]:
    """Return [from, to) and the word of each run; what no run covers has none."""
    found, at = [], begins
    for token in text.split():
        matched = _RUN.fullmatch(token) or _VALUE.fullmatch(token)
        word, count = matched.groups() if matched else ("?", "0")
        until = ends if count == "*" else at + int(count) * step
        if until > ends:
            raise ConfigError(
                f"case {case.name!r}: {text!r} is longer than {case.month}",
                where=str(path),
                hint=f"The month has {(ends - begins) // step:,} steps of {step} s.",
            )
        if until > at:
            found.append((at, until, word))
        at = until
    return found


def differences(expected: Expected, found: MonthAnswer) -> tuple[str, ...]:
    """Return one line for each expectation that does not hold."""
    said: list[str] = []

    def compare(name: str, wanted: object, actual: object) -> None:
        if wanted is not None and wanted != actual:
            said.append(f"{name}: expected {wanted}, found {actual}")

    for name, wanted, actual in (
        ("seconds", expected.seconds, found.seconds),
        ("as_experienced", expected.as_experienced, found.as_experienced),
    ):
        for bucket in ("up", "down", "excluded", "unmeasured"):
            compare(f"{name}.{bucket}", getattr(wanted, bucket), getattr(actual, bucket))
    compare("availability", expected.availability, found.availability_contractual)
    compare(
        "availability_as_experienced",
        expected.availability_as_experienced,
        found.availability_as_experienced,
    )
    compare("verdict", expected.verdict, found.verdict)
    verdicts = {one.name: one.verdict for one in found.objectives}
    for name, outcome in expected.objectives.items():
        compare(f"objectives.{name}", outcome, verdicts.get(name))
    _compare_credit(expected, found, said)
    compare("outages", expected.outages, len(found.outages))
    compare("left_seconds", expected.left_seconds, found.budget_left_seconds)
    if found.budget is not None:
        compare("forecast", expected.forecast, forecast_outcome(found.budget))
    compare("segments", expected.segments, len(found.segments))
    return tuple(said)


def _compare_credit(expected: Expected, found: MonthAnswer, said: list[str]) -> None:
    from_words: Sequence[tuple[str, object, object]] = (
        (
            "credit_percent",
            None if expected.credit_percent is None else percent(expected.credit_percent),
            found.credit_percent,
        ),
        ("credit_amount", expected.credit_amount, found.credit_amount),
        ("credit_issued", expected.credit_issued, found.credit_issued),
    )
    said += [
        f"{name}: expected {wanted}, found {actual} ({found.credit_reason})"
        for name, wanted, actual in from_words
        if wanted is not None and wanted != actual
    ]
