"""Durable samples per second, as ratios to polling alone in the same run.

    python -m benchmarks.ingest [--batched 10000000] [--single 1500000] [--circuits 250]

One embedded Kafka, one topic for each message size. "Polling alone" is the raw limit: kafka-python
reads every message and throws it away. "Durable" is a whole node from its start, everything on:
decoding, validation, dedup, samples, rollups, histograms, spans, ledger, offsets in DuckDB,
judging. Both run a second time, warm. Spark does the rollup only; "as often as we commit": in
micro-batches as large as our transactions, so that its numbers are as fresh. Rates vary with the
machine; the ratio in one run is what to quote.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks import spark
from cli.configuration import Configuration, load_configuration
from cli.node import SAMPLES_PER_TRANSACTION_MAX
from cli.wiring import Running
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import ensure_topics
from linksla.clock import SystemClock
from linksla.wire import WIRE_SCHEMA, encode, partition_of

Client = Literal["kafka-python", "librdkafka"]
CHANNELS = 4
INTERVAL_S = 10
PARTITIONS = 8
CONTRACT = """
id: bench
version: 1
title: Benchmark, 4 channels, 3 needed
source: benchmarks/ingest.py
timezone: UTC
availability: {target_percent: 99.99, up_at_least: 3, consecutive: 10}
objectives:
  - {name: latency p95, metric: latency, statistic: p95, limit: 8}
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Samples a second of one message size, all in one run; None: it could not be had.

    `durable` by client.
    """

    batch: int
    samples: int
    alone: float
    durable: dict[str, float]
    spark_at_once: float | None
    spark_streaming: float | None


def main() -> int:
    """Run both message sizes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batched", type=int, default=10_000_000, help="samples, 500 a message")
    parser.add_argument("--single", type=int, default=1_500_000, help="samples, one a message")
    parser.add_argument("--circuits", type=int, default=250, help="circuits of 4 channels each")
    parser.add_argument("--no-spark", action="store_true", help="leave Spark out")
    arguments = parser.parse_args()
    found: list[Rates] = []
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="linksla-bench-"))
        stack.callback(shutil.rmtree, folder, True)
        broker = EmbeddedKafka(folder / "kafka", port=0)
        broker.start()
        stack.callback(broker.stop)
        for batch, samples in ((1, arguments.single), (500, arguments.batched)):
            if samples:
                found.append(measure(broker.bootstrap, folder, batch, samples, arguments))
    for one in found:
        report(one)
    return 0


def report(rates: Rates) -> None:
    """Print the rates of one message size, and each client's as ratios."""
    several = "s" if rates.batch > 1 else ""
    print(f"\n{rates.batch} sample{several} a message, {rates.samples:,} samples, samples/s")
    peers = {
        "polling alone (kafka-python)": rates.alone,
        "Spark, rollup only, whole topic at once": rates.spark_at_once,
        "Spark, rollup only, as often as we commit": rates.spark_streaming,
    }
    clients = list(rates.durable)
    print(f"{'':44} {'':>11} " + " ".join(f"{client + ' /':>15}" for client in clients))
    for name, rate in peers.items():
        ratios = (f"{rates.durable[client] / rate:>15.2f}" if rate else "" for client in clients)
        print(f"{name:44} {f'{rate:,.0f}' if rate else 'not had':>11} " + " ".join(ratios))
    for client in clients:
        print(f"{'linksla, all of it, durable: ' + client:44} {rates.durable[client]:>11,.0f}")


def measure(
    bootstrap: str, folder: Path, batch: int, samples: int, arguments: argparse.Namespace
) -> Rates:
    """Fill a topic, poll it alone, run a node over it, then Spark; return all rates."""
    circuits = arguments.circuits
    topic = f"link.samples.{batch}"
    ensure_topics(bootstrap, samples_topic=topic)
    start_s = (int(time.time()) - samples // (circuits * CHANNELS) * INTERVAL_S - 600) // 60 * 60
    configuration = configured(folder / topic, topic, circuits, start_s)
    sent = fill(bootstrap, topic, batch, samples, circuits, start_s)
    print(f"{topic}: {sent:,} samples sent", file=sys.stderr)
    os.sync()  # what the broker still has to write to disk is not to be anybody's time
    alone = poll_alone(bootstrap, topic, batch)
    clients: tuple[Client, ...] = ("kafka-python", "librdkafka")
    durable = {
        client: sent / warm_seconds(bootstrap, configuration, client, topic)
        for client in clients
        if client == "kafka-python" or find_spec("confluent_kafka")
    }
    warm = None
    if not arguments.no_spark:
        try:
            messages = SAMPLES_PER_TRANSACTION_MAX // batch
            warm = spark.measured(bootstrap, topic, batched=batch > 1, messages=messages)
        except spark.SparkUnavailable as error:
            print(f"Spark cannot be had here: {error}", file=sys.stderr)
    return Rates(
        batch, sent, sent / alone, durable,
        sent / warm.at_once_seconds if warm else None,
        sent / warm.streaming_seconds if warm else None,
    )  # fmt: skip


def warm_seconds(bootstrap: str, configuration: Configuration, client: Client, topic: str) -> float:
    """Return the seconds of a second node, with an empty data folder: warm, as Spark is."""
    settings = configuration.settings
    took = 0.0
    for number in range(2):
        data = settings.data.with_name(f"var-{client}-{number}")
        kafka = replace(settings.kafka, client=client)
        mine = replace(configuration, settings=replace(settings, data=data, kafka=kafka))
        took = run_node(bootstrap, mine, topic)
        shutil.rmtree(data, ignore_errors=True)
    return took


def configured(folder: Path, topic: str, circuits: int, start_s: int) -> Configuration:
    """Write and load a configuration with that many circuits."""
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "bench.yaml").write_text(CONTRACT)
    (folder / "maintenance.yaml").write_text("windows: []\n")
    (folder / "linksla.yaml").write_text(
        f"data: var\nkafka: {{topic: {topic}}}\nweb: {{port: 0}}\n"
    )
    channels = ", ".join(f"{{name: ch{n + 1}}}" for n in range(CHANNELS))
    lines = ["customers: [{id: acme, name: Acme}]", "circuits:"]
    for number in range(circuits):
        lines.append(
            f"  - {{id: C-{number:05}, owners: [{{customer: acme}}], contract: bench, site: S, "
            f"region: R, bandwidth_mbps: 10000, grid_seconds: {INTERVAL_S}, "
            f"active_from: {start_s}, channels: [{channels}]}}"
        )
    (folder / "inventory.yaml").write_text("\n".join(lines) + "\n")
    return load_configuration(folder)


