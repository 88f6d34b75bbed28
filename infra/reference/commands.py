"""The page of the command line: from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from infra.cli.main import application
from infra.reference.sources import NOTE, ROOT, page, table

_LEFT_OUT = {"help", "install_completion", "show_completion"}


def cli_page() -> str:
    """Every command with its arguments and options."""
    parts = []
    for name, command in _commands(typer.main.get_command(application()), "nudge"):
        rows = [row for parameter in command.params if (row := _row(parameter))]
        parts += [f"## `{name}`", (command.help or "").strip()]
        parts += [table(("parameter", "default", "meaning"), rows)] if rows else []
    return page(
        "# Command line",
        NOTE,
        "`nudge` is installed in `.venv/bin`. Commands that speak to the API use the demo's key"
        " from `NUDGE_DATA_DIR/credentials.json`, unless `--api-key` or `NUDGE_API_KEY` is given."
        " Beside it, the Makefile has `run`, `up`, `down`, `test`, `lint`, `format`, `bench` and"
        " `chaos`.",
        *parts,
    )


def _commands(command: object, name: str) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for sub, found in sorted(command.commands.items()):
            yield from _commands(found, f"{name} {sub}")
    elif isinstance(command, TyperCommand):
        yield name, command


def _row(parameter: object) -> tuple[str, str, str] | None:
    if isinstance(parameter, TyperOption) and parameter.name not in _LEFT_OUT:
        name = "/".join((*parameter.opts, *parameter.secondary_opts))
        said = parameter.help or ""
        from_variable = f"Also the variable `{parameter.envvar}`." if parameter.envvar else ""
        return f"`{name}`", _default(parameter), f"{said} {from_variable}".strip()
    if isinstance(parameter, TyperArgument):
        needed = "required" if parameter.required else ""
        return f"`{(parameter.name or '').upper()}`", needed, parameter.help or ""
    return None


def _default(option: TyperOption) -> str:
    if option.required:
        return "required"
    if option.default in (None, False):
        return ""
    given = option.default
    return f"`{given.relative_to(ROOT) if isinstance(given, Path) else given}`"
