"""Deliveries say which address they were claimed for, so that it gets each e-mail once."""

from infra.migrations.run_sql import run_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
