"""How a command asks before it does what cannot be taken back."""

from __future__ import annotations

import typer


def ensure_sure(question: str, *, yes: bool, as_json: bool) -> None:
    """Go on after a yes; a program, which cannot be asked, says it with --yes. Raises otherwise."""
    if yes:
        return
    if as_json:
        raise typer.BadParameter("--json asks nothing: say --yes as well")
    typer.confirm(question, abort=True)
