"""`nudge`: the command line, put together from groups of commands."""

from __future__ import annotations

from collections.abc import Callable

import typer

from infra.cli import (
    bench,
    chat,
    contacts,
    development,
    evaluate,
    events,
    organizations,
    schemas,
    stack,
)

GROUPS: list[Callable[[typer.Typer], None]] = [
    stack.register,
    organizations.register,
    schemas.register,
    contacts.register,
    development.register,
    chat.register,
    events.register,
    evaluate.register,
    bench.register,
]
"""Each adds its commands to the application it is given."""

app = typer.Typer(
    name="nudge",
    help="One sentence becomes a sent and tracked e-mail campaign.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for register in GROUPS:
    register(app)
