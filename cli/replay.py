"""`linksla replay FILE…`: samples from CSV, Avro or Parquet files, through Kafka."""

import argparse
from pathlib import Path

from rich.progress import Progress

from ingest.mapping import Mapping, load_mapping, with_words
from ingest.replay import replay
from ingest.topics import ensure_topics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--mapping", type=Path, help="YAML: what the columns mean")
    parser.add_argument(
        "--map", action="append", default=[], metavar="FIELD=COLUMN",
        help="latency=rtt takes a column, circuit_id==DEN-9 is one value for all rows",
    )  # fmt: skip
    parser.add_argument("--kafka", default="127.0.0.1:9092", metavar="HOST:PORT")
    parser.add_argument("--topic", default="link.samples")
    parser.add_argument("--batch", type=int, default=500, help="samples a message")


def run(arguments: argparse.Namespace) -> int:
    """Send the files' samples; rows that make no sense are named and left out."""
    mapping = load_mapping(arguments.mapping) if arguments.mapping else Mapping()
    mapping = with_words(mapping, arguments.map)
    ensure_topics(arguments.kafka, samples_topic=arguments.topic)
    with Progress(transient=True) as bar:
        task = bar.add_task("sending", total=None)
        done = replay(
            arguments.files, mapping, arguments.kafka, topic=arguments.topic,
            batch=arguments.batch,
            progress=lambda sent, total: bar.update(task, completed=sent, total=total),
        )  # fmt: skip
    print(f"sent {done.samples:,} samples in {done.messages:,} messages to {arguments.topic}")
    for reason, count in done.skipped.counts.most_common():
        print(f"left out {count:,} rows: {reason}")
    for row in done.skipped.examples:
        print(f"  {row}")
    return 0
