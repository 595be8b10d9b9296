"""`linksla check`: is the configuration whole?"""

import argparse
from pathlib import Path

from cli.configuration import load_configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "config", nargs="?", type=Path, default=Path("config"), help="linksla.yaml, or its folder"
    )


def run(arguments: argparse.Namespace) -> int:
    """Load everything; the first mistake is printed as file:line and exits 2."""
    found = load_configuration(arguments.config)
    channels = sum(len(circuit.channels) for circuit in found.inventory.circuits.values())
    versions = sum(len(versions) for versions in found.contracts.values())
    print(
        f"good: {len(found.inventory.customers)} customers, {len(found.inventory.circuits)} "
        f"circuits, {channels} channels, {versions} contract versions, "
        f"{len(found.maintenance)} maintenance windows"
    )
    return 0
