"""The one Grafana dashboard a customer gets, as data: latency, loss, availability, outages.

Panels ask our API through the Infinity data source, with relative addresses; the circuit is a
variable, so channels and circuits come and go without new panels. Ids and grid positions are
written out: Grafana validates neither.
"""

from typing import Final
from urllib.parse import quote

from linksla.inventory import Circuit, Customer

Json = dict[str, object]

BOARD_UID: Final = "linksla-circuits"
SOURCE_UID: Final = "linksla"
SOURCE_TYPE: Final = "yesoreyeram-infinity-datasource"

_SOURCE: Final[Json] = {"type": SOURCE_TYPE, "uid": SOURCE_UID}
_CIRCUIT: Final = "/api/v1/circuits/${circuit:raw}"
_FROM: Final = "${__from:date:iso}"  # the API takes ISO 8601; plain __from is milliseconds
_TO: Final = "${__to:date:iso}"
_LONG_POINTS: Final = (
    'channels.($c := channel; points.{"channel": $c, "start": $[0], "middle": $[2]})'
)
"""JSONata: a point of a series is [start, low, middle, high]; one row a channel and step."""

_VERMILION: Final = "#D1410C"  # the meaning of colours is LOOK.md's: only what is bad has one
_GREY: Final = "#9AA0A6"


def board(customer: Customer, circuits: list[Circuit]) -> Json:
    """Return the dashboard of a customer; equal arguments give equal JSON."""
    return {
        "uid": BOARD_UID,
        "title": f"Circuits of {customer.name}",
        "tags": ["linksla"],
        "timezone": "utc",
        "schemaVersion": 37,
        "editable": False,
        "graphTooltip": 1,  # a cross-hair shared by all panels
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": [_circuit_variable(circuits), _step_variable()]},
        "panels": [
            _availability_panel(1, _position(0, 0, 24, 4)),
            _series_panel(2, _position(0, 4, 12, 9), "Latency, median", "latency", "ms"),
            _series_panel(3, _position(12, 4, 12, 9), "Loss, mean", "loss", "percentunit"),
            _outages_panel(4, _position(0, 13, 24, 8)),
        ],
    }


def _position(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _circuit_variable(circuits: list[Circuit]) -> Json:
    """Values are quoted for a path segment, so that no name can leave its place in an address."""
    pairs = [(circuit.id, quote(circuit.id, safe="")) for circuit in circuits]
    return _choice("circuit", "Circuit", pairs, 0)


def _step_variable() -> Json:
    pairs = [("1 min", "60"), ("5 min", "300"), ("1 h", "3600"), ("1 d", "86400")]
    return _choice("step", "Step", pairs, 1)


def _choice(name: str, label: str, pairs: list[tuple[str, str]], chosen: int) -> Json:
    options: list[Json] = [
        {"text": text, "value": value, "selected": index == chosen}
        for index, (text, value) in enumerate(pairs)
    ]
    escaped = [text.replace("\\", "\\\\").replace(",", "\\,") for text, _ in pairs]
    return {
        "name": name,
        "label": label,
        "type": "custom",
        "query": ",".join(
            f"{text} : {value}" for text, (_, value) in zip(escaped, pairs, strict=True)
        ),
        "options": options,
        "current": options[chosen] if options else {},
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "skipUrlSync": False,
    }


def _query(url: str, form: str, root: str, columns: list[tuple[str, str, str]]) -> Json:
    return {
        "refId": "A",
        "datasource": _SOURCE,
        "type": "json",
        "source": "url",
        "parser": "backend",
        "format": form,
        "url": url,
        "url_options": {"method": "GET", "data": ""},
        "root_selector": root,
        "columns": [
            {"selector": selector, "text": text, "type": kind} for selector, text, kind in columns
        ],
        "filters": [],
    }


def _panel(number: int, kind: str, title: str, position: Json, query: Json) -> Json:
    return {
        "id": number,
        "type": kind,
        "title": title,
        "datasource": _SOURCE,
        "gridPos": position,
        "targets": [query],
        "transparent": True,
    }


def _series_panel(number: int, position: Json, title: str, metric: str, unit: str) -> Json:
    url = f"{_CIRCUIT}/series?metric={metric}&from={_FROM}&to={_TO}&step=${{step:raw}}"
    columns = [
        ("start", "time", "timestamp"),
        ("channel", "channel", "string"),
        ("middle", metric, "number"),
    ]
    query = _query(url, "timeseries", _LONG_POINTS, columns)
    custom: Json = {"lineWidth": 1, "fillOpacity": 0, "spanNulls": False, "axisSoftMin": 0}
    defaults: Json = {"unit": unit, "displayName": "${__field.labels.channel}", "custom": custom}
    return {
        **_panel(number, "timeseries", title, position, query),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
    }


def _availability_panel(number: int, position: Json) -> Json:
    """Texts as the API prints them: a number shown here is never computed or rounded again."""
    url = f"{_CIRCUIT}/months/${{__to:date:YYYY-MM}}"
    columns = [
        ("sentence", "verdict", "string"),
        ("availability.contractual", "contractual %", "string"),
        ("availability.as_experienced", "as experienced %", "string"),
        ("coverage", "coverage %", "string"),
        ("seconds.down", "down s", "number"),
        ("budget.left_seconds", "left s", "number"),
        ("complete_up_to", "complete up to", "string"),
    ]
    title = "Availability, month to date"
    return {
        **_panel(number, "table", title, position, _query(url, "table", "", columns)),
        "fieldConfig": {"defaults": {"color": {"mode": "fixed", "fixedColor": _GREY}}},
        "options": {"showHeader": True},
    }


def _outages_panel(number: int, position: Json) -> Json:
    url = f"{_CIRCUIT}/outages?from={_FROM}&to={_TO}"
    columns = [
        ("id", "outage", "string"),
        ("start", "onset", "timestamp"),
        ("end", "end", "timestamp"),
        ("down_seconds", "down s", "number"),
        ("excluded_seconds", "excluded s", "number"),
        ("attribution", "attributed to", "string"),
    ]
    down: Json = {
        "matcher": {"id": "byName", "options": "down s"},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": _VERMILION}}],
    }
    return {
        **_panel(number, "table", "Outages", position, _query(url, "table", "items", columns)),
        "fieldConfig": {"defaults": {}, "overrides": [down]},
        "options": {"showHeader": True},
    }
