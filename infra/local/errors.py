"""What stops the embedded stack from starting, each told in one line that says what to do."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot start or continue. The message is one line for people."""


class PrerequisiteError(StackError):
    """A program the stack needs is missing or too old; the message says how to get it."""


class PortInUseError(StackError):
    """A port is taken; the message names it and the variable that changes it."""


class StartError(StackError):
    """A process did not become ready; the message names it and gives the last line of its log."""


class AlreadyRunningError(StackError):
    """Another supervisor holds this data folder."""
