"""The supervisor's own process: `python -m infra.local`, started by `nudge up`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from infra.local.addresses import Addresses, resolve
from infra.local.errors import AlreadyRunningError, StackError
from infra.local.processes import ProcessSpec, RestartPolicy
from infra.local.stack import check_machine, process_specs
from infra.local.supervisor import Supervisor
from infra.settings import Settings, SettingsError, load_settings

EXIT_ALREADY_RUNNING = 3


def environment_of(settings: Settings, addresses: Addresses) -> dict[str, str]:
    """What `nudge env` shows: addresses and credentials of the stack that runs."""
    return {
        "base_url": settings.base_url,
        "kafka_bootstrap": addresses.kafka_bootstrap,
        "postgres_url": addresses.postgres_owner_url,
        "postgres_api_url": addresses.postgres_api_url,
        "clickhouse_url": addresses.clickhouse_url,
        "clickhouse_username": addresses.clickhouse_username,
        "clickhouse_password": addresses.clickhouse_password,
        "postmark_url": addresses.postmark_url,
        "data_dir": str(addresses.data_dir),
    }


def environment_file(data_dir: Path) -> Path:
    return data_dir / "run" / "env.json"


async def _supervise(specs: list[ProcessSpec], data_dir: Path, policy: RestartPolicy) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Supervisor(specs, data_dir, policy).run(stop)


def main() -> None:
    """Run the stack until SIGINT or SIGTERM; what stops a start is one line on stderr."""
    os.umask(0o077)
    try:
        settings = load_settings()
        check_machine(settings)
        addresses = resolve(settings)
        environment = environment_file(addresses.data_dir)
        environment.parent.mkdir(exist_ok=True)
        environment.write_text(json.dumps(environment_of(settings, addresses)))
        policy = RestartPolicy(ceiling=settings.restart_pause.total_seconds())
        specs = process_specs(settings, addresses)
        asyncio.run(_supervise(specs, addresses.data_dir, policy))
    except AlreadyRunningError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_ALREADY_RUNNING)
    except (StackError, SettingsError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
