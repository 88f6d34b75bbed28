"""The deliveries view with a fault planted in its fold: a click counts as an opening, too."""

from __future__ import annotations

from dataclasses import replace

from projections.postgres.views import deliveries
from projections.postgres.views.deliveries import DeliveryRow
from schemas.codec import Event


def fold(row: DeliveryRow | None, event: Event) -> DeliveryRow | None:
    """As the right one, but for clicks."""
    after = deliveries.fold(row, event)
    if row is None or after is None or after is row or event.type != "Clicked":
        return after
    return after._replace(opened=after.opened + 1)


VIEW = replace(deliveries.VIEW, fold=fold)
