"""Start the embedded broker: prepare its folder, then become the Java process."""

from __future__ import annotations

import os
import sys

from infra.local.errors import StackError
from infra.local.kafka.broker import broker_command, prepare_home
from infra.settings import SettingsError, load_settings


def main() -> None:
    """Replace this process by the broker, so that the supervisor watches Java itself."""
    try:
        settings = load_settings()
        data_dir = settings.data_dir.absolute()
        home = data_dir / "kafka"
        prepare_home(home, data_dir, settings.kafka_port, settings.kafka_controller_port)
    except (StackError, SettingsError) as error:
        sys.exit(str(error))
    command = broker_command()
    os.chdir(home)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
