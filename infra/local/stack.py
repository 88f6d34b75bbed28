"""The embedded stack as data: which processes, in what order, and how one knows they are ready."""

from __future__ import annotations

import signal
import sys

from infra.local.addresses import METRICS_ROLES, Addresses, metrics_port, resolve
from infra.local.child import child_environment
from infra.local.kafka.jars import find_jars
from infra.local.prerequisites import check_programs
from infra.local.probes import http_ok, kafka_answers, postgres_answers
from infra.local.processes import Heartbeat, Probe, ProcessSpec, heartbeat_file
from infra.settings import Settings

BEHIND = 5
"""Niceness of analytics and its store: on a full machine mails, replies and views go first."""


def check_machine(settings: Settings) -> None:
    """Raises PrerequisiteError when a program is missing that this configuration needs."""
    kafka = settings.kafka_bootstrap is None
    maven = kafka and find_jars(settings.data_dir.absolute()) is None
    check_programs(java=kafka, maven=maven)


def process_specs(settings: Settings, addresses: Addresses) -> list[ProcessSpec]:
    """Every process of this configuration, in start order; external services are left out."""
    environment = child_environment(settings)
    specs = _stores(settings, addresses, environment)
    specs.append(
        ProcessSpec(
            name="prepare",
            command=_module("infra.local.prepare"),
            environment=environment,
            ready_timeout=1000.0,  # it waits for the stores itself
            once=True,
        )
    )
    if settings.postmark_url is None:
        specs.append(_sandbox(settings, environment))
    after = ("prepare", *(("postmark-sandbox",) if settings.postmark_url is None else ()))
    specs.append(_api(settings, environment, after))
    specs += [_role(role, settings, environment, after) for role in METRICS_ROLES]
    return specs


def _stores(
    settings: Settings, addresses: Addresses, environment: dict[str, str]
) -> list[ProcessSpec]:
    return [
        *([_postgres(settings, addresses, environment)] if settings.postgres_url is None else []),
        *([_kafka(settings, environment)] if settings.kafka_bootstrap is None else []),
        *([_clickhouse(settings, environment)] if settings.clickhouse_url is None else []),
    ]


def store_probes(settings: Settings) -> dict[str, Probe]:
    """How one knows of each embedded store that it answers."""
    addresses = resolve(settings)
    specs = {spec.name: spec.ready for spec in _stores(settings, addresses, {})}
    return {name: probe for name, probe in specs.items() if probe is not None}


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


def _postgres(settings: Settings, addresses: Addresses, environment: dict[str, str]) -> ProcessSpec:
    return ProcessSpec(
        name="postgres",
        command=_module("infra.local.postgres"),
        roles=("postgres",),
        ready=postgres_answers(addresses.postgres_admin_url or addresses.postgres_owner_url),
        address=f"127.0.0.1:{settings.postgres_port}",
        environment=environment,
        ports=((settings.postgres_port, "NUDGE_POSTGRES_PORT"),),
        stop_signal=signal.SIGINT,  # a fast shutdown: SIGTERM would wait for every client to leave
        ready_timeout=120.0,  # recovery after a crash
    )


def _kafka(settings: Settings, environment: dict[str, str]) -> ProcessSpec:
    return ProcessSpec(
        name="kafka",
        command=_module("infra.local.kafka"),
        roles=("kafka",),
        ready=kafka_answers("127.0.0.1", settings.kafka_port),
        address=f"127.0.0.1:{settings.kafka_port}",
        environment=environment,
        ports=(
            (settings.kafka_port, "NUDGE_KAFKA_PORT"),
            (settings.kafka_controller_port, "NUDGE_KAFKA_CONTROLLER_PORT"),
        ),
        ready_timeout=600.0,  # the first start fetches the jars
    )


def _clickhouse(settings: Settings, environment: dict[str, str]) -> ProcessSpec:
    url = f"http://127.0.0.1:{settings.clickhouse_port}"
    return ProcessSpec(
        name="clickhouse",
        command=_module("infra.local.clickhouse"),
        roles=("clickhouse",),
        ready=http_ok(f"{url}/ping"),
        address=url,
        environment=environment,
        ports=((settings.clickhouse_port, "NUDGE_CLICKHOUSE_PORT"),),
        ready_timeout=120.0,
        niceness=BEHIND,
    )


def _sandbox(settings: Settings, environment: dict[str, str]) -> ProcessSpec:
    url = f"http://127.0.0.1:{settings.postmark_sandbox_port}"
    return ProcessSpec(
        name="postmark-sandbox",
        command=_module("infra.local.sandbox"),
        roles=("postmark-sandbox",),
        ready=http_ok(f"{url}/sandbox/health"),
        address=url,
        environment=environment,
        ports=((settings.postmark_sandbox_port, "NUDGE_POSTMARK_SANDBOX_PORT"),),
    )


def _api(settings: Settings, environment: dict[str, str], after: tuple[str, ...]) -> ProcessSpec:
    return ProcessSpec(
        name="api",
        command=_module("infra.run", "api"),
        roles=("api",),
        after=after,
        ready=http_ok(f"{settings.base_url}/health/live"),
        address=settings.base_url,
        environment=environment,
        ports=((settings.api_port, "NUDGE_API_PORT"),),
    )


def _role(
    role: str, settings: Settings, environment: dict[str, str], after: tuple[str, ...]
) -> ProcessSpec:
    port = metrics_port(settings, role)
    lease = settings.send_lease.total_seconds()
    beat = Heartbeat(heartbeat_file(settings.data_dir.absolute(), role), lease)
    return ProcessSpec(
        name=role,
        command=_module("infra.run", role),
        roles=(role,),
        after=after,
        ready=http_ok(f"http://127.0.0.1:{port}/ready"),
        address=f"http://127.0.0.1:{port}",
        environment=environment,
        ports=((port, "NUDGE_METRICS_PORT"),),
        # The first start of effects trains the recogniser.
        ready_timeout=180.0 if role == "effects" else 60.0,
        # A frozen sender must be dead before anyone resolves what it had claimed.
        heartbeat=beat if role == "effects" else None,
        niceness=BEHIND if role == "analytics" else 0,
    )
