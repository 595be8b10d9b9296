"""One circuit whose channels are good but where a test says otherwise, for hand-worked months."""

from dataclasses import dataclass, field
from fractions import Fraction

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.inventory import Channel, Circuit, Customer, Inventory, Ownership
from linksla.settings import TimeSettings
from linksla.sql import statement
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from sla.contracts import AvailabilityTerms, Contract, ExclusionTerms
from sla.issued import Issued, nothing_issued
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries

JUNE = parse_instant("2026-06-01T00:00:00Z")  # 2,592,000 s
DAY, HOUR = 86_400, 3_600
HORIZON = JUNE + 40 * DAY


@dataclass
class Bench:
    """One circuit, whose channels are good but where a test says otherwise."""

    store: TelemetryStore
    needed: int = 1
    channels: tuple[Channel, ...] = (Channel(name="a"),)
    bad: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    windows: tuple[MaintenanceWindow, ...] = ()
    exclusions: ExclusionTerms = field(default_factory=ExclusionTerms)
    issued: Issued = nothing_issued
    now_s: int = HORIZON

    def queries(self, **more) -> Queries:
        known = {
            "id": "C", "owners": (Ownership(customer="acme"),), "contract": "c", "site": "S",
            "region": "r", "bandwidth_mbps": 1000, "grid_seconds": 10, "active_from": JUNE,
            "channels": self.channels,
        }  # fmt: skip
        circuit = Circuit(**(known | more))
        self._fill(circuit)
        self.write_spans(circuit)
        customers = {name: Customer(id=name, name=name) for name in ("acme", "globex")}
        self.inventory = Inventory(customers, {"C": circuit})
        terms = AvailabilityTerms(
            target_percent=Fraction("99.9"), up_at_least=self.needed, consecutive=3
        )
        contract = Contract(
            id="c", version=1, title="T", source="here", timezone="UTC", availability=terms,
            exclusions=self.exclusions,
        )  # fmt: skip
        return Queries(
            self.store, self.inventory, {"c": (contract,)}, self.windows,
            TimeSettings(), ManualClock(self.now_s * MICROSECONDS), issued=self.issued,
        )  # fmt: skip

    def _fill(self, circuit: Circuit) -> None:
        writer, partition = self.store.writer, partition_of("C")
        for key, channel in enumerate(circuit.channels, 1):
            lower, upper = circuit.channel_active(channel)
            writer.execute(
                "insert into channels values (?, 'C', ?, ?, 10, ?, ?)",
                [key, channel.name, partition, lower, upper],
            )
            writer.execute(
                statement("sla", "trial_progress"), {"channel_key": key, "horizon_s": HORIZON}
            )
        writer.execute(
            statement("sla", "trial_offset"), {"partition": partition, "horizon_s": HORIZON}
        )

    def write_spans(self, circuit: Circuit) -> None:
        """Put what is known of the channels into spans, as a node would have folded it by now."""
        writer = self.store.writer
        writer.execute("delete from spans")
        for key, channel in enumerate(circuit.channels, 1):
            lower, upper = circuit.channel_active(channel)
            at, spans = lower, []
            for start, end in sorted(self.bad.get(channel.name, [])):
                spans += [(at, start, 1), (max(at, start), end, 2)]
                at = max(at, end)
            spans.append((at, min(upper or HORIZON, HORIZON), 1))
            spans = [one for one in spans if one[0] < one[1]]
            writer.execute(
                statement("sla", "trial_spans"),
                {
                    "channel_key": key, "start_s": [one[0] for one in spans],
                    "end_s": [one[1] for one in spans], "bgp": [one[2] for one in spans],
                    "loss_class": [0] * len(spans),
                },
            )  # fmt: skip


def day(number: int, seconds: int = 0) -> int:
    return JUNE + (number - 1) * DAY + seconds
