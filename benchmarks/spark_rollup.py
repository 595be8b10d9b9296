"""What Spark Structured Streaming is asked to do: only the one-minute rollup. Run by spark.py.

Run with Spark's own Python: spark_rollup.py BOOTSTRAP TOPIC SCHEMA.avsc BATCHED(0|1) MESSAGES.
Prints the seconds of three runs: the first warms up, the second takes the whole topic in one
micro-batch, the third MESSAGES a micro-batch. No validation, no dedup, no storage of samples, no
SLA: the result goes to the noop sink.
"""

import sys
import tempfile
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.avro.functions import from_avro

FRAME_BYTES = 10  # single-object header: C3 01 and the fingerprint


def main(bootstrap: str, topic: str, schema: str, batched: str, messages: str) -> None:
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("rollup")
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for limit in ("", "", messages):
        rollup = rolled_up(spark, bootstrap, topic, schema, batched, limit)
        with tempfile.TemporaryDirectory() as checkpoint:
            began = time.perf_counter()
            query = (
                rollup.writeStream.outputMode("update")
                .format("noop")
                .option("checkpointLocation", checkpoint)
                .trigger(availableNow=True)
                .start()
            )
            query.awaitTermination()
            print(f"seconds {time.perf_counter() - began:.3f}", flush=True)
    spark.stop()


def rolled_up(
    spark: SparkSession, bootstrap: str, topic: str, schema: str, batched: str, limit: str
) -> DataFrame:
    """Return the rollup of the topic as a stream, `limit` messages a micro-batch ("": all)."""
    reader = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
    )
    messages = (reader.option("maxOffsetsPerTrigger", limit) if limit else reader).load()
    body = f.expr(f"substring(value, {FRAME_BYTES + 1})")
    decoded = messages.select(from_avro(body, Path(schema).read_text()).alias("m"))
    samples = (
        decoded.select(f.explode("m.samples").alias("s")).select("s.*")
        if batched == "1"
        else decoded.select("m.*")
    )
    # With a watermark Spark forgets windows that are over, instead of carrying all of them on.
    return samples.withWatermark("observed_at", "10 minutes").groupBy(
        "circuit_id", "channel", f.window("observed_at", "1 minute")
    ).agg(
        f.count("*"), f.sum("latency_ms"), f.min("latency_ms"), f.max("latency_ms"),
        f.sum("loss_ratio"), f.sum("rx_bps"), f.sum("tx_bps"),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
