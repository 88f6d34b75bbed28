"""What a compose file must hold to be ours: each check returns what is wrong with it."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import validator_for

from infra.settings import Settings

ROOT = Path(__file__).parents[3]
MUST_FAIL = Path(__file__).parent / "must_fail"
_EXACT = re.compile(r"^[a-z0-9./-]+:v?\d+\.\d+\.\d+[\w.-]*$")


def read(path: Path) -> dict[str, Any]:
    """A YAML file's mapping, with its anchors merged."""
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


def against_schema(compose: dict[str, Any]) -> list[str]:
    """Violations of the compose specification's own schema."""
    # Beside its package: check-jsonschema's command does not start with the click we lock.
    package = find_spec("check_jsonschema")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    return [error.message for error in validator_for(schema)(schema).iter_errors(compose)]


def unpinned(compose: dict[str, Any]) -> list[str]:
    """Services whose image may change under us."""
    return [
        name
        for name, service in compose["services"].items()
        if not _EXACT.match(service.get("image", ""))
    ]


def exposed(compose: dict[str, Any]) -> list[str]:
    """Services that reach further than they need to, and how."""
    found = []
    for name, service in compose["services"].items():
        user = str(service.get("user", "root")).split(":")[0]
        checks = {
            "privileged": bool(service.get("privileged")),
            "host network": service.get("network_mode") == "host",
            "runs as root": user in {"root", "0"},
            "writable root": service.get("read_only") is not True,
            "may gain privileges": "no-new-privileges:true" not in service.get("security_opt", []),
            "keeps capabilities": service.get("cap_drop") != ["ALL"],
            "engine socket": any("docker.sock" in str(v) for v in service.get("volumes", [])),
            "port open to others": any(
                not str(port).startswith("127.0.0.1:") for port in service.get("ports", [])
            ),
        }
        found += [f"{name}: {what}" for what, wrong in checks.items() if wrong]
    return found


def without_care(compose: dict[str, Any]) -> list[str]:
    """Services without limits, restarts, a grace period or a health check."""
    found = []
    for name, service in compose["services"].items():
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        found += [f"{name}: no limit of {w}" for w in ("cpus", "memory", "pids") if w not in limits]
        found += [
            f"{name}: no {what}"
            for what in ("restart", "stop_grace_period", "healthcheck")
            if what not in service
        ]
    return found


def unknown_settings(compose: dict[str, Any]) -> list[str]:
    """Variables and secrets with our prefix that are no settings."""
    known = set(Settings.model_fields)
    given = set()
    for service in compose["services"].values():
        given |= set(service.get("environment", {}))
        given |= {s["target"] for s in service.get("secrets", []) if isinstance(s, dict)}
    ours = {name.lower() for name in given if name.lower().startswith("nudge_")}
    return sorted(name for name in ours if name.removeprefix("nudge_") not in known)


def passwords_in_sight(compose: dict[str, Any]) -> list[str]:
    """Variables that hold a secret instead of the name of a file with it."""
    found = []
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|TOKEN|API_KEY|ENCRYPTION_KEY", variable)
            if secret and not variable.endswith("_FILE"):
                found.append(f"{name}: {variable}")
            if re.search(r"://[^/\s]+:[^/\s]+@", str(value)):
                found.append(f"{name}: {variable} holds a login")
    return found


CHECKS = (against_schema, unpinned, exposed, without_care, unknown_settings, passwords_in_sight)
