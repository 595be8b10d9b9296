"""The bridge from the evaluator's thread to open pages."""

import asyncio
import threading

from dashboards.live import CHANGES_HELD_MAX, LiveFeed


def test_changes_published_in_another_thread_arrive_once_and_together() -> None:
    feed = LiveFeed()

    async def listen() -> list[frozenset[str]]:
        subscription = feed.subscribe()
        for ids in (["DEN-1"], ["DEN-2", "DEN-1"]):
            thread = threading.Thread(target=feed.publish, args=(ids,))
            thread.start()
            await asyncio.to_thread(thread.join)
        return [await subscription.changes(5), await subscription.changes(0.01)]

    assert asyncio.run(listen()) == [{"DEN-1", "DEN-2"}, frozenset()]


def test_every_subscription_hears_and_an_ended_one_does_not() -> None:
    feed = LiveFeed()

    async def listen() -> tuple[frozenset[str], frozenset[str], int]:
        stays, leaves = feed.subscribe(), feed.subscribe()
        feed.unsubscribe(leaves)
        feed.publish(["DEN-1"])
        return await stays.changes(5), await leaves.changes(0.01), feed.listeners

    assert asyncio.run(listen()) == ({"DEN-1"}, frozenset(), 1)


def test_closing_wakes_the_listeners_and_later_ones_are_closed_at_once() -> None:
    feed = LiveFeed()

    async def listen() -> tuple[bool, bool]:
        before = feed.subscribe()
        feed.close()
        await before.changes(5)
        return before.closed, feed.subscribe().closed

    assert asyncio.run(listen()) == (True, True)


def test_publishing_to_a_page_whose_loop_has_ended_is_harmless() -> None:
    feed = LiveFeed()

    async def listen() -> object:
        return feed.subscribe()

    subscription = asyncio.run(listen())
    feed.publish(["DEN-1"])

    assert subscription.closed


def test_a_page_that_never_reads_holds_a_bounded_number_of_changes() -> None:
    feed = LiveFeed()

    async def listen() -> int:
        subscription = feed.subscribe()
        for start in range(0, 3 * CHANGES_HELD_MAX, 1_000):
            feed.publish(str(n) for n in range(start, start + 1_000))
        return len(await subscription.changes(5))

    assert asyncio.run(listen()) <= CHANGES_HELD_MAX + 1_000
