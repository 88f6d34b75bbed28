"""One text for one value: the JSON that events hold and that hashes are taken of."""

from __future__ import annotations

import json
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and its characters as they are.

    Raises ValueError for what JSON cannot say, such as NaN.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def json_or(text: str, default: Any) -> Any:
    """The value of a JSON text of ours; `default` for the empty text of an erased field."""
    return json.loads(text) if text else default
