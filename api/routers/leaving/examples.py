"""Examples of what an organization that leaves is given, for the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any, Final

_ORGANIZATION: Final = "2f1d6f0e-3f4e-4d7e-9a41-0d3f6c2b9f11"
_LINES: Final[tuple[dict[str, Any], ...]] = (
    {"export": {"organization_id": _ORGANIZATION, "position": 48213, "events": 310}},
    {
        "event": {
            "position": 16,
            "event_id": "8a4c2f0e-6d31-5b7a-9c55-0f1e2d3c4b5a",
            "type": "OrganizationRenamed",
            "schema_version": 1,
            "stream": _ORGANIZATION,
            "version": 2,
            "organization_id": _ORGANIZATION,
            "occurred_at": "2026-11-02T10:00:00Z",
            "correlation_id": "a40232d7-8af0-487a-badc-2cbf551350b4",
            "causation_id": "a40232d7-8af0-487a-badc-2cbf551350b4",
            "actor": "key:2c70e12b-7a06-46f9-a279-f427c7b38e73",
            "data": {"name": "Rosa's Bakery"},
        }
    },
    {"progress": {"events": 310, "of": 310, "position": 48213}},
    {"table": "organizations", "row": {"id": _ORGANIZATION, "name": "Rosa's Bakery"}},
    {"done": {"events": 310, "position": 48213}},
)
EXPORT_RESPONSE: Final[dict[str, Any]] = {
    "description": "One JSON object a line; the last one is `done`. A file without it was cut:"
    " ask again with `after`, the position of its last event.",
    "content": {
        "application/x-ndjson": {
            "schema": {"type": "string"},
            "example": "".join(json.dumps(line) + "\n" for line in _LINES),
        }
    },
}
CERTIFICATE: Final[dict[str, Any]] = {
    "certificate": {
        "kind": "nudge-departure/1",
        "organization_id": _ORGANIZATION,
        "deleted_at": "2026-11-20T10:00:00Z",
        "position": 48213,
        "actor": "key:2c70e12b-7a06-46f9-a279-f427c7b38e73",
        "keys_destroyed": 118,
        "gone": ["every key of the organization and of its people"],
        "expires": [
            {
                "where": "clickhouse:*",
                "what": "rows of its events, without personal data",
                "until": "2026-11-20T10:10:00Z",
            }
        ],
        "remains": [
            {
                "where": "postgres:log.events, kafka:*-events",
                "what": "types, ids, times and what is no personal data; what was sealed opens"
                " for nobody",
            }
        ],
        "events": [
            {
                "type": "ContactAdded",
                "events": 117,
                "streams": 117,
                "first": "2026-11-02T10:00:00Z",
                "last": "2026-11-19T16:20:00Z",
            }
        ],
    },
    "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "signature": "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
}
CERTIFICATE_RESPONSE: Final[dict[str, Any]] = {
    "description": "The certificate of the deletion.",
    "content": {"application/json": {"example": CERTIFICATE}},
}
