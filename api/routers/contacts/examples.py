"""Examples of answers about a person's rights, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_CONTACT: Final = "5f3f9a52-1f0f-4a5e-8f0a-1b2c3d4e5f60"
CERTIFICATE: Final[dict[str, Any]] = {
    "certificate": {
        "kind": "nudge-erasure/1",
        "organization_id": "2f1d6f0e-3f4e-4d7e-9a41-0d3f6c2b9f11",
        "contact_id": _CONTACT,
        "erased_at": "2026-11-20T10:00:00Z",
        "position": 48213,
        "actor": "key:2c70e12b-7a06-46f9-a279-f427c7b38e73",
        "keys_destroyed": [_CONTACT],
        "address_hashes": ["6700869c8ff7480e34a70a708b028700dbaa3a033b5652b903afe89f49a31456"],
        "expires": [
            {
                "where": "kafka:postmark-webhooks",
                "what": "raw webhooks, as the provider sent them",
                "until": "2026-11-27T10:00:00Z",
            }
        ],
        "remains": [
            {
                "where": "postgres:log.mailable",
                "what": "keyed hash of the address, so that it is never mailed again",
            }
        ],
    },
    "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "signature": "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
}
EXPORT: Final[dict[str, Any]] = {
    "contact": {"id": _CONTACT, "email": "ada@example.com", "deleted": False},
    "references": [],
    "standings": [{"consent": "granted", "suppression": None, "position": 17}],
    "history": [
        {
            "event": "ContactAdded",
            "at": "2026-11-02T10:00:00Z",
            "position": 16,
            "actor": "key:2c70e12b-7a06-46f9-a279-f427c7b38e73",
            "details": {"email": "ada@example.com", "first_name": "Ada"},
        }
    ],
    "deliveries": [],
    "turns": [],
}


def _example(value: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"example": value}}}


CERTIFICATE_RESPONSE: Final[dict[str, Any]] = {
    "description": "The certificate.", **_example(CERTIFICATE)
}  # fmt: skip
EXPORT_RESPONSE: Final[dict[str, Any]] = {
    "description": "Everything that is stored.", **_example(EXPORT)
}  # fmt: skip
