"""Break the code that makes numbers, one place at a time: some test must notice.

    python -m benchmarks.mutants [TARGET ...] [--seconds 0] [--again] [--list]

A target is a module of `sla/` (`bands`) or a statement (`availability_runs.sql`); none: all of
benchmarks/mutants.yaml, which names each target's tests, quick ones first, and the mutants that
change nothing, with the reason. A mutant is one comparison, sum, constant, bound, condition, `min`,
`return` and so on changed. Each runs in a process forked from one that has everything loaded but
what depends on the target, whose loops run as Python: machine code would come from a cache that
knows of no mutant. What was found stands in build/mutants.jsonl: `--seconds` stops after so long,
the next run goes on where it ended; `--quick` tries only the first list of tests. A target run to
its end with none alive gets a line in benchmarks/mutants_seen.yaml: it is done as long as its text
stays. `--again`, for when tests have changed, runs survivors, timeouts and what is only recorded.
Exit status 1: a mutant survived that is not accepted as changing nothing.
"""

import argparse
import ast
import gc
import hashlib
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks import mutants_seen
from benchmarks.mutations import Mutant, python_mutants, sql_mutants

ROOT = Path(__file__).parent.parent
PLAN = Path(__file__).with_name("mutants.yaml")
RESULTS = ROOT / "build" / "mutants.jsonl"
PACKAGES = ("linksla", "ingest", "processors", "sla")
SLOWEST = 4.0  # a mutant may take so many times what the tests take without it, and 5 s more
POLL_SECONDS = 0.005
PYTEST = (
    "-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:anyio", "--timeout=0",
)  # fmt: skip
"""Stops at the first failure. Rewritten asserts and plugins nobody uses take 1.3 s a mutant.

No test has a limit by the clock, here or in Hypothesis: to have been paused is not to be killed.
"""
KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"
Finding = dict[str, str | int]
Loop = Callable[..., object]


@dataclass(frozen=True)
class Target:
    """A file to break, and what should notice: the first list is tried before the second."""

    name: str
    quick: tuple[str, ...]
    wide: tuple[str, ...]
    equivalent: dict[str, str]  # mutant's key: why it changes nothing

    @property
    def path(self) -> Path:
        folder = ROOT / "sla"
        is_sql = self.name.endswith(".sql")
        return folder / "sql" / self.name if is_sql else folder / f"{self.name}.py"

    @property
    def tests(self) -> tuple[tuple[str, ...], ...]:
        return tuple(group for group in (self.quick, self.wide) if group)

    def mutants(self) -> list[Mutant]:
        text = self.path.read_text()
        found = sql_mutants(text) if self.path.suffix == ".sql" else python_mutants(text)
        return list(found)

    def state(self) -> str:
        """Return what findings hang on: the target's text. New tests: `--again`."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:12]

    def entry_state(self, mutants: Sequence[Mutant]) -> str:
        """Return what this target's line in the record hangs on."""
        keys = [mutant.key for mutant in mutants]
        return mutants_seen.state(self.path.read_text(), keys, self.equivalent)


def targets(wanted: Sequence[str]) -> list[Target]:
    plan = yaml.safe_load(PLAN.read_text())
    unknown = set(wanted) - plan["targets"].keys()
    if unknown:
        sys.exit(f"no such target: {', '.join(sorted(unknown))}; see {PLAN.name}")
    return [
        Target(
            name, tuple(known["quick"]), tuple(known.get("wide", ())),
            plan.get("equivalent", {}).get(name, {}),
        )
        for name, known in plan["targets"].items()
        if not wanted or name in wanted
    ]  # fmt: skip


def independent_modules(target: Target) -> list[str]:
    """Return the modules of what `sla/` stands on, and its own, that do not import the target."""
    imports: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in (ROOT / package).glob("*.py"):
            names = imports.setdefault(f"{package}.{path.stem}", set())
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module:
                    names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    tainted = {f"sla.{target.name}"}
    while more := {name for name, used in imports.items() if used & tainted} - tainted:
        tainted |= more
    entered = ("__init__", "__main__")
    return sorted(name for name in imports.keys() - tainted if not name.endswith(entered))


def load_all_but(target: Target) -> None:
    """Import what the tests need and no mutant changes."""
    import hypothesis
    import pyarrow.parquet  # noqa: F401
    import pytest  # noqa: F401

    hypothesis.settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("mutants")
    for name in independent_modules(target):
        __import__(name)
    gc.freeze()  # else each process looks through all of this once more, 0.3 s


def leave_as_python(target: Target) -> None:
    """Let the target's own loops be plain Python, those of other modules stay machine code."""
    import linksla.compiled

    compiled = linksla.compiled.compiled

    def marked(*arguments: object, is_short: bool = False) -> Callable[[Loop], Loop]:
        def left(function: Loop) -> Loop:
            if function.__module__ == f"sla.{target.name}":
                return function
            return compiled(*arguments, is_short=is_short)(function)

        return left

    linksla.compiled.compiled = marked  # type: ignore[assignment]


def put_in(target: Target, mutant: Mutant) -> None:
    """Let the process see the mutant where the target stands."""
    if target.path.suffix == ".sql":
        import linksla.sql

        name = target.path.stem
        original = linksla.sql.statement

        def changed(package: str, asked: str) -> str:
            return mutant.text if (package, asked) == ("sla", name) else original(package, asked)

        for module in list(sys.modules.values()):
            if getattr(module, "statement", None) is original:
                module.statement = changed  # type: ignore[attr-defined]
        return
    from importlib.machinery import PathFinder, SourceFileLoader

    wanted = f"sla.{target.name}"

    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> object:
            return mutant.compiled(str(target.path))

    class Finder(PathFinder):
        @classmethod
        def find_spec(cls, fullname, path=None, found=None):  # type: ignore[no-untyped-def]
            spec = super().find_spec(fullname, path, found)
            if fullname == wanted and spec is not None:
                spec.loader = Loader(fullname, str(target.path))
            return spec

    assert wanted not in sys.modules
    sys.meta_path.insert(0, Finder)


