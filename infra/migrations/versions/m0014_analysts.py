"""Logins with which analysts query ClickHouse."""

from infra.migrations.run_sql import run_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
