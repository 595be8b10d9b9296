"""One node a data folder: a lock file says who holds it, before anything else is opened.

DuckDB refuses a second writer too, but by then a second node would already have started a broker
on the first one's data and taken over its local socket.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from linksla.errors import StoreError

LOCK_NAME: Final = "linksla.lock"


@contextmanager
def node_lock(data: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it when the process ends, however it ends.

    Raises:
        StoreError: another process holds it; the message names its pid. Nothing of it is touched.
    """
    data.mkdir(parents=True, exist_ok=True)
    path = data / LOCK_NAME
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read(20).strip() or "unknown"
            raise StoreError(
                f"another node, process {holder}, runs on this data folder",
                where=str(data),
                hint="Stop it first, or give this one a data folder of its own.",
                retryable=True,
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)
