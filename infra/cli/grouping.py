"""Groups of commands of which one is meant when none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


def with_default(command: str) -> type[TyperGroup]:
    """A group in which arguments that name no command are those of this one."""

    class WithDefault(TyperGroup):
        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            """The command these arguments mean."""
            if args and not args[0].startswith("-") and args[0] not in self.commands:
                args = [command, *args]
            return super().resolve_command(ctx, args)

    return WithDefault
