"""Where the log stood at a moment, for reads as of then."""

from infra.migrations.run_sql import run_beside

revision = "0007"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
