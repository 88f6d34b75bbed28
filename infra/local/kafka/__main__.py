"""Start the embedded broker: prepare its folder, then become the Java process."""

from __future__ import annotations

import os
import sys

from infra.local.errors import StackError
from infra.local.kafka.archive import ensure_archive, options
from infra.local.kafka.broker import broker_command, prepare_home
from infra.local.kafka.jars import ensure_jars
from infra.settings import SettingsError, load_settings


def main() -> None:
    """Replace this process by the broker, so that the supervisor watches Java itself."""
    try:
        settings = load_settings()
        data_dir = settings.data_dir.absolute()
        home = data_dir / "kafka"
        jars = ensure_jars(data_dir).resolve()
        archive = ensure_archive(jars)
        prepare_home(home, jars, settings.kafka_port, settings.kafka_controller_port)
    except (StackError, SettingsError) as error:
        sys.exit(str(error))
    command = broker_command(*options(archive))
    os.chdir(home)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
