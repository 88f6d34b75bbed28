"""The page of benchmarks: a run replaces its own section and leaves the others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer
from typer.testing import CliRunner

from infra.cli import bench
from tests.benchmarks.catalogue import BENCHMARKS
from tests.benchmarks.report import Figure, Report, at_least, at_most, write_section

WHEN = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def section(title: str, value: float) -> str:
    figure = Figure("log to Kafka", value, "events/s", at_least(60_000))
    return Report("relay", title, "How.", [figure]).as_section("2 cores", WHEN)


def test_a_run_replaces_its_own_section_only(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    for title, value in (("Relay", 10_000.0), ("Append", 1.0), ("Relay", 90_000.0)):
        write_section(page, section(title, value))

    text = page.read_text()

    assert text.count("## Relay") == text.count("## Append") == 1
    assert "| log to Kafka | 90,000 events/s | at least 60,000 | yes |" in text
    assert "10,000 events/s" not in text
    assert "2026-01-31 12:00 UTC, 2 cores" in text


def test_a_missed_target_is_said() -> None:
    assert Figure("p95", 240.0, "ms", at_most(100)).cells()[3] == "**no**"
    assert Figure("p95", 24.0, "ms", at_most(100)).reached is True
    assert Figure("p50", 24.0, "ms").reached is None


def app() -> typer.Typer:
    made = typer.Typer()
    made.callback()(lambda: None)
    bench.register(made)
    return made


def test_the_benchmarks_are_listed_and_unknown_ones_refused() -> None:
    listed = CliRunner().invoke(app(), ["bench", "--list"])
    refused = CliRunner().invoke(app(), ["bench", "juggling"])

    assert [line.split()[0] for line in listed.output.splitlines()] == list(BENCHMARKS)
    assert refused.exit_code == 2
    assert "no benchmark juggling" in refused.output
