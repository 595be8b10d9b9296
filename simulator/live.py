"""A world as it goes on from the end of its history: samples as they are measured, cuts at will."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from linksla.clock import MICROSECONDS, Clock
from linksla.errors import LinkslaError, StreamError, UsageError
from linksla.names import TOPIC_SAMPLES
from simulator.emit import KafkaSink, Sink
from simulator.faults import Impairment
from simulator.history import Emitted, stretch
from simulator.scenarios import load
from simulator.truth import Truth, truth
from simulator.world import World

_CATCH_UP_SECONDS: Final = 600  # made at once when the feed is behind


class LiveFeed:
    """Sends a world's samples at wall-clock speed, or faster until it has caught up.

    A sample is sent when its interval is over, as a probe would; never before, so that none lies
    in the future. `speed` N lets N seconds of the world pass in one, as long as the world is
    behind the clock; from then on it keeps the clock's pace.
    """

    def __init__(
        self,
        world: World,
        bootstrap: str,
        clock: Clock,
        *,
        start_s: int | None = None,
        speed: float = 1.0,
        batch: int = 500,
        topic: str = TOPIC_SAMPLES,
        sink: Sink | None = None,
        on_error: Callable[[LinkslaError], None] | None = None,
    ) -> None:
        """Remember all this. Nothing is connected, no thread runs yet.

        `start_s` is where to begin, by default the end of the history. `sink` stands in for Kafka.
        `on_error` hears why the feed stopped by itself.
        """
        self._bootstrap = bootstrap
        self._clock = clock
        self._speed = speed
        self._batch = batch
        self._topic = topic
        self._sink = sink
        self._on_error = on_error
        self._lock = threading.Lock()
        self._world = replace(world, goes_on=True)
        self._sent_to_s = world.end_s if start_s is None else start_s
        self._began_s = self._sent_to_s
        self._began_at_us = 0
        self._emitted = Emitted()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: LinkslaError | None = None

    @property
    def world(self) -> World:
        """The world with all that was injected so far."""
        with self._lock:
            return self._world

    @property
    def sent_to_s(self) -> int:
        """Everything measured before this instant has been sent."""
        with self._lock:
            return self._sent_to_s

    @property
    def emitted(self) -> Emitted:
        """What has been sent so far."""
        with self._lock:
            return Emitted() + self._emitted

    def start(self) -> None:
        """Connect and begin.

        Raises:
            StreamError: Kafka cannot be reached.
        """
        if self._sink is None:
            sink = KafkaSink(self._bootstrap, self._topic)
            sink.start()
            self._sink = sink
        self._began_at_us = self._clock.now_us()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()

    def stop(self, within_seconds: float = 5.0) -> None:
        """End after the samples that are being sent, and disconnect.

        Raises:
            StreamError: Kafka did not take them in time.
        """
        self._stop.set()
        end = self._clock.monotonic_seconds() + within_seconds
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(within_seconds)
            if thread.is_alive():
                raise StreamError(
                    f"the last samples were not taken within {within_seconds:g} s",
                    where=self._bootstrap,
                    hint="Check that the broker is up.",
                    retryable=True,
                )
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.close(max(end - self._clock.monotonic_seconds(), 0.0))

    def cut(self, circuit_id: str, at_s: int, seconds: int) -> Impairment:
        """Cut all fibres of a circuit from `at_s` on, or from the next sample if that is sent.

        Both ends are rounded up to whole cells and sampling intervals. Returns the cut as it will
        be; the truth knows of it from now on.

        Raises:
            UsageError: no such circuit.
        """
        with self._lock:
            if circuit_id not in [circuit.id for circuit in self._world.circuits]:
                raise UsageError(f"no circuit {circuit_id!r} to cut")
            circuit = self._world.circuit(circuit_id)
            start = max(at_s, self._sent_to_s)
            step = self._world.step_at(circuit, start)
            start = -(-start // step) * step
            cut = Impairment(
                circuit_id=circuit_id,
                channels=tuple(channel.name for channel in circuit.channels),
                start_s=start,
                end_s=start + -(-seconds // step) * step,
                loss_ppm=(1_000_000, 1_000_000),
                bgp_state="IDLE",
            )
            self._world = self._world.with_injections(cut)
        return cut

    def inject(self, scenario: str, circuit_id: str, at_s: int) -> World:
        """Let a scenario happen to a circuit, not before what is already sent.

        Raises:
            UsageError: no such scenario or circuit, or the sampling is too coarse for it.
        """
        with self._lock:
            at = max(at_s, self._sent_to_s)
            self._world = load(scenario).placed(self._world, circuit_id, at)
            return self._world

    def truth(self, up_to_s: int) -> Truth:
        """Return the truth with all that was injected so far, as it can be known at an instant."""
        return truth(self.world, up_to_s)

    def step(self) -> int:
        """Send what is due by the clock, at most ten minutes of it; return how many samples.

        Raises:
            StreamError: Kafka did not take a message.
        """
        with self._lock:
            world, low = self._world, self._sent_to_s
            interval = world.interval_at(low)
            high = self._due_s() // interval * interval
            high = min(high, low // interval * interval + max(_CATCH_UP_SECONDS, interval))
            if low < world.end_s < high:
                high = world.end_s
            if high <= low:
                return 0
            self._sent_to_s = high  # a cut that comes in from here on begins after it
        sink = self._sink
        if sink is None:
            raise UsageError("the feed is not started")
        emitted = Emitted()
        for message in stretch(world, low, high, batch=self._batch, emitted=emitted):
            sink.send(message)
        sink.flush()
        with self._lock:
            self._emitted.add(emitted)
        return emitted.samples

    def _due_s(self) -> int:
        """Return the world's present: what was measured before it is over."""
        now_us = self._clock.now_us()
        passed_us = (now_us - self._began_at_us) * self._speed
        fast = self._began_s + int(passed_us // MICROSECONDS)
        real = now_us // MICROSECONDS
        return real if self._speed == 1.0 else min(fast, real)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self.step():
                    self._clock.wait(self._stop, self._until_due())
        except LinkslaError as error:
            self.error = error
            if self._on_error is not None:
                self._on_error(error)

    def _until_due(self) -> float:
        """Return how long nothing will be due: to the end of the interval, at most a second."""
        with self._lock:
            low = self._sent_to_s
            due = (low // self._world.interval_at(low) + 1) * self._world.interval_at(low)
        ahead = due - self._clock.now_us() / MICROSECONDS
        return min(max(ahead if self._speed == 1.0 else ahead / self._speed, 0.02), 1.0)
