"""`linksla backtest`: past months under another contract, beside what they are. Read-only."""

import argparse
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cli.configuration import Configuration, load_configuration
from cli.control import ask_node
from cli.network import Network
from cli.wiring import build_queries, check_data, decisions_path, socket_path, telemetry_path
from linksla.clock import SystemClock
from linksla.decisions import DecisionsStore
from linksla.errors import StoreError
from linksla.stores import TelemetryStore
from sla.backtest import backtest
from sla.contracts import one_contract


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--contract", required=True, type=Path, help="the other contract's file")
    parser.add_argument("--from", dest="first", required=True, help="YYYY-MM, the first month")
    parser.add_argument("--to", dest="last", required=True, help="YYYY-MM, the last month")
    parser.add_argument("--circuit", action="append", default=[], help="only this one (repeat)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--config", type=Path, default=Path("config"), help="linksla.yaml or folder"
    )


def run(arguments: argparse.Namespace) -> int:
    """Judge both ways and print the difference; through the running node when one is there."""
    configuration = load_configuration(arguments.config)
    versions = one_contract(arguments.contract)
    asked = (arguments.first, arguments.last, arguments.circuit)
    try:
        found: Any = _read(configuration, versions, asked)
    except StoreError as error:
        if not error.retryable:
            raise
        request = {
            "contract": str(arguments.contract.resolve()), "first": asked[0], "last": asked[1],
            "circuits": asked[2],
        }  # fmt: skip
        found = ask_node(socket_path(configuration), "POST", "/backtest", request)
    print(json.dumps(found, indent=1, ensure_ascii=False) if arguments.json else _table(found))
    return 0


def _read(
    configuration: Configuration, versions: Any, asked: tuple[str, str, list[str]]
) -> dict[str, object]:
    check_data(configuration)
    with ExitStack() as stack:
        store = TelemetryStore(telemetry_path(configuration), read_only=True)
        store.start()
        stack.callback(store.close)
        if decisions_path(configuration).exists():
            decisions = DecisionsStore(decisions_path(configuration))
            decisions.start()
            stack.callback(decisions.close)
            network = Network(configuration, decisions)
            network.load()
            configuration = network.configuration
        queries = build_queries(configuration, store, SystemClock())
        return backtest(queries, versions, *asked)


def _table(found: Any) -> str:
    lines = [
        f"{'circuit':<20} {'month':<8} {'availability':<22} {'verdict':<34} {'credit %':<18} money"
    ]
    for row in found["circuits"]:
        now, other, difference = row["now"], row["other"], row["difference"]
        credit = difference["credit"]
        lines.append(
            f"{row['circuit_id']:<20} {row['month']:<8} "
            f"{_change(now['availability'], other['availability']):<22} "
            f"{_change(now['verdict'], other['verdict']):<34} "
            f"{_change(now['credit_percent'], other['credit_percent']):<18} "
            + (
                "no price known"
                if credit is None
                else f"{credit['amount']} {credit['currency']}".rstrip()
            )
        )
    if not found["circuits"]:
        lines = ["nothing of these months is known of any circuit asked for"]
    lines += [f"skipped {one['circuit_id']}: {one['reason']}" for one in found["skipped"]]
    lines += [f"in all {amount} {currency}" for currency, amount in found["totals"].items()]
    return "\n".join(lines)


def _change(now: str | None, other: str | None) -> str:
    before, after = (value if value is not None else "-" for value in (now, other))
    return before if before == after else f"{before} -> {after}"
