"""Answers kept for a day, so that a repeated request is answered and not carried out again."""

from __future__ import annotations

import json

from psycopg.types.json import Jsonb

from api.ports import Answer, KeyReusedError
from infra.keys import SubjectKeys
from infra.postgres import Connection
from schemas.codec import MissingKeyError
from schemas.ports import RandomBytes
from schemas.sealing import seal, unseal


class AnswerStore:
    """`state.idempotency`; rows are sealed under the organization's key."""

    def __init__(self, keys: SubjectKeys, random_bytes: RandomBytes) -> None:
        self._keys = keys
        self._random = random_bytes

    def recall(
        self, connection: Connection, organization_id: str, key: str, request_hash: bytes
    ) -> Answer | None:
        """The stored answer, or None when this request is the first with its key.

        Waits for a request with the same key that is being carried out at this moment. Raises
        KeyReusedError.
        """
        connection.execute(
            "DELETE FROM state.idempotency WHERE organization_id = %s AND key = %s"
            " AND created_at < now() - interval '24 hours'",
            (organization_id, key),
        )
        first = connection.execute(
            "INSERT INTO state.idempotency (organization_id, key, request_hash)"
            " VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1",
            (organization_id, key, request_hash),
        ).fetchone()
        if first:
            return None
        return self.find(connection, organization_id, key, request_hash) or Answer(
            409, None, secret=True
        )

    def find(
        self, connection: Connection, organization_id: str, key: str, request_hash: bytes
    ) -> Answer | None:
        """The stored answer, if there is one. Raises KeyReusedError, and MissingKeyError."""
        row = connection.execute(
            "SELECT request_hash, status, headers, answer FROM state.idempotency"
            " WHERE organization_id = %s AND key = %s"
            " AND created_at >= now() - interval '24 hours'",
            (organization_id, key),
        ).fetchone()
        if row is None:
            return None
        stored_hash, status, headers, sealed = row
        if stored_hash != request_hash:
            raise KeyReusedError
        if status is None:
            return None
        if sealed is None:
            return Answer(status, None, secret=True)
        sealed_with = self._key(connection, organization_id)
        plain = unseal(sealed, key=sealed_with, bound_to=key.encode())
        return Answer(status, json.loads(plain), headers)

    def store(self, connection: Connection, organization_id: str, key: str, answer: Answer) -> None:
        """Keep the answer in the transaction that made it; of a secret only that it was given.

        Raises MissingKeyError when the organization has just left.
        """
        sealed = None
        if not answer.secret:
            sealed = seal(
                json.dumps(answer.body).encode(),
                subject=organization_id,
                key=self._key(connection, organization_id),
                nonce=self._random(12),
                bound_to=key.encode(),
            )
        connection.execute(
            "UPDATE state.idempotency SET status = %s, headers = %s, answer = %s"
            " WHERE organization_id = %s AND key = %s",
            (answer.status, Jsonb(dict(answer.headers)), sealed, organization_id, key),
        )

    def _key(self, connection: Connection, organization_id: str) -> bytes:
        found = self._keys.keys_on(connection, [organization_id]).get(organization_id)
        if found is None:
            raise MissingKeyError(f"{organization_id} has no key")
        return found
