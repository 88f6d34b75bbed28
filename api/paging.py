"""Lists: page or cursor, sorting and filters, the same everywhere."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from projections.queries.rows import Paging


def paging(
    page: Annotated[int, Query(ge=1, le=100_000, description="From 1.")] = 1,
    limit: Annotated[int, Query(ge=1, le=500, description="Items a page.")] = 50,
    after: Annotated[UUID | None, Query(description="Continue behind this item.")] = None,
    sort: Annotated[
        str | None, Query(pattern=r"^-?[a-z_]{1,40}$", description="Field; - for descending.")
    ] = None,
) -> Paging:
    """The part of a list that was asked for."""
    return Paging(page, limit, str(after) if after else None, sort)


Part = Annotated[Paging, Depends(paging)]
