"""What is in the ledger of circuits is counted again only where the writer has added to it."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from linksla.stores import TelemetryStore
from processors.held import Held
from sla.remembered_ledger import RememberedLedger

KEYS = {"C": (1, 4), "D": (2,), "E": (3,)}


class Bench:
    """The ledger, and a memory before it."""

    def __init__(self, store: TelemetryStore) -> None:
        self.store = store
        self.memory = RememberedLedger()
        self.often: dict[int, int] = {}

    def add(self, name: str, count: int) -> None:
        """Add to the ledger behind everybody's back: who remembers it does not see it."""
        self.store.writer.execute(
            "insert into ledger values ('late', ?, 'a', 0, ?, 't', 0, 0, 0, '')", [name, count]
        )

    def write(self, name: str, count: int) -> None:
        """Add to the ledger as the writer does."""
        self.add(name, count)
        key = KEYS[name][-1]
        self.often[key] = self.often.get(key, 0) + 1

    def noted(self, keys: Sequence[int]) -> int:
        return sum(self.often.get(key, 0) for key in keys)

    def counts(self, names: str, cursor: Any = None) -> dict[str, int]:
        keys = {name: KEYS[name] for name in names}
        return self.memory.counts(cursor or self.store.writer, keys, cast(Held, self))


@pytest.fixture
def bench(memory_store: TelemetryStore) -> Bench:
    found = Bench(memory_store)
    found.write("C", 2)
    return found


def test_what_was_counted_once_is_known(bench: Bench) -> None:
    assert bench.counts("CD") == {"C": 2}
    bench.add("C", 1)
    bench.add("D", 1)

    assert bench.counts("CD") == {"C": 2}, "it is remembered, nothing as well"
    assert bench.counts("CDE") == {"C": 2}
    nobody = cast(Any, object())
    assert bench.counts("ECD", nobody) == {"C": 2}, "nothing is read"


def test_what_was_added_is_counted_and_of_others_nothing(bench: Bench) -> None:
    bench.counts("CD")
    bench.add("D", 1)
    bench.write("C", 5)

    assert bench.counts("CD") == {"C": 7}
    bench.write("D", 1)
    assert bench.counts("DC") == {"C": 7, "D": 2}
    bench.add("C", 1)
    assert bench.counts("C") == {"C": 7}


def test_of_no_circuits_nothing_is_read(bench: Bench) -> None:
    assert bench.counts("", cast(Any, object())) == {}
