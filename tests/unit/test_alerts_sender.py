"""The sender: at least once, in order, with a record of every attempt."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.messages import Message, message_id
from alerts.sender import NEW_TARGET_SECONDS, Sender, retry_after_us
from alerts.targets import ListTarget
from linksla.clock import ManualClock, SystemClock
from linksla.decisions import DecisionsStore, deliveries
from linksla.errors import DeliveryError
from linksla.meters import Meters
from linksla.stores import TelemetryStore

NOW_US = 1_760_000_000_000_000
LATER = DeliveryError("busy", where="list", retryable=True)
NEVER = DeliveryError("too large", where="list", retryable=False)


@pytest.fixture
def decisions(tmp_path: Path) -> Iterator[DecisionsStore]:
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield store
    store.close()


def put(store: TelemetryStore, number: int, *, withheld: str | None = None, at: int = 0) -> None:
    store.writer.execute(
        "insert into outbox values (?, ?, 's', 't', 1, 'DEN-1', ?, ?, ?)",
        [f"m{number}", number, NOW_US + at, withheld, f'{{"n":{number}}}'],
    )


def rows(decisions: DecisionsStore) -> list[tuple[str, str, str, int, str]]:
    with decisions.engine.connect() as connection:
        found = connection.execute(sa.select(deliveries).order_by(deliveries.c.message_id)).all()
    return [(r.message_id, r.target, r.status, r.attempts, r.last_error) for r in found]


def got(target: ListTarget) -> list[str]:
    return [message.id for message in target.messages]


class Scene:
    """A sender on empty stores, and the clock it goes by."""

    def __init__(self, store: TelemetryStore, decisions: DecisionsStore) -> None:
        self.store, self.decisions = store, decisions
        self.clock = ManualClock(NOW_US)
        self.meters = Meters()

    def sender(self, *targets: ListTarget) -> Sender:
        return Sender(self.store, self.decisions, targets, self.clock, self.meters)


@pytest.fixture
def scene(memory_store: TelemetryStore, decisions: DecisionsStore) -> Scene:
    return Scene(memory_store, decisions)


def test_messages_go_to_every_target_in_order_and_once(scene: Scene) -> None:
    for number in (1, 2, 3):
        put(scene.store, number)
    one, two = ListTarget("one"), ListTarget("two")
    sender = scene.sender(one, two)

    counts = [sender.send_once(), sender.send_once()]

    assert counts == [6, 0]
    assert got(one) == got(two) == ["m1", "m2", "m3"]
    assert scene.meters.value("linksla_deliveries_total", target="one", status="delivered") == 3


def test_more_messages_than_a_page_holds_all_go(scene: Scene) -> None:
    for number in range(1, 451):
        put(scene.store, number)
    target = ListTarget()

    assert scene.sender(target).send_once() == 450
    assert [int(name[1:]) for name in got(target)] == list(range(1, 451))


def test_withheld_messages_are_passed_over(scene: Scene) -> None:
    put(scene.store, 1, withheld="in a window")
    put(scene.store, 2)
    target = ListTarget()

    scene.sender(target).send_once()

    assert got(target) == ["m2"]


def test_a_failure_holds_back_what_follows_and_is_tried_again_when_due(scene: Scene) -> None:
    put(scene.store, 1)
    put(scene.store, 2)
    target = ListTarget()
    target.failures = [LATER]
    sender = scene.sender(target)
    sender.send_once()
    after_failure, recorded = got(target), rows(scene.decisions)
    due = NOW_US + retry_after_us("m1", "list", 1)
    scene.clock.move_to(due - 1)
    too_early = sender.send_once()
    scene.clock.move_to(due)

    assert sender.send_once() == 2
    assert (after_failure, too_early) == ([], 0)
    assert recorded == [("m1", "list", "retrying", 1, "list: busy")]
    assert got(target) == ["m1", "m2"]
    assert rows(scene.decisions)[0] == ("m1", "list", "delivered", 2, "")


def test_a_failing_target_does_not_hold_back_another(scene: Scene) -> None:
    put(scene.store, 1)
    bad, good = ListTarget("bad"), ListTarget("good")
    bad.failures = [LATER]

    scene.sender(bad, good).send_once()

    assert got(good) == ["m1"]


def test_what_will_never_be_taken_is_refused_and_the_next_goes(scene: Scene) -> None:
    put(scene.store, 1)
    put(scene.store, 2)
    target = ListTarget()
    target.failures = [NEVER]

    scene.sender(target).send_once()

    assert got(target) == ["m2"]
    assert rows(scene.decisions)[0] == ("m1", "list", "refused", 1, "list: too large")


def test_a_message_is_given_up_after_the_last_attempt(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.sender.ATTEMPTS_MAX", 5)
    put(scene.store, 1)
    put(scene.store, 2)
    target = ListTarget()
    target.failures = [LATER] * 5
    sender = scene.sender(target)
    for _ in range(5):
        sender.send_once()
        scene.clock.move_to(scene.clock.now_us() + 400_000_000)

    assert got(target) == ["m2"]
    assert rows(scene.decisions)[0][2:4] == ("refused", 5)


def test_a_restart_sends_nothing_twice_and_keeps_the_attempts(scene: Scene) -> None:
    put(scene.store, 1)
    put(scene.store, 2)
    target = ListTarget()
    scene.sender(target).send_once()
    put(scene.store, 3)
    target.failures = [LATER]
    scene.sender(target).send_once()
    scene.clock.move_to(NOW_US + 10_000_000)

    scene.sender(target).send_once()

    assert got(target) == ["m1", "m2", "m3"]
    assert rows(scene.decisions)[2][3] == 2


class BrokenTarget(ListTarget):
    """Fails in a way no protocol allows."""

    def deliver(self, message: Message) -> None:
        text = "canary-secret"
        raise RuntimeError(text)


def test_an_unexpected_failure_is_recorded_by_its_kind_only(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    put(scene.store, 1)

    scene.sender(BrokenTarget()).send_once()

    ((_, _, status, _, error),) = rows(scene.decisions)
    assert (status, "RuntimeError" in error) == ("retrying", True)
    assert "canary" not in error + caplog.text


def test_a_new_target_is_not_sent_old_alarms(scene: Scene) -> None:
    put(scene.store, 1, at=-(NEW_TARGET_SECONDS + 1) * 1_000_000)
    put(scene.store, 2, at=-(NEW_TARGET_SECONDS - 1) * 1_000_000)
    target = ListTarget()

    scene.sender(target).send_once()

    assert got(target) == ["m2"]
    assert rows(scene.decisions)[0][2:] == (
        "refused", 0, "announced before this target was known",
    )  # fmt: skip


def test_a_known_target_gets_everything_after_a_long_stop(scene: Scene) -> None:
    put(scene.store, 1)
    target = ListTarget()
    scene.sender(target).send_once()
    put(scene.store, 2)
    scene.clock.move_to(NOW_US + 86_400_000_000)

    scene.sender(target).send_once()

    assert got(target) == ["m1", "m2"]


def test_waits_double_from_one_second_to_five_minutes_give_or_take_a_quarter() -> None:
    for attempts in range(1, 40):
        wait = retry_after_us("m", "t", attempts) / 1_000_000
        middle = min(2 ** (attempts - 1), 300)
        assert 0.75 * middle <= wait <= 1.25 * middle
    assert retry_after_us("m", "t", 3) == retry_after_us("m", "t", 3)
    assert len({retry_after_us(f"m{n}", "t", 3) for n in range(50)}) > 25


def test_message_ids_differ_by_subject_version_and_repeat() -> None:
    ids = {
        message_id("a", "1"),
        message_id("a", "2"),
        message_id("b", "1"),
        message_id("a", "1", 1),
    }

    assert len(ids) == 4
    assert message_id("a", "1") == message_id("a", "1")


class HaltedTarget(ListTarget):
    """A receiver that takes the message and says nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.waited, self.goes_on, self.closed = threading.Event(), threading.Event(), False

    def deliver(self, message: Message) -> None:
        self.waited.set()
        self.goes_on.wait(30)

    def close(self) -> None:
        self.closed = True


def test_a_receiver_that_says_nothing_holds_up_no_end(scene: Scene) -> None:
    clock = SystemClock()
    put(scene.store, 1, at=clock.now_us() - NOW_US)
    halted, other = HaltedTarget("halted"), HaltedTarget("other")
    other.goes_on.set()
    sender = Sender(scene.store, scene.decisions, [halted, other], clock, scene.meters)
    sender.start()
    assert halted.waited.wait(10)
    assert other.waited.wait(10)

    began = clock.monotonic_seconds()
    sender.stop(0.5)

    assert clock.monotonic_seconds() - began < 5
    assert (halted.closed, other.closed) == (False, True)
    assert "halted" not in {target for _, target, *_ in rows(scene.decisions)}
    halted.goes_on.set()
