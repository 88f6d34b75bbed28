"""Lists: page or cursor, sorting and filters, the same everywhere."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from api.errors import Problem
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


def known_parameters(request: HTTPConnection) -> None:
    """Refuse a read with a parameter it does not know: a filter that is misspelt filters nothing.

    Raises Problem (422) that names it and those there are.
    """
    route = request.scope.get("route")
    if request.scope.get("method") != "GET" or not isinstance(route, APIRoute):
        return
    known = _parameters_of(route.dependant)
    if unknown := sorted(set(request.query_params) - known):
        there_are = ", ".join(sorted(known)) or "none"
        detail = f"Unknown query parameter {unknown[0]!r}. There are: {there_are}."
        errors = [{"field": unknown[0], "code": "unknown_parameter", "detail": detail}]
        raise Problem(422, "unknown_parameter", detail, errors=errors)


def _parameters_of(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_parameters_of(inner) for inner in dependant.dependencies))
