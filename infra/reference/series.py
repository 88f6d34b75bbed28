"""The page of metrics: every Prometheus series that the code makes."""

from __future__ import annotations

import ast
from typing import Final

from infra.reference.sources import NOTE, Call, calls, page, table

_KINDS: Final = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}
_SHOWN_BY: Final = (
    ("api/", "api"),
    ("infra/relay", "relay"),
    ("infra/verifying/", "analytics"),
    ("infra/audit/", "relay"),
    ("infra/people/", "api"),
    ("streams/agents/", "reactions"),
    ("streams/effects/", "effects"),
    ("streams/", "projections, analytics, reactions"),
)
"""Beginning of a file's path -> who shows what it measures; the first that fits counts."""


def metrics_page() -> str:
    """Every metric with its labels and meaning."""
    made = [
        call
        for call in calls("api", "streams", "infra")
        if call.name in _KINDS and (call.text(0) or "").startswith("nudge_")
    ]
    rows = sorted((_role(call), f"`{_name(call)}`", *_rest(call)) for call in made)
    return page(
        "# Metrics",
        NOTE,
        "In Prometheus's text format: the API at `/metrics` on its own port, the other roles on"
        " `NUDGE_METRICS_PORT` (relay) and the four ports after it (projections, analytics,"
        " reactions, effects), which also answer `/ready`. A histogram has the series `_bucket`,"
        " `_sum` and `_count`. Each role shows Python's own process metrics as well. Dashboard and"
        " alerts are in `infra/deploy`; `nudge status` tells the most important in words.",
        table(("role", "metric", "kind", "labels", "meaning"), rows),
    )


def _name(call: Call) -> str:
    name = call.text(0) or ""
    return name.removesuffix("_total") + "_total" if call.name == "Counter" else name


def _rest(call: Call) -> tuple[str, str, str]:
    third = call.node.args[2] if len(call.node.args) > 2 else None
    labels = ast.literal_eval(third) if third is not None else []
    return _KINDS[call.name], ", ".join(f"`{label}`" for label in labels), call.text(1) or ""


def _role(call: Call) -> str:
    return next(role for start, role in _SHOWN_BY if call.file.startswith(start))
