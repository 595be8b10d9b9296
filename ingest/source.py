"""Where samples come from: one protocol for Kafka and for scripted polls."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Protocol

from linksla.errors import StreamError
from linksla.model import SAMPLE_SCHEMA, Gap, Poll


class StreamGap(StreamError):
    """What is to be read next is gone; `gaps` says where reading can go on."""

    def __init__(self, what: str, *, gaps: tuple[Gap, ...], where: str, hint: str) -> None:
        super().__init__(what, where=where, hint=hint)
        self.gaps = gaps


class AnotherStream(StreamError):
    """Cluster or topic are not those whose offsets we hold."""


class Source(Protocol):
    """A stream of polls that can be taken up again at any offset.

    One thread uses it. `start` comes first, `close` last and more than once if need be.
    """

    def start(self, offsets: Mapping[int, int], *, known: Mapping[str, str] | None = None) -> None:
        """Begin at the next offset of each partition; where one is missing, at the earliest.

        `known` is the identity that was stored with the offsets.

        Raises:
            StreamGap: an offset is not there any more.
            AnotherStream: it is another stream than the known one.
            StreamError: it cannot be reached.
        """
        ...

    def identity(self) -> Mapping[str, str]:
        """Return cluster_id and topic_id, which tell this stream from another."""
        ...

    def poll(self, timeout_seconds: float) -> Poll:
        """Return what has arrived, an empty poll when nothing has within the time.

        Every sample and reject is at an offset below `next_offsets` and not below those of the
        poll before. `caught_up_at_us` holds a partition only if the broker has just confirmed
        that `next_offsets` is its end. A stream that is away gives empty polls.

        Raises:
            StreamError: what is there is not the stream we knew.
        """
        ...

    def pause(self) -> None:
        """Let nothing arrive until `resume`; polls are empty meanwhile."""
        ...

    def resume(self) -> None:
        """Let samples arrive again."""
        ...

    def close(self) -> None:
        """Let go of the stream."""
        ...


def check_identity(known: Mapping[str, str] | None, found: Mapping[str, str], where: str) -> None:
    """Refuse a stream that is not the one whose offsets we hold.

    Raises:
        AnotherStream: cluster or topic are others.
    """
    for key, what in (("cluster_id", "another Kafka cluster"), ("topic_id", "a topic made anew")):
        before = known.get(key) if known else None
        if before is not None and before != found[key]:
            raise AnotherStream(
                f"this is {what} ({key} {found[key]}, was {before}): the stored offsets mean "
                "nothing here",
                where=where,
                hint="Go back to the old one, begin with a new data directory, or accept what may "
                "be missing: `linksla run --accept-gap`.",
            )


class IterableSource:
    """A source that plays scripted polls: for tests of what reads from one."""

    def __init__(self, polls: Iterable[Poll], *, identity: Mapping[str, str] | None = None) -> None:
        self._script = deque(polls)
        self._identity = identity or {"cluster_id": "scripted", "topic_id": "scripted"}
        self._next: dict[int, int] = {}
        self._topic = self._script[0].topic if self._script else ""
        self._paused = False

    def start(self, offsets: Mapping[int, int], *, known: Mapping[str, str] | None = None) -> None:
        """Drop the polls that lie wholly before `offsets`."""
        check_identity(known, self._identity, "script")
        self._next = dict(offsets)
        while self._script and self._behind(self._script[0]):
            self._script.popleft()

    def _behind(self, poll: Poll) -> bool:
        return bool(poll.next_offsets) and all(
            offset <= self._next.get(partition, 0)
            for partition, offset in poll.next_offsets.items()
        )

    def identity(self) -> Mapping[str, str]:
        """Return the scripted identity."""
        return self._identity

    def poll(self, timeout_seconds: float) -> Poll:
        """Return the next scripted poll, then empty ones."""
        if self._paused or not self._script:
            return Poll(self._topic, SAMPLE_SCHEMA.empty_table(), (), dict(self._next))
        poll = self._script.popleft()
        self._next.update(poll.next_offsets)
        return poll

    def pause(self) -> None:
        """Hold the script."""
        self._paused = True

    def resume(self) -> None:
        """Go on with the script."""
        self._paused = False

    def close(self) -> None:
        """End the script."""
        self._script.clear()
