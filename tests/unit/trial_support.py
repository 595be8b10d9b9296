"""Cases of `linksla test` as tests use them: runs of one channel in, a month's answer out."""

from pathlib import Path

from sla.answers import MonthAnswer
from sla.trials import load_trial, run_case


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
