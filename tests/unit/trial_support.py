"""Cases of `linksla test` as tests use them: runs of one channel in, a month's answer out."""

from pathlib import Path

from sla.answers import MonthAnswer
from sla.trials import Trial, load_trial, run_case

CONTRACT = """\
id: c
version: {number}
title: T
source: here
timezone: UTC
availability: {{target_percent: 99.9, up_at_least: 1, consecutive: {consecutive}}}
"""


def judged(
    folder: Path,
    runs: str,
    contracts: tuple[str, ...],
    grid_seconds: int,
    complete: str | None = None,
    more: str = "",
) -> MonthAnswer:
    """Return June 2026 of channel `a` under the contracts; `more` are further keys of the case."""
    names = []
    for number, text in enumerate(contracts):
        (folder / f"c{number}.yaml").write_text(text)
        names.append(f"c{number}.yaml")
    path = folder / "cases.yaml"
    until = f"    complete_up_to: '{complete}'\n" if complete else ""
    path.write_text(
        f"contract: [{', '.join(names)}]\ncircuit: {{grid_seconds: {grid_seconds}}}\ncases:\n"
        f"  - name: it\n    month: 2026-06\n{until}"
        f'    channels: {{a: "{runs}"}}\n{more}    expect: {{}}\n'
    )
    trial = load_trial(path)
    return run_case(trial, trial.cases[0])


def trial(
    folder: Path, case: str = "", circuit: str = "grid_seconds: 60", versions: int = 1
) -> Trial:
    """Return a file of one case, written and read; without one, of a June in which all is good."""
    names = []
    for number in range(1, versions + 1):
        text = CONTRACT.format(number=number, consecutive=number + 2)
        begins = f"valid_from: 2026-0{4 + number}-01T00:00:00Z\n" if number > 1 else ""
        (folder / f"c{number}.yaml").write_text(text + begins)
        names.append(f"c{number}.yaml")
    path = folder / "cases.yaml"
    said = case or '{name: it, month: 2026-06, channels: {a: "G*"}, expect: {}}'
    path.write_text(f"contract: [{', '.join(names)}]\ncircuit: {{{circuit}}}\ncases: [{said}]\n")
    return load_trial(path)
