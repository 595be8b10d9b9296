"""Jinja2 with escaping always on, and the few filters that pages use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboards.phrases import (
    VERDICT_WORDS,
    bandwidth,
    hours_minutes_seconds,
    local,
    local_and_utc,
    plural,
    quantity,
    step_words,
)
from linksla.clock import iso
from sla.calendar import month_name
from sla.explain_json import instant_us
from sla.outage_figures import figures_words
from sla.spending import burn_words, forecast_outcome, forecast_words, month_left_words
from sla.words import duration

_FOLDER: Final = Path(__file__).parent / "templates"


def make_templates() -> Jinja2Templates:
    """Return the templates; an unknown name in one is an error, not an empty text."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # else each page looks for changes of twenty files
    )
    environment.filters.update(
        {
            "bandwidth": bandwidth,
            "burn_words": burn_words,
            "commas": lambda number: f"{number:,}",
            "duration": duration,
            "figures_words": figures_words,
            "forecast_outcome": forecast_outcome,
            "forecast_words": forecast_words,
            "hms": hours_minutes_seconds,
            "instant_us": instant_us,
            "iso": iso,
            "left_words": month_left_words,
            "local": local,
            "local_and_utc": local_and_utc,
            "month_name": month_name,
            "plural": plural,
            "quantity": quantity,
            "segment": lambda text: quote(text, safe=""),
            "step_words": step_words,
            "verdict_word": lambda outcome: VERDICT_WORDS[outcome],
        }
    )
    environment.globals["query"] = _query
    return Jinja2Templates(env=environment)


def _query(values: Mapping[str, object], **changes: object) -> str:
    """Return `?a=b` of the values with changes; what is None or empty is left out."""
    merged = {**values, **changes}
    kept = {key: str(value) for key, value in merged.items() if value not in (None, "")}
    return "?" + urlencode(kept) if kept else ""
