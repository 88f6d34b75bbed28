"""A trace: where something of an erased person was found, and of what kind. Never what it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from infra.erasure.needles import Needles


class Trace(NamedTuple):
    """`store` as certificates name it, `place` within it; `kind`: address, name, text or key.

    `at` is when the record came, `position` its place in the log, where they are known.
    """

    store: str
    place: str
    kind: str
    at: datetime | None = None
    position: int | None = None


def traces(
    needles: Needles,
    value: Any,
    store: str,
    place: str,
    *,
    organization: str | None = None,
    owner: str | None = None,
    at: datetime | None = None,
    position: int | None = None,
) -> Iterator[Trace]:
    """Traces in a record. One that is another organization's or another contact's holds none:
    somebody else may have the same name, and a person may come back."""
    person = needles.person
    if organization is not None and organization != person.organization_id:
        return
    if owner is not None and owner not in person.subjects:
        return
    for kind in sorted(needles.in_value(value)):
        yield Trace(store, place, kind, at, position)
