"""One node a data folder; the second is told who holds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.lock import LOCK_NAME, node_lock
from cli.main import main
from linksla.errors import StoreError

HOLD = """
import sys
from pathlib import Path
from cli.lock import node_lock
with node_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_node_is_refused_and_told_the_pid(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout is not None
    assert first.stdout.readline() == b"held\n"

    with (
        pytest.raises(StoreError, match=f"another node, process {first.pid}, "),
        node_lock(tmp_path),
    ):
        raise AssertionError
    assert (tmp_path / LOCK_NAME).read_text() == f"{first.pid}\n", (
        "the first one's file is as it was"
    )
    first.kill()
    first.communicate()

    with node_lock(tmp_path):  # the kernel let go with the process
        assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_a_second_run_on_one_data_folder_exits_1_before_it_touches_anything(
    config_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = config_folder / "data"
    (config_folder / "linksla.yaml").write_text("data: data\nkafka: {port: 0}\n")
    with node_lock(data):
        code = main(["run", "--config", str(config_folder)])

    assert code == 1
    assert f"process {os.getpid()}, runs on this data folder" in capsys.readouterr().err
    assert [path.name for path in data.iterdir()] == [LOCK_NAME]