def fill(bootstrap: str, topic: str, batch: int, samples: int, circuits: int, start_s: int) -> int:
    """Send samples in time order, each batch within one partition; return how many."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, acks=1, linger_ms=50, batch_size=1_000_000,
        max_request_size=8_000_000,
    )  # fmt: skip
    ids = [f"C-{number:05}" for number in range(circuits)]
    of_partition = {
        p: [circuit for circuit in ids if partition_of(circuit) == p] for p in range(PARTITIONS)
    }
    steps = samples // (circuits * CHANNELS)
    at_once = 50
    sent = 0
    for step in range(0, steps, at_once):
        for partition, mine in of_partition.items():
            if not mine:
                continue
            table = slice_of(mine, start_s, step, min(at_once, steps - step))
            for value in encode(table, batch=batch):
                producer.send(topic, value=value, partition=partition)
            sent += table.num_rows
    producer.flush()
    producer.close()
    return sent


def slice_of(circuits: list[str], start_s: int, first: int, steps: int) -> pa.Table:
    """Return `steps` samples of each circuit's channels, in time order."""
    rng = np.random.default_rng(first)
    width = len(circuits) * CHANNELS
    rows = width * steps
    step = np.repeat(np.arange(first, first + steps), width)
    names = pa.array(np.repeat(circuits, CHANNELS).tolist() * steps)
    channels = pa.array([f"ch{n + 1}" for n in range(CHANNELS)] * (len(circuits) * steps))
    return pa.table(
        {
            "circuit_id": names,
            "channel": channels,
            "sequence": step,
            "observed_at": pa.array((start_s + step * INTERVAL_S) * 1_000_000, pa.timestamp("us")),
            "interval_ms": pa.array(np.full(rows, INTERVAL_S * 1000), pa.int32()),
            "latency_ms": np.round(rng.gamma(4, 0.5, rows) + 2, 3),
            "jitter_ms": np.round(rng.gamma(2, 0.05, rows), 3),
            "loss_ratio": np.where(rng.random(rows) < 0.001, 0.01, 0.0),
            "rx_bps": np.round(rng.random(rows) * 1e10),
            "tx_bps": np.round(rng.random(rows) * 1e10),
            "bgp_state": pa.array(["ESTABLISHED"] * rows),
            "bgp_transitions": pa.array(np.zeros(rows, np.int64)),
            "probe": pa.nulls(rows, pa.string()),
        },
        schema=WIRE_SCHEMA,
    )


def ends(bootstrap: str, topic: str) -> dict[int, int]:
    """Return the end offset of each partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    partitions = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    found = {tp.partition: end for tp, end in consumer.end_offsets(partitions).items()}
    consumer.close()
    return found


def records(bootstrap: str, topic: str) -> Iterator[int]:
    """Yield the number of messages of each poll until the end."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False,
        max_poll_records=5_000, fetch_max_bytes=50_000_000, max_partition_fetch_bytes=8_000_000,
    )  # fmt: skip
    partitions = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    consumer.assign(partitions)
    left = sum(ends(bootstrap, topic).values())
    while left:
        got = sum(len(batch) for batch in consumer.poll(1000).values())
        left -= got
        yield got
    consumer.close()


def poll_alone(bootstrap: str, topic: str, batch: int) -> float:
    """Return the seconds to read every message and throw it away."""
    began = time.perf_counter()
    sum(records(bootstrap, topic))
    return time.perf_counter() - began


def run_node(bootstrap: str, configuration: Configuration, topic: str) -> float:
    """Return the seconds from start to the last offset being durable."""
    target = {p: end for p, end in ends(bootstrap, topic).items() if end}
    running = Running(configuration, bootstrap, SystemClock())
    try:
        began = time.perf_counter()
        running.start(web=False)
        done = running.node.wait_until(
            lambda at: all(at.get(p, 0) >= end for p, end in target.items()), 600
        )
        took = time.perf_counter() - began
    finally:
        running.stop()
    if not done:
        sys.exit("the node did not reach the end in 600 s")
    return took


if __name__ == "__main__":
    sys.exit(main())
