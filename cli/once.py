"""`linksla demo --once`: a fixed world through the whole pipeline, compared with the truth."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.configuration import Configuration, load_configuration
from cli.wiring import Running
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import end_offsets, ensure_topics
from linksla.clock import Clock
from linksla.errors import LinkslaError
from reports.build import build_report
from simulator.emit import KafkaSink, emit
from simulator.truth import Truth, truth
from simulator.world import World
from simulator.worlds import once_world
from sla.json import to_json
from sla.queries import Queries
from sla.scope import AllCustomers

EVERYONE: Final = AllCustomers(commercial=True)
READ_SECONDS_MAX: Final = 300
COMPARED: Final = ("period", "seconds", "as_experienced_seconds", "bad_but_not_down_seconds")
NEVER_IDLE_SECONDS: Final = 10 * 365 * 86_400
"""The history lies in the past: a partition that rests must not move on to today."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One circuit and month: our answer, the truth, and where they differ."""

    circuit_id: str
    month: str
    answer: dict[str, object]
    truth: dict[str, object]
    differences: tuple[str, ...]


def run_once(folder: Path, out: Path, clock: Clock, stack: ExitStack) -> int:
    """Do the whole job; return 0 only when every second of every bucket equals the truth."""
    world = once_world()
    configuration = _configured(world, folder)
    bar = stack.enter_context(
        Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    )
    task = bar.add_task("starting Kafka", total=None)
    broker = EmbeddedKafka(folder / "kafka", port=0, clock=clock)
    broker.start()
    stack.callback(broker.stop)
    ensure_topics(broker.bootstrap)
    running = Running(configuration, broker.bootstrap, clock)
    stack.callback(running.stop)
    running.start(web=False)
    parts = [world.start_s, *([world.pause_s] if world.pause_s else []), world.end_s]
    samples = 0
    sink = KafkaSink(broker.bootstrap)
    sink.start()
    stack.callback(sink.close)
    for start_s, end_s in pairwise(parts):
        bar.update(task, description="sending and reading the history")
        samples += emit(world, sink, start_s, end_s).samples
        _read_to_the_end(running)
    running.node.stop()
    bar.update(task, description="comparing with the truth")
    comparisons, true = compare(world, running.queries)
    rejected = ledger_counts(running.queries)
    bar.update(task, description="writing reports")
    files = _reports(running, configuration, out, clock)
    bar.stop()
    return _summary(out, comparisons, true, rejected, samples, files)


def compare(world: World, queries: Queries) -> tuple[list[Comparison], Truth]:
    """Compare each circuit's every month with the truth at the instant it is complete up to."""
    complete = {
        circuit.circuit_id: circuit.complete_up_to_s for circuit in queries.circuits(EVERYONE)
    }
    true = truth(world, complete)
    comparisons = []
    for circuit_id, months in true.months.items():
        for month, expected in months.items():
            found = queries.month(EVERYONE, circuit_id, month)
            answer = {} if found is None else to_json(found, commercial=True)
            comparisons.append(_comparison(circuit_id, month, answer, expected.to_json()))
    return comparisons, true


def _comparison(
    circuit_id: str, month: str, answer: dict[str, object], expected: dict[str, object]
) -> Comparison:
    differences = [
        f"{key}: {json.dumps(answer.get(key))}, in truth {json.dumps(expected[key])}"
        for key in COMPARED
        if answer.get(key) != expected[key]
    ]
    ours, true = _placed(answer.get("outages")), _placed(expected["outages"])
    if ours != true:
        differences.append(f"outages: {ours}, in truth {true}")
    return Comparison(circuit_id, month, answer, expected, tuple(differences))


def _placed(outages: object) -> list[tuple[object, ...]]:
    keys = ("start", "end", "down_seconds", "excluded_seconds")
    return [tuple(o[key] for key in keys) for o in outages] if isinstance(outages, list) else []


