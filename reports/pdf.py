"""Facts → PDF, through Typst.

The template is fixed and reads one JSON file, so that a name is never markup (THREATS 9). Only the
fonts that Typst carries are used: the same bytes on every machine. PDF/A-2a and PDF/UA-1: tagged,
archival.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Final

import typst

from linksla.errors import LinkslaError
from reports.facts import ReportFacts
from reports.printed import printed

_STANDARDS: Final = ["a-2a", "ua-1"]


def render_pdf(facts: ReportFacts, sha256: str) -> bytes:
    """Return the report as PDF; `sha256` is of the canonical `report.json` and is printed.

    The document's date is the instant the report is complete up to, not the wall clock: equal
    facts give equal bytes.

    Raises:
        LinkslaError: Typst refuses the document; a fault of linksla, not of the caller.
    """
    document = {
        "main.typ": _template(),
        "report.json": json.dumps(printed(facts, sha256), sort_keys=True).encode(),
    }
    try:
        pdf: object = typst.compile(  # type: ignore[call-overload] # stubs miss the dict of files
            document,
            format="pdf",
            ignore_system_fonts=True,
            pdf_standards=_STANDARDS,
            timestamp=facts.complete_up_to_s,
        )
    except typst.TypstError as error:
        raise LinkslaError(
            f"the PDF cannot be set: {error}",
            where=f"report of {facts.customer_id} for {facts.month}",
            hint="Please report this; the CSV and JSON need no PDF.",
        ) from None
    if not isinstance(pdf, bytes):
        raise LinkslaError("Typst returned no PDF", where=f"report of {facts.customer_id}")
    return pdf


@cache
def _template() -> bytes:
    return files("reports").joinpath("typst", "report.typ").read_bytes()
