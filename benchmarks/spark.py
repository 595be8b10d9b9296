"""Spark Structured Streaming on the same topic, in the same run: sets itself up in the cache.

PySpark 4.1.1 goes into a venv of its own (it pins an old pandas); the Kafka and Avro jars come
through jgo. Where that cannot be had, `SparkUnavailable` says why, and the benchmark goes on.
"""

import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

import jgo

from ingest.kafka_jars import java
from linksla.wire import schema_text

VERSION = "4.1.1"
PACKAGES = (
    f"org.apache.spark:spark-sql-kafka-0-10_2.13:{VERSION}"
    f"+org.apache.spark:spark-avro_2.13:{VERSION}"
)


@dataclass(frozen=True, slots=True)
class Warm:
    """Seconds of warm runs over a whole topic: in one micro-batch, and in many."""

    at_once_seconds: float
    streaming_seconds: float


class SparkUnavailable(Exception):
    """Spark cannot be had here, and why."""


def measured(bootstrap: str, topic: str, *, batched: bool, messages: int) -> Warm:
    """Read the whole topic and roll it up by minute, `messages` a micro-batch when streaming.

    Raises:
        SparkUnavailable: no PySpark, no jars, or it failed; the last words are in the message.
    """
    cache = Path(os.environ.get("LINKSLA_CACHE", Path.home() / ".cache" / "linksla"))
    python = _python(cache / f"spark-{VERSION}")
    try:
        built = Path(jgo.build(PACKAGES, cache_dir=cache / "jgo").path)
    except Exception as error:
        raise SparkUnavailable(f"jars: {error}") from error
    jars = ",".join(str(jar) for jar in sorted(built.rglob("*.jar")))
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "schema.avsc"
        schema.write_text(schema_text("LinkSampleBatch" if batched else "LinkSample"))
        ran = subprocess.run(
            [
                str(python), str(Path(__file__).with_name("spark_rollup.py")),
                bootstrap, topic, str(schema), "1" if batched else "0", str(messages),
            ],
            env={
                **os.environ,
                "PYSPARK_SUBMIT_ARGS": f"--jars {jars} --driver-memory 4g pyspark-shell",
                "JAVA_HOME": os.environ.get("JAVA_HOME", _java_home()),
            },
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
    found = [float(line.split()[1]) for line in ran.stdout.splitlines() if "seconds " in line]
    if ran.returncode or len(found) < 3:
        raise SparkUnavailable(f"it failed: {ran.stderr.strip()[-600:]}")
    return Warm(found[1], found[2])


def _python(folder: Path) -> Path:
    python = folder / "bin" / "python"
    if not (folder / "lib").exists():
        print(f"setting up PySpark {VERSION} (about 450 MB, once)", file=sys.stderr)
        venv.create(folder, with_pip=True)
        got = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", f"pyspark=={VERSION}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if got.returncode:
            raise SparkUnavailable(f"PySpark: {got.stderr.strip()[-300:]}")
    return python


def _java_home() -> str:
    """Return the machine's Java 17 or 21, which Spark 4.1 asks for, else the wheel's."""
    for candidate in sorted(Path("/usr/lib/jvm").glob("java-*")):
        if (candidate / "bin" / "java").exists() and any(v in candidate.name for v in ("17", "21")):
            return str(candidate)
    return str(java().parent.parent)
