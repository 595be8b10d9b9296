"""Hostile messages (THREATS 9 to 11) take bounded memory, and their neighbours come through."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PEAK_MIB_MAX = 900
"""Of the whole process: 100 MB in the message, its body copied once, and 150 MiB of libraries."""

CHILD = """
import io, json, random
import numpy as np
from benchmarks.fuzz_corpus import APPENDED_US, Corpus, written, zigzag
from ingest.decode import Decoder
from ingest.rows import Messages
from linksla.wire import single_object_header

corpus = Corpus(random.Random(1))
single, batch = single_object_header("LinkSample"), single_object_header("LinkSampleBatch")
record = corpus.record()
good = single + written(corpus.single, record)
hostile = {
    "name of 10,000": lambda: single
    + written(corpus.single, {**record, "circuit_id": "x" * 10_000}),
    "100 MB text": lambda: single + zigzag(100_000_000) + b"x" * 100_000_000,
    "60 MB text": lambda: single + written(corpus.single, {**record, "probe": "x" * 60_000_000}),
    "60 MB claimed, cut off": lambda: single + zigzag(60_000_000) + b"x" * 1_000,
    "2^40 entries": lambda: batch + zigzag(2**40) + b"x" * 100,
    "2^40 entries, negative": lambda: batch + zigzag(-(2**40)) + zigzag(9) + b"x" * 100,
    "2^40 hops": lambda: b"\\0\\0\\0\\0\\x07"
    + written(corpus.newer, {**record, "rx_bps": None, "path": []})[:-1] + zigzag(2**40) + b"y",
}
found = {}
for name, make in hostile.items():
    value = make()  # one at a time: the peak is the decoder's, not this list's
    samples, rejects = Decoder(corpus.schemas).decode(
        Messages([good, value, good], {}, np.zeros(3), np.arange(3), np.full(3, APPENDED_US))
    )
    found[name] = [samples.column("offset").to_pylist(), [r.reason for r in rejects]]
# Not getrusage: its ru_maxrss survives exec, so it would tell the size of the tests' own process.
status = open("/proc/self/status").read()
peak_kib = int(status.split("VmHWM:")[1].split()[0])
print(json.dumps([found, peak_kib // 1024]))
"""


def test_hostile_messages_take_bounded_memory_and_leave_their_neighbours_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, timeout=60,
        capture_output=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    found, peak_mib = json.loads(done.stdout)
    assert {name: offsets for name, (offsets, _) in found.items() if offsets != [0, 2]} == {}
    assert {name: reasons for name, (_, reasons) in found.items()} == {
        "name of 10,000": ["over_limit"],
        "100 MB text": ["over_limit"],
        "60 MB text": ["over_limit"],
        "60 MB claimed, cut off": ["undecodable"],
        "2^40 entries": ["over_limit"],
        "2^40 entries, negative": ["over_limit"],
        "2^40 hops": ["undecodable"],
    }
    assert peak_mib < PEAK_MIB_MAX
