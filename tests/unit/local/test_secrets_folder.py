"""Settings may be files in a folder of secrets, as containers are given passwords."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import SettingsError, load_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of secrets that the process is told of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NUDGE_POSTGRES_URL", raising=False)
    monkeypatch.delenv("NUDGE_CLICKHOUSE_PASSWORD", raising=False)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    monkeypatch.setenv("NUDGE_SECRETS_DIR", str(secrets))
    return secrets


def test_a_file_is_a_setting_without_its_line_end(folder: Path) -> None:
    (folder / "nudge_postgres_url").write_text("postgresql://nudge_worker:a@postgres/nudge\n")
    (folder / "nudge_clickhouse_password").write_text("b\n")
    settings = load_settings()
    assert settings.postgres_url == "postgresql://nudge_worker:a@postgres/nudge"
    assert settings.clickhouse_password is not None
    assert settings.clickhouse_password.get_secret_value() == "b"


def test_a_variable_wins_over_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "nudge_postgres_url").write_text("postgresql://from-the-file/nudge")
    monkeypatch.setenv("NUDGE_POSTGRES_URL", "postgresql://from-the-variable/nudge")
    assert load_settings().postgres_url == "postgresql://from-the-variable/nudge"


def test_a_folder_that_is_not_there_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUDGE_SECRETS_DIR", str(folder / "elsewhere"))
    with pytest.raises(SettingsError, match=r"^NUDGE_SECRETS_DIR: there is no folder"):
        load_settings()
