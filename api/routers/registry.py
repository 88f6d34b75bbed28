"""The read part of Confluent's Schema Registry API over the committed schema files.

Ids come from `schemas/ids.lock`, so they are the same on every install. Nothing can be registered
here: a new version is a reviewed file. Errors have the registry's own shape, so that its clients
understand them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from schemas.compatibility import incompatibilities, parse
from schemas.registry import EventSchema, Registry, SchemaError, default_registry

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class RegistryError(Exception):
    """An error as the registry's clients know it; the HTTP status is its code's first digits."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    def response(self) -> JSONResponse:
        """The answer."""
        body = {"error_code": self.code, "message": str(self)}
        return JSONResponse(body, int(str(self.code)[:3]), media_type=MEDIA_TYPE)


class RegistryResponse(JSONResponse):
    """JSON under the registry's media type."""

    media_type = MEDIA_TYPE


class RegistryRoute(APIRoute):
    """Answers errors in the registry's shape instead of problem+json."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RegistryError as error:
                return error.response()
            except RequestValidationError as error:
                return RegistryError(422, f"Unprocessable: {error.errors()[0]['msg']}").response()

        return answer


_PROPOSED: Final[JsonDict] = {"schema": '{"type": "record", "name": "ContactAdded", "fields": []}'}


class Proposed(BaseModel):
    """A schema somebody asks about, as JSON text."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROPOSED]})
    text: str = Field(alias="schema")
    kind: str = Field("AVRO", alias="schemaType")

    def definition(self) -> dict[str, Any]:
        """The parsed schema. Raises RegistryError when it is no Avro record."""
        try:
            if self.kind != "AVRO":
                raise SchemaError(f"schemas of type {self.kind} are not kept here")
            definition = json.loads(self.text)
            if not isinstance(definition, dict):
                raise SchemaError("an event is a record")
            parse(definition)
        except (SchemaError, ValueError, RecursionError) as error:
            raise RegistryError(42201, f"Invalid schema: {error}") from None
        return definition


def _refusal(description: str) -> dict[str, Any]:
    """An error of the registry; an unknown parameter is told as everywhere else."""
    shape = {
        "type": "object",
        "required": ["error_code", "message"],
        "properties": {"error_code": {"type": "integer"}, "message": {"type": "string"}},
    }
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": shape}, "application/problem+json": problem},
    }


Schemas = Annotated[Registry, Depends(default_registry)]
router = APIRouter(
    prefix="/registry",
    tags=["schema registry"],
    route_class=RegistryRoute,
    default_response_class=RegistryResponse,
    responses={404: _refusal("Subject, version or schema not found."), 422: _refusal("Not valid.")},
)


def _versions(registry: Registry, subject: str) -> list[EventSchema]:
    versions = registry.versions.get(subject.removeprefix("nudge."))
    if versions is None or versions[0].subject != subject:
        raise RegistryError(40401, f"Subject '{subject}' not found.")
    return versions


def _version(registry: Registry, subject: str, version: str) -> EventSchema:
    versions = _versions(registry, subject)
    if version in ("latest", "-1"):
        return versions[-1]
    if not version.isascii() or not version.isdigit() or not 0 < int(version) < 2**31:
        raise RegistryError(
            42202, f"The specified version '{version}' is not a valid version id: 1 and up, latest."
        )
    for schema in versions:
        if schema.version == int(version):
            return schema
    raise RegistryError(40402, f"Version {version} not found.")


def _by_id(registry: Registry, schema_id: str) -> EventSchema:
    known = schema_id.isascii() and schema_id.isdigit() and len(schema_id) < 11
    schema = registry.by_id.get(int(schema_id)) if known else None
    if schema is None:
        raise RegistryError(40403, f"Schema {schema_id} not found")
    return schema


def _shown(schema: EventSchema) -> dict[str, Any]:
    return {
        "subject": schema.subject,
        "version": schema.version,
        "id": schema.schema_id,
        "schema": json.dumps(schema.definition),
    }


@router.get("/subjects")
async def subjects(registry: Schemas) -> list[str]:
    """Full record names of all event types."""
    return sorted(versions[-1].subject for versions in registry.versions.values())


