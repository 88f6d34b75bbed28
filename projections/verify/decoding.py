"""Events of the log decoded; one that cannot be is named."""

from __future__ import annotations

from collections.abc import Sequence

from projections.rebuild.errors import UnfoldableEventError
from schemas.codec import Codec, Event
from schemas.ports import KeyRing


def decoded(codec: Codec, rows: Sequence[tuple[bytes, int]], keys: KeyRing | None) -> list[Event]:
    """The events of (value, position) pairs. Raises UnfoldableEventError with the position of the
    first that is none: then the log itself is damaged, and nothing can be compared with it."""
    try:
        return codec.decode_batch(rows, keys)
    except Exception:
        for value, position in rows:
            try:
                codec.decode(value, position, keys)
            except Exception as error:
                raise UnfoldableEventError(
                    f"the log itself cannot be read at position {position}: {error}"
                ) from error
        raise
