"""Stored events that must decode for ever. `python -m tests.contract.schemas.golden_events` adds
those of new versions; it never touches one that is there.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from schemas.examples import all_examples, values
from schemas.registry import default_registry
from tests.contract.schemas.vault import encoded, fixed_codec

FILE = Path(__file__).parent / "golden" / "events.json"


def load() -> dict[str, dict[str, Any]]:
    """`<type>.v<version>` -> {"value": base64 of the bytes, "meta", "data": as in examples}."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def add_missing() -> list[str]:
    """Store the example of every newest version that has no golden event yet."""
    registry = default_registry()
    codec = fixed_codec(registry)
    stored, added = load(), []
    for example in all_examples():
        name = f"{example.type}.v{registry.latest(example.type).version}"
        if name not in stored:
            meta, data = values(example, registry, rich=False)
            value = base64.b64encode(encoded(codec, example.type, meta, data)).decode()
            stored[name] = {"value": value, "meta": example.meta, "data": example.data}
            added.append(name)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(dict(sorted(stored.items())), indent=1, ensure_ascii=False) + "\n")
    return added


if __name__ == "__main__":
    add_missing()
