"""Polls that wait together are written in one transaction: what is read as one poll."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from linksla.model import Poll, RawMessage, Reject


def merge(polls: Sequence[Poll]) -> Poll:
    """Return consecutive polls as one, to be written in one transaction."""
    if len(polls) == 1:
        return polls[0]
    rejects: list[Reject] = []
    offsets: dict[int, int] = {}
    caught_up: dict[int, int] = {}
    raw: list[Mapping[tuple[int, int], RawMessage]] = []
    for poll in polls:
        rejects.extend(poll.rejects)
        offsets.update(poll.next_offsets)
        raw.append(poll.raw)
        # A partition that got more samples after it was confirmed read to its end is not idle.
        for partition in poll.next_offsets:
            caught_up.pop(partition, None)
        caught_up.update(poll.caught_up_at_us)
    return Poll(
        topic=polls[0].topic,
        samples=pa.concat_tables([poll.samples for poll in polls]),
        rejects=tuple(rejects),
        next_offsets=offsets,
        caught_up_at_us=caught_up,
        raw=_Together(raw),
    )


class _Together(Mapping[tuple[int, int], RawMessage]):
    """The messages of several polls; like theirs, each made only when it is asked for."""

    def __init__(self, parts: Sequence[Mapping[tuple[int, int], RawMessage]]) -> None:
        self._parts = parts

    def __getitem__(self, key: tuple[int, int]) -> RawMessage:
        for part in self._parts:
            if key in part:
                return part[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for part in self._parts:
            yield from part

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)
