"""The record of targets that were broken to the end with no mutant left alive.

It is kept with the project, one line a target, so nobody breaks again what has not changed.
"""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

SEEN = Path(__file__).with_name("mutants_seen.yaml")
HEADER = "# Targets of mutants.yaml that were run to the end, none alive. Written by mutants.py.\n"
Entry = dict[str, str | int]


def state(text: str, mutants: Collection[str], accepted: Collection[str]) -> str:
    """Return what an entry hangs on: the text, the keys of its mutants and of those accepted."""
    parts = (text, *sorted(mutants), "accepted", *sorted(set(accepted) & set(mutants)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def recorded(path: Path = SEEN) -> dict[str, Entry]:
    if not path.exists():
        return {}
    return yaml.safe_load(path.read_text()) or {}


def as_recorded(target: str, state: str, path: Path = SEEN) -> str | None:
    """Return the counts of a target that was run to its end as it is now, else `None`."""
    entry = dict(recorded(path).get(target, {}))
    if entry.pop("state", None) != state:
        return None
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(entry.items()))


def record(target: str, state: str, counts: Mapping[str, int], path: Path = SEEN) -> None:
    """Put a target's line in its place; the others stay as they are."""
    entries: dict[str, Entry] = {**recorded(path), target: {"state": state, **counts}}
    lines = (
        yaml.safe_dump({name: entry}, default_flow_style=None, width=200)
        for name, entry in sorted(entries.items())
    )
    path.write_text(HEADER + "".join(lines))
