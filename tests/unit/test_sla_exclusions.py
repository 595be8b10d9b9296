"""What maintenance takes out: the vectors through the SQL, acceptance, cap and overlaps."""

import re

from sla.answers import Bucket
from sla.exclusions import Cap, excluded_seconds
from sla.maintenance import MaintenanceWindow
from sla.runs import Judgement, LiveSpan, availability_runs, cut_at_windows

GRID = 10
LETTER = {Bucket.UP: "u", Bucket.DOWN: "d", Bucket.UNMEASURED: "?"}


def cells(text: str) -> str:
    return "".join(letter * int(count) for letter, count in re.findall(r"([A-Za-z.?])(\d+)", text))


def live(channels):
    for key, text in enumerate(channels):
        at = 0
        for letter, count in re.findall(r"([GB?])(\d+)", text):
            end = at + int(count) * GRID
            if letter != "?":
                yield LiveSpan(key, at, end, 1 if letter == "G" else 2, 0)
            at = end


def window(name, start, end, **more):
    known = {"circuit": "A", "announced_at": 0, "proposed_by": "carrier", "reason": "work"}
    return MaintenanceWindow(id=name, start=start, end=end, **(known | more))


def test_every_case_of_channel_windows_agrees(memory_store, vectors) -> None:
    for case in vectors("exclusions")["cases"]:
        channels = case["channels"]
        length = len(cells(channels[0])) * GRID
        windows = [
            window(f"w{number}", lower * GRID, upper * GRID, channel=str(channel))
            for number, (channel, lower, upper) in enumerate(case["windows_channel_from_to"])
        ]
        parts = [
            part
            for key in range(len(channels))
            for part in cut_at_windows(
                0, key, 0, length, [(w.start, w.end) for w in windows if w.channel == str(key)]
            )
        ]
        k, n = case["up_at_least"], case["consecutive"]
        with memory_store.reader() as cursor:
            nominal, good = availability_runs(
                cursor,
                [
                    Judgement(0, k, n, GRID, 6, 0, length),
                    Judgement(0, k, n, GRID, 6, 0, length, windows_good=True),
                ],
                parts,
                list(live(channels)),
            )
        taken = ["."] * (length // GRID)
        for piece in excluded_seconds(windows, nominal, good, [Cap(0, length, None)]):
            for cell in range(piece.start_s // GRID, piece.end_s // GRID):
                taken[cell] = "x"
        text = "".join(LETTER[r.availability] * ((r.end_s - r.start_s) // GRID) for r in nominal)

        assert text == cells(case["expect_availability"]), case["name"]
        assert "".join(taken) == cells(case["expect_excluded"]), case["name"]
