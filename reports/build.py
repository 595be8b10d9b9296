"""Build a customer's monthly report: files in a folder, and a draft in the decisions store.

Everything that is written follows from the facts alone, so building twice gives equal bytes and
the same draft; only the draft's `created_at_us` is of the clock.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from linksla.clock import Clock
from linksla.decisions import DecisionsStore, record, reports
from linksla.errors import UsageError
from reports.csv_files import csv_files
from reports.facts import ReportFacts, ReportSource, canonical_json, gather
from reports.pdf import render_pdf

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")
_STEM_CHARACTERS_MAX: Final = 80  # of 255 bytes a file name may have on common file systems


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """What was written, and the hash that ties it together."""

    report_id: str
    pdf: Path
    csv: tuple[Path, ...]
    json: Path
    manifest: Path
    sha256: str  # of the canonical report.json; printed in the PDF
    final: bool

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file, the manifest last."""
        return (self.pdf, *self.csv, self.json, self.manifest)


def build_report(
    queries: ReportSource,
    decisions: DecisionsStore,
    customer_id: str,
    month: str,
    out: Path,
    clock: Clock,
    *,
    who: str = "cli",
) -> ReportFiles:
    """Write `<customer>-<month>.pdf`, `….<table>.csv`, `….report.json`, `….manifest.json` to `out`.

    A row in the decisions store keeps the draft; building again replaces it, an issued report
    never (the next version is drafted instead). `who` goes to the audit.

    Raises:
        UsageError: the customer or the month is unknown, or `out` cannot be written.
    """
    facts = gather(
        queries, customer_id, month, version=_next_version(decisions, customer_id, month)
    )
    canonical = canonical_json(facts)
    digest = hashlib.sha256(canonical).hexdigest()
    stem = f"{file_stem(customer_id)}-{month}"
    tables = {f"{stem}.{name}.csv": text for name, text in csv_files(facts).items()}
    contents = {
        f"{stem}.pdf": render_pdf(facts, digest),
        **tables,
        f"{stem}.report.json": canonical,
    }
    contents[f"{stem}.manifest.json"] = _manifest(contents, digest)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}", where=str(out), hint="Choose another folder."
        ) from None
    report_id = f"{stem}-v{facts.version}"
    _keep_draft(decisions, report_id, facts, canonical, digest, clock.now_us(), who)
    return ReportFiles(
        report_id=report_id,
        pdf=out / f"{stem}.pdf",
        csv=tuple(out / name for name in tables),
        json=out / f"{stem}.report.json",
        manifest=out / f"{stem}.manifest.json",
        sha256=digest,
        final=facts.final,
    )


def file_stem(name: str) -> str:
    """Return an id as the start of a file name: no path, no hidden file, no two ids alike.

    An id of plain characters stays as it is; any other gets the first digits of its hash
    (THREATS 13).
    """
    safe = _UNSAFE.sub("_", name)[:_STEM_CHARACTERS_MAX].lstrip(".-")
    if safe and safe == name:
        return name
    return f"{safe or 'customer'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _manifest(contents: dict[str, bytes], report_sha256: str) -> bytes:
    files = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }
    document = {"format": "linksla-manifest/1", "report_sha256": report_sha256, "files": files}
    return json.dumps(document, sort_keys=True, indent=1).encode() + b"\n"


def _next_version(decisions: DecisionsStore, customer_id: str, month: str) -> int:
    with decisions.engine.connect() as connection:
        last: int | None = connection.execute(
            sa.select(sa.func.max(reports.c.version)).where(
                reports.c.customer_id == customer_id,
                reports.c.month == month,
                reports.c.status != "draft",
            )
        ).scalar_one()
    return (last or 0) + 1


def _keep_draft(
    decisions: DecisionsStore,
    report_id: str,
    facts: ReportFacts,
    content: bytes,
    digest: str,
    now_us: int,
    who: str,
) -> None:
    """Replace the draft when its content is another; leave it, and the audit, when it is not."""
    with decisions.engine.begin() as connection:
        stored = connection.execute(
            sa.select(reports.c.sha256).where(reports.c.report_id == report_id)
        ).scalar_one_or_none()
        if stored == digest:
            return
        connection.execute(reports.delete().where(reports.c.report_id == report_id))
        connection.execute(
            reports.insert().values(
                report_id=report_id, customer_id=facts.customer_id, month=facts.month,
                version=facts.version, status="draft", created_at_us=now_us, sha256=digest,
                content=content,
            )
        )  # fmt: skip
        record(
            connection, at_us=now_us, who=who, action="report.draft", on=report_id,
            detail={"sha256": digest, "final": facts.final, "replaces": stored},
        )  # fmt: skip