def ledger_counts(queries: Queries) -> dict[str, int]:
    """Return how many samples of each kind the ledger holds."""
    counts: dict[str, int] = {}
    for line in queries.ledger(EVERYONE):
        counts[line.kind] = counts.get(line.kind, 0) + line.count
    return counts


def _read_to_the_end(running: Running) -> None:
    topic = running.configuration.settings.kafka.topic
    ends = end_offsets(running.bootstrap, topic)
    if not running.node.wait_until(
        lambda at: all(at.get(partition, 0) >= end for partition, end in ends.items()),
        READ_SECONDS_MAX,
    ):
        raise LinkslaError(
            f"the node did not read the topic to its end in {READ_SECONDS_MAX} s",
            hint="The machine may be overloaded; try again.",
            retryable=True,
        )


def _configured(world: World, folder: Path) -> Configuration:
    world.write_config(folder / "config", data="../data")
    configuration = load_configuration(folder / "config")
    time = replace(configuration.settings.time, idle_after_seconds=NEVER_IDLE_SECONDS)
    settings = replace(configuration.settings, time=time)
    return replace(configuration, settings=settings)


def _reports(running: Running, configuration: Configuration, out: Path, clock: Clock) -> list[str]:
    written = []
    for customer in configuration.inventory.customers:
        months = {
            answer_month
            for circuit in configuration.inventory.circuits.values()
            if any(owner.customer == customer for owner in circuit.owners)
            for answer_month in running.queries.months(EVERYONE, circuit.id)
        }
        final = sorted(month for month in months if _is_final(running.queries, customer, month))
        if final:
            files = build_report(
                running.queries, running.decisions, customer, final[-1], out, clock, who="demo"
            )
            written += [path.name for path in files.all]
    return written


def _is_final(queries: Queries, customer: str, month: str) -> bool:
    answers = queries.customer_month(EVERYONE, customer, month)
    return bool(answers) and all(answer.final for answer in answers or ())


def _summary(
    out: Path,
    comparisons: list[Comparison],
    true: Truth,
    counts: Mapping[str, int],
    samples: int,
    files: list[str],
) -> int:
    circuits: dict[str, dict[str, object]] = {}
    for one in comparisons:
        circuits.setdefault(one.circuit_id, {})[one.month] = {
            "answer": one.answer,
            "truth": one.truth,
            "equal": not one.differences,
            "differences": list(one.differences),
        }
    wrong = [one for one in comparisons if one.differences]
    miscounted = count_differences(counts, true)
    summary = {
        "equal": not wrong and not miscounted,
        "samples_sent": samples,
        "circuits": {key: {"months": months} for key, months in circuits.items()},
        "counts": {
            "ledger": dict(counts),
            "truth": true.counts.to_json(),
            "differences": miscounted,
        },
        "files": files,
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / "summary.json"
    path.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    for one in wrong:
        for difference in one.differences:
            print(f"{one.circuit_id} {one.month}: {difference}")
    for difference in miscounted:
        print(difference)
    seconds = sum(month.end_s - month.start_s for m in true.months.values() for month in m.values())
    state = "every second equals the truth" if not wrong else f"{len(wrong)} months differ"
    print(
        f"{len(circuits)} circuits, {len(comparisons)} circuit-months, {seconds:,} seconds, "
        f"{samples:,} samples: {state}"
    )
    print(f"summary   {path}")
    for name in files:
        if name.endswith((".pdf", ".csv")):
            print(f"report    {out / name}")
    return 1 if wrong or miscounted else 0


def count_differences(counts: Mapping[str, int], true: Truth) -> list[str]:
    """Say where the ledger's counts are not those of the truth."""
    expected = {
        "late": true.counts.late,
        "duplicate": true.counts.duplicate,
        "rejected": sum(true.counts.rejected.values()),
    }
    return [
        f"{kind}: {counts.get(kind, 0)} in the ledger, in truth {count}"
        for kind, count in expected.items()
        if counts.get(kind, 0) != count
    ]
