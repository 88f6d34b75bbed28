"""The page of settings: from the settings class and the comments of `.env.example`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from infra.reference.sources import NOTE, ROOT, page, table
from infra.settings import Settings

_ENTRY = re.compile(r"((?:^# .*\n)+)^NUDGE_(\w+)=", re.MULTILINE)


def settings_page() -> str:
    """Every setting with its default and meaning."""
    example = (ROOT / ".env.example").read_text()
    meanings = {name.lower(): _sentence(said) for said, name in _ENTRY.findall(example)}
    rows = [
        (f"`NUDGE_{name.upper()}`", _default(field.default), meanings[name])
        for name, field in Settings.model_fields.items()
    ]
    return page(
        "# Settings",
        NOTE,
        "Each is an environment variable; a file `.env` in the folder where a command is started is"
        " read when present, and a variable wins over it. A setting may also be a file in the"
        " folder `NUDGE_SECRETS_DIR`, which holds the value and is named like the variable in"
        " small letters. A bad or missing value stops the start with one line that names it."
        " Durations are written `500ms`, `60s`, `10m`, `2h` or `3d`.",
        table(("variable", "default", "meaning"), rows),
        "`NUDGE_API_KEY` is read by `nudge chat` and `nudge contacts import` only: the API key to"
        " use instead of the demo's.",
    )


def _sentence(comment: str) -> str:
    return " ".join(line.removeprefix("# ") for line in comment.strip().splitlines())


def _default(value: Any) -> str:
    if value is None or value == "":
        return "not set"
    return f"`{_duration(value) if isinstance(value, timedelta) else value}`"


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
