"""Runs a migration's SQL file as it stands."""

from pathlib import Path
from typing import Any, cast

from alembic import op


def run_beside(module: str) -> None:
    """Run the .sql file named like the migration module. Alembic's transaction holds it all."""
    # The driver itself, because SQLAlchemy would read % as a placeholder.
    driver = cast("Any", op.get_bind().connection).driver_connection
    driver.execute(Path(module).with_suffix(".sql").read_text())
