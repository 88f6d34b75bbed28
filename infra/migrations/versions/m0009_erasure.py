"""Erasing a person: keys that may be destroyed, and no stranger's address in a view."""

from infra.migrations.run_sql import run_beside

revision = "0009"
down_revision = "0010"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