def tested(target: Target, mutant: Mutant | None, tests: Sequence[str], limit: float) -> str:
    """Run tests in a forked process. `mutant` None: the code as it is."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            if mutant is not None:
                quiet = os.open(os.devnull, os.O_WRONLY)
                os.dup2(quiet, 1)
                os.dup2(quiet, 2)
                put_in(target, mutant)
            import pytest

            status = int(pytest.main([*PYTEST, *tests]))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    waited = 0.0  # not by the clock: it goes on while this machine stands still
    while waited < limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return SURVIVED if status == 0 else KILLED
        time.sleep(POLL_SECONDS)
        waited += POLL_SECONDS
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMEOUT


def time_limit(target: Target, tests: Sequence[str]) -> float:
    """Return how many seconds a mutant may take. Tests that fail without one end the run."""
    begins = time.monotonic()
    if tested(target, None, tests, 600) != SURVIVED:
        sys.exit(f"{target.name}: its tests fail as they are: {' '.join(tests)}")
    return SLOWEST * (time.monotonic() - begins) + 5


def broken(target: Target, todo: Sequence[Mutant], until: float, groups: int) -> Iterator[Finding]:
    """Yield what became of each mutant, in this process (forked for this target)."""
    load_all_but(target)
    leave_as_python(target)
    limits: list[float] = []  # of lists of tests that were needed so far
    for mutant in todo:
        if time.monotonic() > until:
            return
        outcome = SURVIVED
        for number, tests in enumerate(target.tests[:groups]):
            if number == len(limits):
                limits.append(time_limit(target, tests))
            outcome = tested(target, mutant, tests, limits[number])
            if outcome != SURVIVED or mutant.key in target.equivalent:
                break  # what is accepted survives slow tests, too
        yield {
            "target": target.name, "state": target.state(), "key": mutant.key,
            "line": mutant.line, "change": mutant.change, "outcome": outcome,
        }  # fmt: skip


def run(target: Target, todo: Sequence[Mutant], until: float, groups: int) -> None:
    """Break a target in a process of its own, which keeps what it loaded to itself."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with RESULTS.open("a") as results:
                for finding in broken(target, todo, until, groups):
                    results.write(json.dumps(finding) + "\n")
                    results.flush()
            status = 0
        except SystemExit as why:
            print(why, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{target.name}: the run failed")


def findings(target: Target) -> dict[str, Finding]:
    """Return what is known of a target's mutants, as long as its text is the same."""
    if not RESULTS.exists():
        return {}
    state = target.state()
    lines = (json.loads(line) for line in RESULTS.read_text().splitlines())
    return {
        one["key"]: one for one in lines if one["target"] == target.name and one["state"] == state
    }


def report(target: Target, mutants: Sequence[Mutant], entry_state: str) -> int:
    """Print a line of counts and the survivors; return how many are not accepted.

    None alive and none left to run: that is recorded.
    """
    known = findings(target)
    counts: Counter[str] = Counter()
    left = []
    for mutant in mutants:
        outcome = known[mutant.key]["outcome"] if mutant.key in known else "not run"
        if outcome == SURVIVED and mutant.key in target.equivalent:
            outcome = "equivalent"
        counts[str(outcome)] += 1
        if outcome == SURVIVED:
            left.append(mutant)
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{target.name}: {len(mutants)} mutants: {said}")
    for mutant in left:
        path = target.path.relative_to(ROOT)
        print(f"  {mutant.key} {path}:{mutant.line}: {mutant.change}")
    if not left and "not run" not in counts:
        mutants_seen.record(target.name, entry_state, counts)
    gone = target.equivalent.keys() - {mutant.key for mutant in mutants}
    for key in sorted(gone):
        print(f"  {key} is accepted in {PLAN.name}, but there is no such mutant any more")
    return len(left)


def main() -> None:
    parser = argparse.ArgumentParser(description="Break sla/ one place at a time.")
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: never")
    parser.add_argument("--again", action="store_true", help="survivors again, no record asked")
    parser.add_argument("--quick", action="store_true", help="try only the first tests")
    parser.add_argument("--list", action="store_true", help="run nothing, say what is known")
    given = parser.parse_args()
    os.chdir(ROOT)
    RESULTS.parent.mkdir(exist_ok=True)
    until = time.monotonic() + given.seconds if given.seconds else float("inf")
    survivors = 0
    for target in targets(given.targets):
        mutants, known = target.mutants(), findings(target)
        entry_state = target.entry_state(mutants)
        done = None if given.again else mutants_seen.as_recorded(target.name, entry_state)
        if done is not None:
            print(f"{target.name}: {len(mutants)} mutants: none alive, as recorded: {done}")
            continue
        todo = [
            one
            for one in mutants
            if one.key not in known
            or (
                given.again
                and known[one.key]["outcome"] != KILLED
                and one.key not in target.equivalent
            )
        ]
        todo.sort(key=lambda one: one.change.endswith("return None"))  # hardly ever survive: last
        if todo and not given.list and time.monotonic() < until:
            run(target, todo, until, 1 if given.quick else 2)
        survivors += report(target, mutants, entry_state)
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
