"""The command line imports only the group that was asked for: the list of groups must be true."""

from __future__ import annotations

import pytest
import typer

from infra.cli.main import GROUPS, application, modules_for


def commands_of(module: str) -> set[str]:
    group = typer.main.get_command(application([module]))
    return set(getattr(group, "commands", {}))


@pytest.mark.parametrize("module", GROUPS)
def test_a_group_adds_the_commands_that_are_listed_for_it(module: str) -> None:
    assert commands_of(module) == set(GROUPS[module])


def test_a_command_needs_only_its_own_group() -> None:
    assert modules_for(["up", "--detach"]) == ("infra.cli.stack",)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["no-such-command"]])
def test_without_a_known_command_all_groups_are_there(arguments: list[str]) -> None:
    assert modules_for(arguments) == tuple(GROUPS)
