"""The root of all settings: `linksla.yaml`, with every default in one place."""

from os.path import normpath
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from linksla.config import STRICT, load
from linksla.names import SAMPLES_PARTITIONS, TOPIC_SAMPLES


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where the samples come from. Without `bootstrap` the embedded Kafka is started."""

    bootstrap: str | None = None
    topic: str = TOPIC_SAMPLES
    partitions: int = SAMPLES_PARTITIONS
    port: int = Field(default=9092, ge=0, le=65535)
    client: Literal["kafka-python", "librdkafka"] = "kafka-python"
    schema_registry: str | None = None
    schema_registry_auth: str | None = None
    unknown_schema_after_seconds: int = Field(default=600, ge=0)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class TimeSettings:
    """How long to wait for what (DESIGN 6), in seconds."""

    allowed_lateness_seconds: int = Field(default=30, ge=0)
    idle_after_seconds: int = Field(default=60, ge=1)
    close_after_seconds: int = Field(default=86_400, ge=0)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """How long each kind of data is kept, behind the watermark; spans and verdicts: for ever.

    A sample that is older than `raw_days` when it comes changes nothing: it goes to the ledger.
    """

    hot_hours: int = Field(default=1, ge=1)
    raw_days: int = Field(default=40, ge=1)
    minutes_days: int = Field(default=400, ge=32)
    rejects_days: int = Field(default=90, ge=1)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """What the node leaves alone of the disk: below it, reading from Kafka pauses."""

    free_bytes_min: int = Field(default=1 << 30, ge=0)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where portal and API are served."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """One receiver of breach alerts; the secret signs (Standard Webhooks, `whsec_…`)."""

    name: str
    url: str
    secret: str
    allow_loopback: bool = False  # for a receiver on this machine; never for customers' addresses


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class Settings:
    """What `linksla run` needs; paths are relative to the file."""

    data: Path = Path("var")
    inventory: Path = Path("inventory.yaml")
    contracts: Path = Path("contracts")
    maintenance: Path = Path("maintenance.yaml")
    kafka: KafkaSettings = KafkaSettings()
    time: TimeSettings = TimeSettings()
    retention: RetentionSettings = RetentionSettings()
    storage: StorageSettings = StorageSettings()
    web: WebSettings = WebSettings()
    webhooks: tuple[WebhookSettings, ...] = ()


def load_settings(path: Path) -> Settings:
    """Read `linksla.yaml`; paths in it become absolute, from the file's folder.

    Raises:
        ConfigError: the file does not fit.
    """
    from dataclasses import replace

    settings = load(path, Settings)
    base = path.resolve().parent
    return replace(
        settings,
        data=Path(normpath(base / settings.data)),  # it is printed, and the path of a socket
        inventory=base / settings.inventory,
        contracts=base / settings.contracts,
        maintenance=base / settings.maintenance,
    )
