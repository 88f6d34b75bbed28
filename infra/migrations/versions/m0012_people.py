"""People: users, sessions, links in mails, errands, token keys."""

from infra.migrations.run_sql import run_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
