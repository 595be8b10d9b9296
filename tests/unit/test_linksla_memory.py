"""Freed memory stays with the process, so that a poll's arrays do not fault their pages anew."""

import subprocess
import sys

from linksla.memory import keep_freed_memory

# Six arrays of 8 MB at a time, as a poll's columns: 12,288 pages, freed together.
POLLS = """
import resource, sys
import numpy as np
from linksla.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def poll():
    return sum(array.sum() for array in [np.ones(1 << 20, np.int64) for _ in range(6)])
poll()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    poll()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    ran = subprocess.run([sys.executable, "-c", POLLS, how], capture_output=True, text=True)
    return int(ran.stdout)


def test_arrays_as_large_as_the_last_poll_s_fault_few_new_pages() -> None:
    if keep_freed_memory():
        assert faults("kept") < 0.2 * faults("as it is")
    else:
        assert faults("kept") > 0  # no glibc: nothing is promised


# Each round keeps 20,000 lists, as a poll of single messages keeps its objects.
OBJECTS = """
import gc, sys
from linksla.memory import collect_rarely
if sys.argv[1] == "rarely":
    collect_rarely()
before = sum(one["collections"] for one in gc.get_stats())
for _ in range(5):
    kept = [[n] for n in range(20_000)]
print(sum(one["collections"] for one in gc.get_stats()) - before)
"""


def collections(how: str) -> int:
    ran = subprocess.run([sys.executable, "-c", OBJECTS, how], capture_output=True, text=True)
    return int(ran.stdout)


def test_a_poll_s_objects_start_no_garbage_collection() -> None:
    assert collections("rarely") == 0
    assert collections("as it is") > 20
