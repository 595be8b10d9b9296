"""Starting to read where the stream is not what it was: explained, or accepted and written down."""

import logging

from alerts.node_alarms import NodeAlarms
from ingest.source import AnotherStream, Source, StreamGap
from linksla.model import Gap
from processors.writer import Writer

log = logging.getLogger(__name__)


def begin_reading(
    source: Source, writer: Writer, alarms: NodeAlarms, topic: str, *, accept: bool
) -> None:
    """Start the source at the stored offsets; with `accept`, step over what is gone.

    The alarm about a gap is raised before the gap is accepted: a crash between the two leaves
    a node that stops again, and says nothing twice.

    Raises:
        StreamGap: an offset is gone, and nobody has accepted that.
        AnotherStream: the offsets belong to another stream, and nobody has accepted that.
    """
    known = writer.identity()
    try:
        source.start(writer.next_offsets(), known=known)
    except StreamGap as gap:
        if not accept:
            raise
        _accept(gap.gaps, source, writer, alarms, topic)
        source.start(writer.next_offsets(), known=known)
    except AnotherStream as other:
        if not accept:
            raise
        source.start({})
        _accept(_everything_unread(writer, other.what), source, writer, alarms, topic)
    writer.check_identity(source.identity())


def _everything_unread(writer: Writer, what: str) -> tuple[Gap, ...]:
    return tuple(
        Gap(partition, offset, None, 0, None, f"what came after is unknown: {what}")
        for partition, offset in sorted(writer.next_offsets().items())
    )


def _accept(
    gaps: tuple[Gap, ...],
    source: Source,
    writer: Writer,
    alarms: NodeAlarms,
    topic: str,
) -> None:
    for gap in gaps:
        log.warning("gap accepted in %s partition %d: %s", topic, gap.partition, gap.detail)
    alarms.raise_gaps(topic, gaps)
    writer.accept_gaps(gaps, source.identity())
