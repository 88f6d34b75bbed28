"""`.env.example` lists every setting with its default and one line about it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from infra.settings import Settings

EXAMPLE = Path(__file__).parents[3] / ".env.example"


def entries() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line.startswith("NUDGE_")]
    return dict(line.split("=", 1) for line in lines)


def test_every_setting_is_listed_and_nothing_else() -> None:
    assert set(entries()) == {f"NUDGE_{name.upper()}" for name in Settings.model_fields}


def test_every_entry_has_a_line_about_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    before = [lines[at - 1] for at, line in enumerate(lines) if line.startswith("NUDGE_")]
    assert [line for line in before if not line.startswith("# ")] == []


def test_the_example_changes_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in entries().items():
        monkeypatch.setenv(name, value)
    read = Settings(_env_file=None)
    for name, field in Settings.model_fields.items():
        assert getattr(read, name) == field.default, name
    assert read.send_lease == timedelta(seconds=60)
