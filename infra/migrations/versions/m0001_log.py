"""The event log, keys and who may be mailed."""

from infra.migrations.run_sql import run_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
