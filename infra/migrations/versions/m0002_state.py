"""State of reactions and effects, written in the transactions of the log."""

from infra.migrations.run_sql import run_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
