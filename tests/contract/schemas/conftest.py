"""Fixtures of the schema tests."""

from tests.contract.schemas.folders import folder

__all__ = ["folder"]
