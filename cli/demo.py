"""`linksla demo`: everything at once, with a fibre cut after 30 s.

`--once` does the whole job on a fixed seed without waiting and compares it with the truth.
"""

import argparse
import logging
import shutil
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from cli.configuration import Configuration, load_configuration
from cli.demo_receiver import AlertReceiver
from cli.once import run_once
from cli.stopping import stop_on_signal
from cli.web_server import port_is_free
from cli.wiring import Running
from dashboards.accounts import Accounts
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import ensure_topics
from linksla.clock import Clock, SystemClock, iso, utc
from linksla.errors import StreamError
from linksla.settings import WebhookSettings
from simulator.emit import emit_history
from simulator.live import LiveFeed
from simulator.world import World
from simulator.worlds import demo_world

log = logging.getLogger(__name__)

_DAY: Final = 86_400
CUT_AFTER_SECONDS: Final = 30
FEED_SECONDS_MAX: Final = 1.0
CUT_SECONDS: Final = 120
CUT_CIRCUIT: Final = "DEN-1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--once", action="store_true", help="fixed seed, no waiting, compare, end")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="files of --once")
    parser.add_argument("--port", type=int, default=8080, help="of the portal; taken: a free one")
    parser.add_argument("--data", type=Path, help="keep the data here (default: thrown away)")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, or once."""
    with ExitStack() as stack:
        folder = arguments.data
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="linksla-demo-"))
            stack.callback(shutil.rmtree, folder, True)
        if arguments.once:
            return run_once(folder, arguments.out, SystemClock(), stack)
        return _run(folder, arguments.port, stop_on_signal(), SystemClock(), stack)


def _run(folder: Path, port: int, stop: threading.Event, clock: Clock, stack: ExitStack) -> int:
    print("linksla demo: starting Kafka …", flush=True)
    began = clock.monotonic_seconds()
    world = demo_world(clock.now_us() // 1_000_000)
    receiver = AlertReceiver(print_alert)
    receiver.start()
    stack.callback(receiver.stop)
    configuration = _configured(world, folder, port, receiver.settings)
    broker = EmbeddedKafka(configuration.settings.data / "kafka", port=0, clock=clock)
    broker.start()
    stack.callback(broker.stop)
    ensure_topics(broker.bootstrap)
    running = Running(configuration, broker.bootstrap, clock)
    stack.callback(running.stop)
    running.start()
    logins = Accounts(running.decisions, clock).ensure_demo_users(configuration.inventory)
    print(f"portal    http://127.0.0.1:{running.web.port}")
    print(f"Kafka     {broker.bootstrap}, topic link.samples")
    print(f"log-ins   {'user':12} {'password':18} sees")
    for login in logins:
        sees = ", ".join(login.customer_ids) or "everything"
        print(f"          {login.user_id:12} {login.password:18} {sees} ({login.role.value})")
    print(f"commands  {example(world, folder / 'config')}")
    emitted = emit_history(world, broker.bootstrap)
    feed = LiveFeed(world, broker.bootstrap, clock)
    feed.start()
    stack.callback(_end_feed, feed)
    took = clock.monotonic_seconds() - began
    print(
        f"history   {emitted.samples:,} samples since {iso(world.start_s)}, "
        f"in Kafka after {took:.1f} s; live data follows. Ctrl-C stops everything.",
        flush=True,
    )
    return _watch(running, broker, feed, clock, stop)


def _watch(
    running: Running, broker: EmbeddedKafka, feed: LiveFeed, clock: Clock, stop: threading.Event
) -> int:
    """Cut the fibre once, then wait for the end."""
    cut_at = clock.monotonic_seconds() + CUT_AFTER_SECONDS
    cut = False
    while not stop.is_set():
        if running.node.wait(0.5):
            return 1
        broker.check()
        if feed.error is not None:
            raise feed.error
        if not cut and clock.monotonic_seconds() >= cut_at:
            cut = True
            done = feed.cut(CUT_CIRCUIT, clock.now_us() // 1_000_000, CUT_SECONDS)
            print(
                f"fibre cut on {CUT_CIRCUIT}, all channels, {iso(done.start_s)} to "
                f"{iso(done.end_s)}: watch its page",
                flush=True,
            )
    print("stopping …")
    return 0


def _end_feed(feed: LiveFeed) -> None:
    """Stop the feed; samples that a broker does not take now nobody waits for."""
    try:
        feed.stop(FEED_SECONDS_MAX)
    except StreamError as error:
        log.warning("%s", error)


def example(world: World, config: Path) -> str:
    """Return a command that works beside the demo: the last whole month's report."""
    customer, _ = world.customers[0]
    month = utc(world.start_s + _DAY).strftime("%Y-%m")  # months begin at midnight of many zones
    return f"linksla report --config {config} --customer {customer} --month {month}"


def print_alert(subject: str, said: str) -> None:
    """Print what the webhook received."""
    print(f"alert     {subject}: {said}", flush=True)


def _configured(world: World, folder: Path, port: int, webhook: WebhookSettings) -> Configuration:
    # What is written names the data as well: other commands work beside the demo with --config.
    world.write_config(folder / "config", data="../data")
    configuration = load_configuration(folder / "config")
    settings = configuration.settings
    web = replace(settings.web, port=port if port_is_free(settings.web.host, port) else 0)
    settings = replace(settings, web=web, webhooks=(webhook,))
    return replace(configuration, settings=settings)
