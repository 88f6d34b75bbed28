"""Campaigns to many people: the rule, and the first of two yeses."""

from infra.migrations.run_sql import run_beside

revision = "0017"
down_revision = "0012"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
