"""`linksla announce`: an inventory or maintenance file to its topic, one record an entry.

Running nodes take it over within seconds. The instant of the record, not `announced_at`, is what a
contract's notice counts from.
"""

import argparse
import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from cli.configuration import load_configuration
from cli.run import kafka_for
from ingest.announcements import announce
from linksla.announcements import (
    CIRCUIT,
    CUSTOMER,
    BadAnnouncement,
    read_inventory,
)
from linksla.config import load_plain
from linksla.errors import ConfigError, UsageError
from linksla.names import TOPIC_INVENTORY, TOPIC_MAINTENANCE
from sla.announced import read_window

Records = list[tuple[str, bytes | None]]

_PREFIXES: Final = {"customers": CUSTOMER, "circuits": CIRCUIT, "windows": ""}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", nargs="?", type=Path, help="inventory.yaml or maintenance.yaml")
    parser.add_argument(
        "--withdraw",
        metavar="KEY",
        action="append",
        default=[],
        help="circuit:ID, customer:ID or window:ID; may be repeated",
    )
    parser.add_argument("--config", type=Path, default=Path("config"))
    parser.add_argument("--kafka", metavar="HOST:PORT", help="the cluster (or LINKSLA_KAFKA)")


def run(arguments: argparse.Namespace) -> int:
    """Check everything, then send it; nothing is sent when one entry is wrong."""
    if arguments.file is None and not arguments.withdraw:
        raise UsageError("nothing to announce", hint="Name a file, or --withdraw KEY.")
    wanted = {TOPIC_INVENTORY: Records(), TOPIC_MAINTENANCE: Records()}
    if arguments.file is not None:
        topic, records = records_of(arguments.file)
        wanted[topic] += records
    for key in arguments.withdraw:
        if key.startswith("window:"):
            wanted[TOPIC_MAINTENANCE].append((key.removeprefix("window:"), None))
        elif key.startswith((CUSTOMER, CIRCUIT)):
            wanted[TOPIC_INVENTORY].append((key, None))
        else:
            raise UsageError(f"cannot withdraw {key!r}", hint="circuit:, customer: or window:ID.")
    configuration = load_configuration(arguments.config)
    with ExitStack() as stack:
        bootstrap, _ = kafka_for(configuration, arguments.kafka, stack)
        for topic, records in wanted.items():
            if records:
                announce(bootstrap, topic, records)
                print(f"{topic}: {len(records)} announced")
    return 0


def records_of(path: Path) -> tuple[str, Records]:
    """Return the topic a file belongs on, and its entries as key and JSON.

    Raises:
        ConfigError: it is neither inventory nor maintenance, or an entry does not fit.
    """
    plain = load_plain(path)
    if not isinstance(plain, Mapping) or not plain or set(plain) - set(_PREFIXES):
        raise ConfigError(
            "is neither an inventory (customers, circuits) nor maintenance (windows)",
            where=str(path),
        )
    topic = TOPIC_MAINTENANCE if "windows" in plain else TOPIC_INVENTORY
    records: Records = []
    for section, prefix in _PREFIXES.items():
        entries = plain.get(section)
        for number, entry in enumerate(entries if isinstance(entries, list) else (), 1):
            name = entry.get("id", "") if isinstance(entry, dict) else ""
            key, value = f"{prefix}{name}", json.dumps(entry, ensure_ascii=False).encode()
            try:
                if topic == TOPIC_INVENTORY:
                    read_inventory(key, value)
                else:
                    read_window(key, value)
            except BadAnnouncement as error:
                raise ConfigError(
                    f"entry {number} of {section}: {error}",
                    where=str(path),
                    hint="Nothing was announced.",
                ) from None
            records.append((key, value))
    return topic, records
