"""Every name that crosses a process boundary, in one place."""

from typing import Final

TOPIC_SAMPLES: Final = "link.samples"
TOPIC_INVENTORY: Final = "link.inventory"
TOPIC_MAINTENANCE: Final = "link.maintenance"
TOPIC_BREACHES: Final = "link.breaches"
TOPIC_DEADLETTER: Final = "link.deadletter"

SAMPLES_PARTITIONS: Final = 8
"""Fixed (DESIGN 5): a partition is murmur2(circuit_id) mod this, so it can never change."""

HEADER_REASON: Final = "reason"
HEADER_TOPIC: Final = "topic"
HEADER_PARTITION: Final = "partition"
HEADER_OFFSET: Final = "offset"
HEADER_INDEX: Final = "index"
HEADER_DETAIL: Final = "detail"
