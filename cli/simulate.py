"""`linksla simulate SCENARIO`: a simulated network's samples to Kafka, and the truth about them."""

import argparse
import json
from pathlib import Path

from cli.stopping import stop_on_signal
from linksla.clock import SystemClock, parse_instant
from linksla.errors import UsageError
from simulator import scenarios
from simulator.emit import emit_history
from simulator.live import LiveFeed
from simulator.truth import truth
from simulator.world import World
from simulator.worlds import WORLDS, outline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", nargs="?", help="a scenario; demo or once: a whole history")
    parser.add_argument("--list", action="store_true", help="say which scenarios there are")
    parser.add_argument("--circuit", default="DEN-1", help="where a scenario happens")
    parser.add_argument("--at", help="when it begins (ISO 8601); default: half an hour ago")
    parser.add_argument("--kafka", default="127.0.0.1:9092", metavar="HOST:PORT")
    parser.add_argument("--batch", type=int, default=500, help="samples a message")
    parser.add_argument(
        "--live", action="store_true", help="go on at the clock's pace until Ctrl-C"
    )
    parser.add_argument("--out", type=Path, default=Path("out/simulation"), help="for both")


def run(arguments: argparse.Namespace) -> int:
    """Send history (and live data), write configuration and truth beside it."""
    if arguments.list:
        width = max(len(name) for name in scenarios.names())
        for name, about in scenarios.describe().items():
            print(f"{name:{width}}  {about}")
        return 0
    if arguments.scenario is None:
        raise UsageError("no scenario named", hint="See `linksla simulate --list`.")
    stop = stop_on_signal()
    clock = SystemClock()
    now_s = clock.now_us() // 1_000_000
    world = _world(arguments, now_s)
    world.write_config(arguments.out / "config")
    print(outline(world))
    emitted = emit_history(world, arguments.kafka, batch=arguments.batch)
    print(f"sent {emitted.samples:,} samples in {emitted.messages:,} messages")
    up_to_s = world.end_s
    if arguments.live:
        feed = LiveFeed(world, arguments.kafka, clock, batch=arguments.batch)
        feed.start()
        try:
            while not stop.wait(0.5) and feed.error is None:
                pass
        finally:
            feed.stop()
        if feed.error is not None:
            raise feed.error
        world, up_to_s = feed.world, feed.sent_to_s
    path = arguments.out / "truth.json"
    path.write_text(json.dumps(truth(world, up_to_s).to_json(), indent=1) + "\n")
    print(f"truth in {path}, configuration in {arguments.out / 'config'}")
    return 0


def _world(arguments: argparse.Namespace, now_s: int) -> World:
    if arguments.scenario in WORLDS:
        return WORLDS[arguments.scenario](now_s)
    scenario = scenarios.load(arguments.scenario)
    world = WORLDS["demo"](now_s)
    if arguments.circuit not in {circuit.id for circuit in world.circuits}:
        known = ", ".join(circuit.id for circuit in world.circuits)
        raise UsageError(f"no circuit {arguments.circuit!r}", hint=f"Known: {known}.")
    try:
        at_s = parse_instant(arguments.at) if arguments.at else now_s - 1800
    except ValueError as error:
        raise UsageError(f"--at {error}", hint="Write 2026-10-01T06:00:00Z.") from None
    return scenario.placed(world, arguments.circuit, at_s)
