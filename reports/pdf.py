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

_FONT: Final = "Libertinus Serif"
"""The template's and the tape's; Typst carries it."""

_STANDARDS: Final = ["a-2a", "ua-1"]


def render_pdf(facts: ReportFacts, sha256: str) -> bytes:
    """Return the report as PDF; `sha256` is of the canonical `report.json` and is printed.

    The document's date is the instant the report is complete up to, not the wall clock: equal
    facts give equal bytes.

    Raises:
        LinkslaError: Typst refuses the document; a fault of linksla, not of the caller.
    """
    texts = displayable(json.dumps(printed(facts, sha256), sort_keys=True, ensure_ascii=False))
    document = {"main.typ": _template(), "report.json": texts.encode()}
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


def displayable(text: str) -> str:
    """Return a text with each character that Typst's own fonts lack as its number: `[U+6771]`.

    PDF/A refuses a document with a missing glyph, and a customer named in Japanese gets a report
    too. CSV and `report.json` have every name as it is.
    """
    lacking = {c for c in set(text) if not c.isascii() and not _has_glyph(c)}
    return text.translate({ord(c): f"[U+{ord(c):04X}]" for c in lacking})


@cache
def _has_glyph(character: str) -> bool:
    """Ask Typst itself, once a character: about 8 ms."""
    source = f'#set document(title: "t")\n#set text(font: "{_FONT}")\n#"\\u{{{ord(character):x}}}"'
    try:
        typst.compile(
            source.encode(), format="pdf", ignore_system_fonts=True, pdf_standards=["a-2b"]
        )
    except typst.TypstError:
        return False
    return True


@cache
def _template() -> bytes:
    return files("reports").joinpath("typst", "report.typ").read_bytes()
