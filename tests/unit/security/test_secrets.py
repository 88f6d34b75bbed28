"""Secrets come from the environment or from files, and are shown by nothing that is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from infra.cli.main import application
from infra.local.addresses import resolve
from infra.local.stack import process_specs
from infra.settings import Settings, SettingsError, load_settings

SECRET = "s3cret-value"
_HOLDS_ONE = re.compile(r"(password|token|secret|api_key|postgres_.*url|clickhouse_url)$")
_OPTION = re.compile(r"(password|token|secret|api-key|needle-key)$")


def shown(kind: type[BaseSettings]) -> list[str]:
    """Settings that may hold a secret and show it when the settings are printed."""
    names = [name for name in kind.model_fields if _HOLDS_ONE.search(name)]
    found = []
    for name in names:
        value: Any = f"postgresql://u:{SECRET}@h/d" if name.endswith("url") else SECRET
        made = kind.model_validate({name: value})
        if SECRET in repr(made) or SECRET in str(made):
            found.append(name)
    return found


def on_command_lines_only(command: Any, path: str = "") -> Iterator[str]:
    """Options for secrets that no variable can be used for: others see command lines."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from on_command_lines_only(inner, f"{path} {name}")
    for parameter in command.params:
        names = [option for option in parameter.opts if _OPTION.search(option)]
        if names and parameter.param_type_name == "option" and not parameter.envvar:
            yield f"{path} {names[0]}".strip()


def every_option(command: Any) -> Iterator[str]:
    """The options of all commands."""
    for inner in getattr(command, "commands", {}).values():
        yield from every_option(inner)
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield from parameter.opts


def test_no_setting_shows_its_secret() -> None:
    assert shown(Settings) == []


def test_the_check_finds_a_setting_that_does() -> None:
    class Careless(BaseSettings):
        some_password: str = ""
        other_token: SecretStr = SecretStr("")

    assert shown(Careless) == ["some_password"]


def test_a_bad_setting_is_named_without_its_value_when_it_is_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUDGE_API_PORT", "many")
    with pytest.raises(SettingsError, match=r"NUDGE_API_PORT.*many"):
        load_settings()
    monkeypatch.setenv("NUDGE_API_PORT", "8000")
    with pytest.raises(SettingsError) as refused:
        load_settings(clickhouse_password=[SECRET])
    assert "NUDGE_CLICKHOUSE_PASSWORD" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_every_option_for_a_secret_can_be_given_as_a_variable() -> None:
    command = typer.main.get_command(application())
    assert list(on_command_lines_only(command)) == []
    assert len(list(every_option(command))) > 50


def test_the_check_finds_an_option_that_cannot() -> None:
    planted = click.Group("x", {"y": click.Command("y", params=[click.Option(["--api-key"])])})
    assert list(on_command_lines_only(planted)) == ["y --api-key"]


def secrets_in(commands: Mapping[str, tuple[str, ...]], secrets: list[str]) -> list[str]:
    """Processes whose command line, which everybody on the machine can read, holds a secret."""
    return [name for name, line in commands.items() if any(s in " ".join(line) for s in secrets)]


def test_no_process_is_started_with_a_secret_on_its_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    specs = process_specs(settings, resolve(settings))
    files = (tmp_path / "data" / "keys").iterdir()
    secrets = [path.read_text().strip() for path in files]
    assert len(secrets) >= 8
    commands = {spec.name: spec.command for spec in specs}
    assert secrets_in(commands, secrets) == []
    assert secrets_in({"planted": ("run", f"--password={secrets[0]}")}, secrets) == ["planted"]
