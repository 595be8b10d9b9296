"""A fetch asks for less when answers do not come in time, and for more again when they do."""

from ingest.fetch_limit import FetchLimit

MAX = 4 * 1024 * 1024


def test_waits_in_vain_shrink_the_limit_to_a_floor() -> None:
    limit, settings = FetchLimit(MAX, 10.0), {"max_partition_fetch_bytes": MAX}
    seen = []

    for second in range(0, 51, 5):
        limit.adapt(settings, float(second), arrived=False)
        seen.append(settings["max_partition_fetch_bytes"])

    assert seen[:3] == [MAX, MAX, MAX // 8]
    assert seen[-1] == 16 * 1024


def test_answers_double_the_limit_up_to_its_maximum() -> None:
    limit, settings = FetchLimit(MAX, 10.0), {"max_partition_fetch_bytes": MAX // 4}
    seen = []

    for second in range(4):
        limit.adapt(settings, float(second), arrived=True)
        seen.append(settings["max_partition_fetch_bytes"])

    assert seen == [MAX // 2, MAX, MAX, MAX]


def test_a_wait_begins_anew_after_an_answer() -> None:
    limit, settings = FetchLimit(MAX, 10.0), {"max_partition_fetch_bytes": MAX}

    for second, arrived in ((0, False), (9, True), (11, False), (20, False)):
        limit.adapt(settings, float(second), arrived=arrived)

    assert settings["max_partition_fetch_bytes"] == MAX
