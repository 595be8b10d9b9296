"""`linksla test`: unit tests of contracts, written in YAML."""

import argparse
from pathlib import Path

from linksla.errors import UsageError
from sla.trials import differences, load_trial, run_case

TESTS = Path("config") / "contracts" / "tests"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files", nargs="*", type=Path, help=f"files of cases, or folders (default {TESTS})"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run every case; print each expectation that does not hold, and exit 1 if there is one."""
    paths = [path for given in arguments.files or [TESTS] for path in _files(given)]
    cases = failed = 0
    for path in paths:
        trial = load_trial(path)
        for case in trial.cases:
            cases += 1
            wrong = differences(case.expect, run_case(trial, case))
            failed += bool(wrong)
            print(f"{'FAILED' if wrong else 'good  '} {path}: {case.name}")
            for line in wrong:
                print(f"       {line}")
    print(f"{cases - failed} of {cases} cases in {len(paths)} files are good")
    return 1 if failed else 0


def _files(path: Path) -> list[Path]:
    found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not found:
        raise UsageError(f"{path} holds no *.yaml", hint="Name files of cases, or their folder.")
    return found
