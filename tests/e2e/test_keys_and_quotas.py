"""`nudge keys` and `nudge org quota` on the running product, as a person uses them."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.whole_stack import Tenant, WholeStack, eventually


def nudge(stack: WholeStack, tenant: Tenant, *arguments: str) -> Any:
    given = ("--json", "--api-key", tenant.api_key, "--base-url", stack.settings.base_url)
    return json.loads(stack.nudge("keys", *arguments, *given))


def may_read(stack: WholeStack, secret: str) -> int:
    return httpx.get(
        f"{stack.settings.base_url}/v1/contacts",
        headers={"Authorization": f"Bearer {secret}"},
        timeout=20,
    ).status_code


def test_a_key_is_made_rotated_seen_in_use_and_revoked(product: WholeStack, tenant: Tenant) -> None:
    made = nudge(
        product, tenant, "create", "--name", "Shop", "--scope", "contacts:read",
        "--expires-in", "90d",
    )  # fmt: skip
    assert may_read(product, made["secret"]) == 200

    successor = nudge(product, tenant, "rotate", made["id"], "--overlap", "1h")
    assert [may_read(product, each["secret"]) for each in (made, successor)] == [200, 200]
    listed = eventually(
        lambda: used(nudge(product, tenant, "list"), made["id"], successor["id"]),
        what="both uses written down",
    )
    assert listed[made["id"]]["status"] == "replaced"
    assert listed[successor["id"]]["name"] == "Shop"

    assert nudge(product, tenant, "revoke", made["id"])["status"] == "revoked"
    eventually(lambda: may_read(product, made["secret"]) == 401, what="the revocation")
    assert may_read(product, successor["secret"]) == 200


def used(answer: Any, *ids: str) -> dict[str, Any] | None:
    """The listed keys by id, once all of these have a last use."""
    found = {each["id"]: each for each in answer["items"]}
    return found if all(each in found and found[each]["last_used_at"] for each in ids) else None


def test_an_operator_sets_a_quota_and_it_is_in_force_at_once(
    product: WholeStack, tenant: Tenant
) -> None:
    arguments = ("org", "quota", tenant.organization_id, "--contacts", "1", "--sends", "100")
    said = json.loads(product.nudge(*arguments, "--json"))
    assert said["contacts"] == {"limit": 1, "used": 0}
    assert said["sends"]["limit"] == 100

    body = {"consent": {"status": "granted", "source": "form"}}
    tenant.post("/v1/contacts", {"email": "a@example.com", **body}, status=201)
    refused = tenant.post("/v1/contacts", {"email": "b@example.com", **body}, status=409)
    assert refused.json()["code"] == "contacts_quota_reached"
    quota = tenant.get("/v1/organization")["quota"]
    assert quota["contacts"] == {"limit": 1, "used": 1}
    assert "1 of 1" in product.nudge("org", "quota", tenant.organization_id)

    wrong = product.nudge("org", "quota", tenant.organization_id, "--contacts", "many", check=False)
    assert "Traceback" not in wrong
    assert tenant.get("/v1/organization")["quota"] == quota
