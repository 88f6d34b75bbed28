"""One organization asks for what is another's, everywhere, and what it gets is searched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import httpx
from fastapi.testclient import TestClient
from psycopg import sql

from tests.support.api import Api
from tests.support.isolation.belongings import FIRST, Belongings, named, tokens_in
from tests.support.isolation.occupants import Occupant
from tests.support.isolation.operations import Ask, Operation, Site

PLACES: Final = {
    "confirm": "SELECT id FROM views.organizations WHERE organization_id = %s",
    "position": "SELECT position FROM log.events WHERE organization_id = %s ORDER BY 1 LIMIT 1",
    "contact_id": "SELECT id FROM views.contacts WHERE organization_id = %s"
    " ORDER BY deleted, id LIMIT 1",
    "key_id": "SELECT id FROM views.api_keys WHERE organization_id = %s ORDER BY created_at DESC"
    " LIMIT 1",
    "session_id": "SELECT session_id FROM state.sessions WHERE organization_id = %s"
    " ORDER BY session_id LIMIT 1",
    "invitation_id": "SELECT id FROM views.invitations WHERE organization_id = %s"
    " ORDER BY created_at DESC LIMIT 1",
    "turn_id": "SELECT id FROM views.turns WHERE organization_id = %s ORDER BY id LIMIT 1",
    "conversation_id": "SELECT conversation_id FROM views.turns WHERE organization_id = %s"
    " ORDER BY id LIMIT 1",
    "delivery_id": "SELECT id FROM views.deliveries WHERE organization_id = %s"
    " ORDER BY state <> 'held', id LIMIT 1",
    "campaign_id": "SELECT id FROM views.campaigns WHERE organization_id = %s"
    " AND name LIKE '%%sent'",
}
"""Where ids stand whose kind is not simply the table's; all others are found by their name."""
SPECIAL: Final = {
    "/v1/contacts/{contact_id}/erasure": {
        "contact_id": "SELECT stream_id FROM log.events WHERE organization_id = %s"
        " AND type = 'ContactErased'"
    }
}
"""The same for one endpoint."""
_NOT_ASKED: Final = (401, 429)


@dataclass(frozen=True)
class Finding:
    """Something that passed from one organization to the other."""

    operation: str
    site: str
    what: str

    def __str__(self) -> str:
        return f"{self.operation}, {self.site}: {self.what}"


