"""Dashboards and alerts ask for metrics that the code has, of roles that exist."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import yaml

from infra.local.addresses import METRICS_ROLES
from infra.settings import Settings
from tests.contract.deploy.compose import MUST_FAIL, ROOT

DEPLOY = ROOT / "infra/deploy"
PACKAGES = ("domain", "schemas", "projections", "streams", "api", "infra")
_KINDS = {"Counter", "Gauge", "Histogram"}
_NAME = re.compile(r"\bnudge_[a-z_]+")


def metrics_of(path: Path) -> set[str]:
    """Names of the time series that the metrics made in a file give."""
    names: set[str] = set()
    for call in (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)):
        kind = call.func.id if isinstance(call.func, ast.Name) else ""
        first = call.args[0] if call.args else None
        if kind not in _KINDS or not isinstance(first, ast.Constant):
            continue
        name = str(first.value)
        match kind:
            case "Counter":
                names.add(name.removesuffix("_total") + "_total")
            case "Histogram":
                names |= {f"{name}_{part}" for part in ("bucket", "count", "sum")}
            case _:
                names.add(name)
    return {name for name in names if name.startswith("nudge_")}


def in_code() -> set[str]:
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return set().union(*(metrics_of(file) for file in files))


def expressions(path: Path) -> list[str]:
    """The PromQL of a dashboard (JSON) or of alert rules (YAML)."""
    if path.suffix == ".json":
        panels = json.loads(path.read_text())["panels"]
        return [target["expr"] for panel in panels for target in panel["targets"]]
    groups = yaml.safe_load(path.read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def unknown(path: Path) -> set[str]:
    """Metrics a file asks for that no code gives."""
    return {n for e in expressions(path) for n in _NAME.findall(e)} - in_code()


def unbalanced(path: Path) -> list[str]:
    """Expressions whose brackets do not match."""
    pairs = (("(", ")"), ("[", "]"), ("{", "}"))
    return [e for e in expressions(path) if any(e.count(a) != e.count(b) for a, b in pairs)]


def test_every_metric_asked_for_exists() -> None:
    for path in (*DEPLOY.glob("grafana/dashboards/*.json"), DEPLOY / "prometheus/alerts.yml"):
        assert expressions(path)
        assert unknown(path) == set()
        assert unbalanced(path) == []


def test_a_metric_that_is_gone_and_a_lost_bracket_are_found() -> None:
    assert unknown(MUST_FAIL / "alerts.yml") == {"nudge_relay_backlog"}
    assert len(unbalanced(MUST_FAIL / "alerts.yml")) == 1
    assert unknown(MUST_FAIL / "dashboard.json") == {"nudge_stream_lag"}


def test_what_operators_must_see_is_on_the_dashboard() -> None:
    asked = " ".join(expressions(DEPLOY / "grafana/dashboards/nudgecampaign.json"))
    for metric in (
        "nudge_stream_lag_events",
        "nudge_relay_position",
        "nudge_relay_lag_events",
        "nudge_stream_dead_letters_total",
        "nudge_claims_open",
        "nudge_deliveries_ambiguous",
        "nudge_api_request_seconds_bucket",
    ):
        assert metric in asked


def test_every_alert_says_what_to_do() -> None:
    alerts = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())
    for rule in alerts["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"].keys() == {"summary", "action"}


def test_prometheus_asks_every_role_on_its_port() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    asked = {job["job_name"]: job["dns_sd_configs"][0] for job in config["scrape_configs"]}
    first = Settings.model_fields["metrics_port"].default
    wanted: dict[str, Any] = {role: first + at for at, role in enumerate(METRICS_ROLES)}
    wanted["api"] = Settings.model_fields["api_port"].default
    assert {job: found["port"] for job, found in asked.items()} == wanted
    assert all(found["names"] == [job] for job, found in asked.items())
