"""Send samples at a steady rate, each observed at the instant it is sent, and log the instants.

    python -m benchmarks.producer BOOTSTRAP TOPIC LOG [--circuits 20000] [--rate 100000]

Every channel of every circuit is measured once a turn, a turn being channels ÷ rate seconds; a tick
of a tenth of a second sends its share of the circuits, 100 samples a message. The log has a line a
tick: slice, instant in µs.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from kafka import KafkaProducer

from linksla.wire import WIRE_SCHEMA, encode, partition_of

CHANNELS = 4
TICK_S = 0.1
BATCH = 100


@dataclass(frozen=True, slots=True)
class Slice:
    """What one tick sends to one partition: names of its rows."""

    partition: int
    circuit: pa.Array
    channel: pa.Array


def slices_of(circuits: int, rate: int) -> int:
    """Return how many ticks a turn over all channels takes."""
    return max(round(circuits * CHANNELS / (rate * TICK_S)), 1)


def circuit_name(number: int) -> str:
    return f"C-{number:05}"


def planned(circuits: int, rate: int) -> list[list[Slice]]:
    """Return what each tick of a turn sends: circuit n goes with tick n mod slices."""
    slices = slices_of(circuits, rate)
    plan = []
    for first in range(slices):
        of_partition: dict[int, list[str]] = {}
        for number in range(first, circuits, slices):
            name = circuit_name(number)
            of_partition.setdefault(partition_of(name), []).append(name)
        plan.append(
            [
                Slice(
                    partition,
                    pa.array(np.repeat(names, CHANNELS).tolist()),
                    pa.array([f"ch{n + 1}" for n in range(CHANNELS)] * len(names)),
                )
                for partition, names in sorted(of_partition.items())
            ]
        )
    return plan


def samples_of(one: Slice, now_us: int, sequence: int, interval_ms: int) -> pa.Table:
    """Return a healthy sample of each of the slice's channels, observed now."""
    rows = len(one.circuit)
    rng = np.random.default_rng(sequence * 100 + one.partition)
    return pa.table(
        {
            "circuit_id": one.circuit,
            "channel": one.channel,
            "sequence": np.full(rows, sequence),
            "observed_at": pa.array(np.full(rows, now_us), pa.timestamp("us")),
            "interval_ms": pa.array(np.full(rows, interval_ms), pa.int32()),
            "latency_ms": np.round(rng.gamma(4, 0.5, rows) + 2, 3),
            "jitter_ms": np.round(rng.gamma(2, 0.05, rows), 3),
            "loss_ratio": np.zeros(rows),
            "rx_bps": np.round(rng.random(rows) * 1e10),
            "tx_bps": np.round(rng.random(rows) * 1e10),
            "bgp_state": pa.array(["ESTABLISHED"] * rows),
            "bgp_transitions": pa.array(np.zeros(rows, np.int64)),
            "probe": pa.nulls(rows, pa.string()),
        },
        schema=WIRE_SCHEMA,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("log", type=Path)
    parser.add_argument("--circuits", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=600)
    arguments = parser.parse_args()
    plan = planned(arguments.circuits, arguments.rate)
    interval_ms = max(round(len(plan) * TICK_S * 1_000), 1)
    producer = KafkaProducer(
        bootstrap_servers=arguments.bootstrap, acks=1, linger_ms=5, batch_size=500_000,
        max_request_size=8_000_000,
    )  # fmt: skip
    began = time.time()
    sent = 0
    with arguments.log.open("w") as log:
        for tick in range(round(arguments.seconds / TICK_S)):
            wait = began + tick * TICK_S - time.time()
            if wait > 0:
                time.sleep(wait)
            now_us = time.time_ns() // 1_000
            number = tick % len(plan)
            for one in plan[number]:
                table = samples_of(one, now_us, tick, interval_ms)
                for value in encode(table, batch=BATCH):
                    producer.send(arguments.topic, value=value, partition=one.partition)
                sent += table.num_rows
            log.write(f"{number} {now_us}\n")
    producer.flush()
    producer.close()
    took = time.time() - began
    print(f"{sent} {took:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
