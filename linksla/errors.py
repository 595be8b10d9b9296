"""What can go wrong, as a small tree.

    LinkslaError
    ├── UsageError       the command line or a request is wrong       exit 2
    ├── ConfigError      a file is wrong: file, line, what, what to do exit 2
    ├── StoreError       a database cannot be opened, read or written
    ├── StreamError      Kafka cannot be reached, or is not the cluster we knew
    ├── DeliveryError    a message did not reach its target
    └── PublishError     Grafana refused something

Each says what, where and what to do, and whether the same call may succeed later. A bad sample is
not an error but a `linksla.model.Reject`.
"""


class LinkslaError(Exception):
    """Base of all errors that linksla raises on purpose."""

    exit_code = 1

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", retryable: bool = False
    ) -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint
        self.retryable = retryable

    def __str__(self) -> str:
        """Return `where: what. hint`, leaving out what is not known."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}. {self.hint}" if self.hint else head


class UsageError(LinkslaError):
    """The caller asked for something that makes no sense."""

    exit_code = 2


class ConfigError(LinkslaError):
    """A configuration file is wrong; `where` is `file:line`."""

    exit_code = 2


class StoreError(LinkslaError):
    """A database cannot be opened, read or written."""


class StreamError(LinkslaError):
    """Kafka cannot be reached, or what it holds is not what we knew."""


class DeliveryError(LinkslaError):
    """A message did not reach its target."""


class PublishError(LinkslaError):
    """Grafana refused, or holds something we did not expect."""
