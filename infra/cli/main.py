"""`nudge`: the command line, put together from groups of commands.

Only the group that was asked for is imported: all of them together take seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

import structlog
import typer

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "infra.cli.stack": ("up", "down", "status", "logs", "env"),
    "infra.cli.organizations": ("org",),
    "infra.cli.users": ("user",),
    "infra.cli.tokens": ("tokens",),
    "infra.cli.analysts": ("analyst",),
    "infra.cli.schemas": ("schemas",),
    "infra.cli.contacts": ("contacts",),
    "infra.cli.erase": ("erase",),
    "infra.cli.backup": ("backup", "restore"),
    "infra.cli.master_key": ("master-key",),
    "infra.cli.retention": ("retention",),
    "infra.cli.development": ("dev",),
    "infra.cli.chat": ("chat",),
    "infra.cli.events": ("events",),
    "infra.cli.sends": ("sends",),
    "infra.cli.faults": ("faults",),
    "infra.cli.evaluate": ("eval",),
    "infra.cli.projections": ("projections",),
    "infra.cli.verify": ("verify",),
    "infra.cli.topics": ("topics",),
    "infra.cli.bench": ("bench",),
    "infra.cli.why": ("why", "why-not"),
    "infra.cli.audit": ("audit",),
    "infra.cli.webhooks": ("webhooks",),
    "infra.cli.dlq": ("dlq",),
    "infra.cli.replay": ("replay",),
    "infra.cli.keys": ("keys",),
}
"""Module and what it adds at the first level; its `register` adds them to an application."""

_PLAIN: Final[list[Any]] = [
    structlog.stdlib.add_log_level,
    structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
]
"""How commands log: without the values of variables, which may be secrets or somebody's data."""


def application(modules: Iterable[str] = tuple(GROUPS)) -> typer.Typer:
    """An application with the commands of these modules, by default of all."""
    made = typer.Typer(
        name="nudge",
        help="One sentence becomes a sent and tracked e-mail campaign.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
    )
    made.callback()(_nothing_before_the_command)
    for module in modules:
        import_module(module).register(made)
    return made


def _nothing_before_the_command() -> None:
    """One sentence becomes a sent and tracked e-mail campaign."""


def modules_for(arguments: list[str]) -> tuple[str, ...]:
    """The module that has the command these arguments begin with; all when none has."""
    first = arguments[0] if arguments else ""
    return tuple(module for module, names in GROUPS.items() if first in names) or tuple(GROUPS)


def app() -> None:
    """Run the command that the process was given."""
    structlog.configure(processors=_PLAIN)
    application(modules_for(sys.argv[1:]))()
