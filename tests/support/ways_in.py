"""Every way into the application, and a request for each that gets past nothing but the door."""

from __future__ import annotations

import re
import uuid

from api.access import Door, doors
from infra.reference.endpoints import application

_PARAMETER = re.compile(r"{([a-z_]+)(?::[a-z]+)?}")


def endpoints_that_ask() -> list[Door]:
    """HTTP endpoints that need a permission."""
    frames = {"WEBSOCKET", "FRAME"}
    return [each for each in doors(application()) if each.needed and each.method not in frames]


def path_of(door: Door) -> str:
    """The endpoint's path with ids of things that are not there."""
    return _PARAMETER.sub(
        lambda found: "1" if found[1] in ("step", "version") else str(uuid.uuid4()), door.path
    )