@dataclass
class Swaps:
    """`mine` asks `client` for what is `theirs`."""

    api: Api
    client: TestClient
    mine: Occupant
    theirs: Occupant
    secrets: set[str] = field(default_factory=set)
    """What only the others' answers may hold."""
    asked: int = 0

    def __post_init__(self) -> None:
        self.words = f"{self.mine.word}|{self.theirs.word}"
        self.own = Belongings(self.api, self.mine)
        self.others = Belongings(self.api, self.theirs)
        self.others_ids = self.others.ids()
        # What is sent as a text may be stored, and is then one's own.
        self.texts = [self.theirs.address, self.theirs.draft, f"[[{self._contact()}]]"]
        hashed = self.api.worker.hasher(self.theirs.address).hex()
        told = [*self.texts, self.others_ids[0], hashed]
        given = {token for text in told for token in tokens_in(text, self.words)}
        self.secrets = self.others.tokens(self.words) - self.own.tokens(self.words) - given

    def _contact(self) -> str:
        found = "SELECT id FROM views.contacts WHERE organization_id = %s AND email = %s"
        row = self.others.query(found, self.others.organization_id, self.theirs.address)
        return str(row[0][0]) if row else self.others_ids[0]  # a control may have deleted it

    def run(self, operations: Iterable[Operation]) -> list[Finding]:
        """Everything that is found. Raises UncoveredError."""
        return [finding for operation in operations for finding in self._operation(operation)]

    def _operation(self, operation: Operation) -> Iterator[Finding]:
        before = self.others.state
        asked = operation.ask(values_of(self.own, operation))
        if operation.in_path or operation.method != "DELETE":  # else it ends the asker
            yield from self._look(operation, "as it is", asked, None)
        theirs = values_of(self.others, operation)
        for site in operation.sites:
            for value in self._values(site, theirs):
                yield from self._look(operation, str(site), asked.at(site, value), site)
        if operation.needs_key and (len(operation.in_path) > 1 or theirs):
            whole = operation.ask(theirs)
            yield from self._look(operation, "all of it", whole, _whole(operation))
        self.api.project()
        after = self.others.state
        for table in sorted(name for name in before if before[name] != after[name]):
            yield Finding(str(operation), "state", f"changed the other's {table}")

    def _values(self, site: Site, theirs: Mapping[str, str]) -> list[str]:
        of_kind = [theirs[site.name]] if site.name in theirs else []
        if site.is_id:
            return list(dict.fromkeys([*of_kind, *self.others_ids]))
        return [*of_kind, *self.texts, self.others_ids[0]]

    def _look(
        self, operation: Operation, where: str, ask: Ask, site: Site | None
    ) -> Iterator[Finding]:
        answer = self.send(ask, self.mine.tenant.api_key)
        sent = tokens_in(f"{ask.url} {ask.query} {json.dumps(ask.body)}", self.words)
        got_text = f"{answer.text} {dict(answer.headers)}"
        got = tokens_in(got_text, self.words)
        leaked = (got & self.secrets) - sent
        if leaked:
            yield Finding(str(operation), where, f"{answer.status_code} shows {sorted(leaked)[:3]}")
        if answer.status_code >= 500 and answer.status_code != 503:
            yield Finding(str(operation), where, f"{answer.status_code} {answer.text[:200]}")
        unheard = answer.status_code in _NOT_ASKED and "test_limit" not in got_text
        if operation.needs_key and unheard:
            yield Finding(str(operation), where, f"not asked at all: {answer.text[:200]}")
        if site is not None and site.is_id and not _refused(site, answer):
            yield Finding(str(operation), where, f"{answer.status_code} for another's id")

    def controls(self, operations: Iterable[Operation]) -> list[Finding]:
        """Endpoints that would refuse their owner too, so that swapping shows nothing."""
        last = {"DELETE": 2, "GET": 0}
        ordered = sorted(operations, key=lambda each: (last.get(each.method, 1), not each.in_path))
        found = []
        for operation in (each for each in ordered if each.needs_key):
            ask = operation.ask(values_of(self.others, operation))
            answer = self.send(ask, self.theirs.tenant.api_key)
            self.api.project()
            if not (answer.is_success or answer.status_code == 409):
                what = f"its owner gets {answer.status_code} {answer.text[:200]}"
                found.append(Finding(str(operation), "control", what))
        return found

    def send(self, ask: Ask, key: str) -> httpx.Response:
        """One request."""
        self.asked += 1
        content: dict[str, Any] = {}
        if ask.body is not None:
            text = ask.body if isinstance(ask.body, str) else json.dumps(ask.body)
            content = {"content": text.encode()}
        headers = {"Authorization": f"Bearer {key}", "Prefer": "wait=0"}
        if ask.media_type:
            headers["Content-Type"] = ask.media_type
        query = dict(ask.query)
        answer: Any = self.client.request(
            ask.method, ask.url, params=query, headers=headers, **content
        )
        return cast("httpx.Response", answer)


def _whole(operation: Operation) -> Site | None:
    return Site("path", (operation.in_path[-1],), is_id=True) if operation.in_path else None


def _refused(site: Site, answer: httpx.Response) -> bool:
    """In a path another's id is not there; in a query it may find nothing; in a body, neither."""
    if site.where == "path":
        return answer.status_code == 404
    return site.where == "query" or 400 <= answer.status_code < 500


def values_of(belongings: Belongings, operation: Operation) -> dict[str, str]:
    """Ids of this organization by the names that the endpoint has for them."""
    special = SPECIAL.get(operation.path, {})
    names = {site.name for site in operation.sites if site.is_id} | {*operation.in_path}
    values: dict[str, str] = {}
    for name in names:
        query = special.get(name) or PLACES.get(name) or _by_name(belongings, name)
        row = belongings.query(query, belongings.organization_id) if query else []
        if row:
            values[name] = str(row[0][0])
    return values


def _by_name(belongings: Belongings, name: str) -> sql.Composed | None:
    """`business_id` stands in views.businesses or state.businesses, in the column id."""
    kind = name.removesuffix("_id")
    for schema in ("views", "state"):
        for plural in (f"{kind}s", f"{kind}es", f"{kind[:-1]}ies"):
            if "id" in belongings.tables.get(f"{schema}.{plural}", ()):
                return named(FIRST, f"{schema}.{plural}", column=sql.Identifier("id"))
    return None
