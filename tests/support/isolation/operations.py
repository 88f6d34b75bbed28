"""Every endpoint of the OpenAPI document as something that can be asked, with values to ask by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

OPEN_VALUES: Final = {
    "step": "1",
    "subject": "nudge.ContactAdded",
    "version": "latest",
    "schema_id": "1",
    "token": "nobody",
}
"""Parts of paths that are no ids of anybody's."""
_METHODS: Final = ("get", "put", "post", "patch", "delete")


class UncoveredError(AssertionError):
    """An endpoint that the walk cannot ask; the message says what to add and where."""


@dataclass(frozen=True)
class Site:
    """A place in a request where an id or a text stands: path, query or body."""

    where: str
    path: tuple[str | int, ...]
    is_id: bool

    @property
    def name(self) -> str:
        """The name of what stands there: of a list's item, the list's."""
        return next(str(part) for part in reversed(self.path) if isinstance(part, str))

    def __str__(self) -> str:
        return f"{self.where} {'.'.join(map(str, self.path))}"


@dataclass(frozen=True)
class Ask:
    """A request without its key."""

    method: str
    template: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    media_type: str = ""

    @property
    def url(self) -> str:
        url = self.template
        for name, value in self.path.items():
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        return url

    def at(self, site: Site, value: str) -> Ask:
        """The same with this value there."""
        fields = {**vars(self), site.where: _put(vars(self)[site.where], site.path, value)}
        return Ask(**fields)


@dataclass(frozen=True)
class Operation:
    """One endpoint. `sites`: all places that the document names, used by the example or not."""

    method: str
    path: str
    needs_key: bool
    parameters: tuple[Mapping[str, Any], ...]
    body: Any
    media_type: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def in_path(self) -> list[str]:
        return [each["name"] for each in self.parameters if each["in"] == "path"]

    @property
    def sites(self) -> list[Site]:
        """Path and query parameters, and every text of the example body."""
        named = [
            Site(each["in"], (each["name"],), _holds_id(each))
            for each in self.parameters
            if each["in"] in ("path", "query") and _holds_text(each["schema"])
        ]
        return named + [
            Site("body", path, str(path[-1]).endswith("_id")) for path, _ in _texts(self.body, ())
        ]

    def ask(self, values: Mapping[str, str]) -> Ask:
        """The request with these values where ids stand. Raises UncoveredError."""
        path = {name: self._value(values, name) for name in self.in_path}
        query = {
            each["name"]: self._value(values, each["name"])
            for each in self.parameters
            if each["in"] == "query" and each.get("required")
        }
        asked = Ask(self.method, self.path, path, query, self.body, self.media_type)
        for site in self.sites:
            if site.where == "body" and site.is_id:
                asked = asked.at(site, self._value(values, site.name))
        return asked

    def _value(self, values: Mapping[str, str], name: str) -> str:
        found = values.get(name) or OPEN_VALUES.get(name)
        if found is None:
            raise UncoveredError(
                f"{self}: the walk has no {name}. Give both organizations one in"
                " tests/support/isolation/occupants.py; if it is no id, name it in OPEN_VALUES."
            )
        return found


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """All of the document. Raises UncoveredError for a body without an example."""
    return [
        _operation(document, path, method, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]


def _operation(
    document: Mapping[str, Any], path: str, method: str, said: Mapping[str, Any]
) -> Operation:
    media_type, body = "", None
    if content := said.get("requestBody", {}).get("content"):
        media_type, shape = next(iter(content.items()))
        body = _example(document, shape)
        if body is None:
            raise UncoveredError(f"{method.upper()} {path}: its body has no example in OpenAPI")
    parameters = tuple(said.get("parameters", ()))
    needs_key = {"bearer": []} in said.get("security", ())
    return Operation(method.upper(), path, needs_key, parameters, body, media_type)


def _example(document: Mapping[str, Any], shape: Mapping[str, Any]) -> Any:
    if "example" in shape:
        return shape["example"]
    schema = shape.get("schema", {})
    for each in (schema, *schema.get("anyOf", ())):
        if "$ref" in each:
            each = document["components"]["schemas"][each["$ref"].rsplit("/", 1)[-1]]
        if each.get("examples"):
            return max(each["examples"], key=len)  # the one that says most
    return None


def _holds_text(schema: Mapping[str, Any]) -> bool:
    kinds = (schema, *schema.get("anyOf", ()))
    return any(each.get("type") == "string" and "enum" not in each for each in kinds)


def _holds_id(parameter: Mapping[str, Any]) -> bool:
    schema = parameter["schema"]
    kinds = (schema, *schema.get("anyOf", ()))
    return str(parameter["name"]).endswith("_id") or any(e.get("format") == "uuid" for e in kinds)


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str) and path:
        yield path, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, index))


def _put(whole: Any, path: tuple[str | int, ...], value: str) -> Any:
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(whole, list):
        return [_put(each, rest, value) if at == first else each for at, each in enumerate(whole)]
    return {**whole, first: _put(whole.get(first, {}), rest, value)}
