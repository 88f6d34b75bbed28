"""Organizations that left: what is destroyed and deleted, and that nothing comes back."""

from infra.migrations.run_sql import run_beside

revision = "0016"
down_revision = "0018"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
