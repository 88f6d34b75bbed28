"""The step between stores and roles: database, migrations, topics; run once at each start."""

from __future__ import annotations

import sys

from infra.settings import SettingsError, load_settings


def main() -> None:
    """Prepare the stores; a bad setting ends with one line."""
    # Late, because it loads every layer.
    from infra.preparation import prepare

    try:
        prepare(load_settings())
    except SettingsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