@router.get("/subjects/{subject}/versions")
async def versions_of(subject: str, registry: Schemas) -> list[int]:
    """Versions of one event type."""
    return [schema.version for schema in _versions(registry, subject)]


@router.get("/subjects/{subject}/versions/{version}")
async def version_of(subject: str, version: str, registry: Schemas) -> dict[str, Any]:
    """One version (a number, or latest) with its schema."""
    return _shown(_version(registry, subject, version))


@router.get("/subjects/{subject}/versions/{version}/schema")
async def schema_of(subject: str, version: str, registry: Schemas) -> dict[str, Any]:
    """The schema alone."""
    return _version(registry, subject, version).definition


@router.post("/subjects/{subject}")
async def look_up(subject: str, proposed: Proposed, registry: Schemas) -> dict[str, Any]:
    """The version that has exactly this schema."""
    definition = proposed.definition()
    for schema in _versions(registry, subject):
        if schema.definition == definition:
            return _shown(schema)
    raise RegistryError(40403, "Schema not found")


@router.post("/subjects/{subject}/versions")
async def register(subject: str) -> None:
    """Nothing is registered over HTTP."""
    raise RegistryError(42205, f"Subject {subject} is read-only: add a file to schemas/avro")


@router.get("/schemas/types")
async def types() -> list[str]:
    """Kinds of schemas kept here."""
    return ["AVRO"]


@router.get("/schemas/ids/{schema_id}")
async def by_id(schema_id: str, registry: Schemas) -> dict[str, str]:
    """The schema that wrote a value, by the id in its first bytes."""
    return {"schema": json.dumps(_by_id(registry, schema_id).definition)}


@router.get("/schemas/ids/{schema_id}/versions")
async def versions_by_id(schema_id: str, registry: Schemas) -> list[dict[str, Any]]:
    """Which subject and version an id stands for."""
    schema = _by_id(registry, schema_id)
    return [{"subject": schema.subject, "version": schema.version}]


@router.get("/schemas/ids/{schema_id}/subjects")
async def subjects_by_id(schema_id: str, registry: Schemas) -> list[str]:
    """Which subject an id stands for."""
    return [_by_id(registry, schema_id).subject]


@router.post("/compatibility/subjects/{subject}/versions/{version}")
async def compatible_with(
    subject: str, version: str, proposed: Proposed, registry: Schemas, verbose: bool = False
) -> dict[str, Any]:
    """Whether a schema could follow this version, by the rules of `nudge schemas check`."""
    return _compatible([_version(registry, subject, version)], proposed, verbose)


@router.post("/compatibility/subjects/{subject}/versions")
async def compatible_with_all(
    subject: str, proposed: Proposed, registry: Schemas, verbose: bool = False
) -> dict[str, Any]:
    """Whether a schema could follow every version."""
    return _compatible(_versions(registry, subject), proposed, verbose)


def _compatible(earlier: list[EventSchema], proposed: Proposed, verbose: bool) -> dict[str, Any]:
    definition = proposed.definition()
    try:
        messages = [
            f"{field or schema.type}: {why} (against version {schema.version})"
            for schema in earlier
            for field, why in incompatibilities(schema.definition, definition)
        ]
    except SchemaError as error:
        raise RegistryError(42201, f"Invalid schema: {error}") from None
    answer: dict[str, Any] = {"is_compatible": not messages}
    return {**answer, "messages": messages} if verbose else answer


@router.get("/config")
@router.get("/config/{subject}", include_in_schema=False)
async def config() -> dict[str, str]:
    """Every version can read all earlier ones."""
    return {"compatibilityLevel": "BACKWARD_TRANSITIVE"}


@router.get("/mode")
@router.get("/mode/{subject}", include_in_schema=False)
async def mode() -> dict[str, str]:
    """Nothing can be registered."""
    return {"mode": "READONLY"}


@router.get("/associations/resources/{resource:path}", include_in_schema=False)
async def associations() -> list[Any]:
    """None: a client falls back to its own way of naming subjects."""
    return []
