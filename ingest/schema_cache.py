"""What a schema registry has said, kept on disk: what it says of an id or GUID never changes."""

import json
import logging
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ingest.frames import RegistryGuid, RegistryId

log = logging.getLogger(__name__)

FILES_MAX: Final = 10_000

RegistryFrame = RegistryId | RegistryGuid


@dataclass(frozen=True, slots=True)
class Found:
    """The registry has the schema."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The registry has something that we do not read (Protobuf, JSON Schema)."""

    detail: str


class SchemaCache:
    """A folder with a file an id or GUID, each with the registry's URL: ids are that registry's.

    A file that is damaged, or another registry's, says nothing: the registry is asked again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, url: str) -> dict[RegistryFrame, Found | Refused]:
        """Return all that a registry was heard to say."""
        found: dict[RegistryFrame, Found | Refused] = {}
        for path in sorted(self._folder.glob("*.json"))[:FILES_MAX]:
            try:
                known = json.loads(path.read_text(encoding="utf-8"))
                if known["registry"] == url:
                    found[_frame(path.stem)] = _answer(known)
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("%s is not read: %s", path, error)
        return found

    def keep(self, url: str, frame: RegistryFrame, answer: Found | Refused) -> None:
        """Write an answer down, whole or not at all; on a full disk it is asked for again."""
        name = frame.schema_id if isinstance(frame, RegistryId) else frame.guid
        path = self._folder / f"{name}.json"
        new = path.with_suffix(".new")
        said = {"schema": answer.text} if isinstance(answer, Found) else {"refused": answer.detail}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with new.open("w", encoding="utf-8") as file:
                json.dump({"registry": url, **said}, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            log.warning("a schema is not kept: %s", error)


def _frame(name: str) -> RegistryFrame:
    return RegistryId(int(name)) if name.isdecimal() else RegistryGuid(uuid.UUID(name))


def _answer(known: dict[str, Any]) -> Found | Refused:
    return Found(str(known["schema"])) if "schema" in known else Refused(str(known["refused"]))
