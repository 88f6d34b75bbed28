"""Read models, folded from the events by the projections."""

from infra.migrations.run_sql import run_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
