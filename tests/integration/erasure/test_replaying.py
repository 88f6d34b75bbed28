"""Erasures done again after a restore: addresses stay silent whatever the restored log knows."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from infra.erasure.certificate import Erasure, certify
from infra.erasure.ledger import Entry
from infra.erasure.replaying import replay
from tests.integration.erasure.test_erasing import rows
from tests.support.api import Api

ADA, LATER = "ada@example.com", "later@example.com"


def erased(api: Api, contact: str, *addresses: str) -> Entry:
    """The ledger's entry of a contact who had these addresses, whatever this log says."""
    hashes = tuple(api.core.hasher(address) for address in addresses)
    organization = api.tenant.organization_id
    erasure = Erasure(organization, contact, 9, datetime.now(UTC), "user:x", (), hashes)
    document = certify(erasure, api.core.signer)
    return Entry(document, document["certificate"])


def suppression(api: Api, address: str) -> list[str | None]:
    query = "SELECT suppression FROM log.mailable WHERE address_hmac = %s"
    return [why for (why,) in rows(api, query, api.core.hasher(address))]


def test_the_address_of_a_person_the_log_does_not_know_is_silent_also_when_it_is_anothers(
    api: Api,
) -> None:
    other = api.contact(ADA)
    stranger = str(uuid.uuid4())

    assert replay(api.worker, [erased(api, stranger, ADA, LATER)]) == 0

    assert suppression(api, ADA) == ["erased"]
    assert suppression(api, LATER) == ["erased"]
    patched = api.patch(f"/v1/contacts/{other}", {"first_name": "Bea"})
    assert (patched.status_code, patched.json()["suppression"]) == (200, "erased")
    assert suppression(api, ADA) == ["erased"]


def test_doing_it_again_says_nothing_more(api: Api) -> None:
    api.contact(ADA)
    entry = erased(api, str(uuid.uuid4()), ADA, LATER)
    replay(api.worker, [entry])
    before = rows(api, "SELECT count(*) FROM log.events")

    replay(api.worker, [entry])

    assert rows(api, "SELECT count(*) FROM log.events") == before


def test_an_address_that_a_known_person_got_only_after_the_backup_is_silent_too(api: Api) -> None:
    contact = api.contact(ADA)

    assert replay(api.worker, [erased(api, contact, ADA, LATER)]) == 1

    assert suppression(api, ADA) == ["erased"]
    assert suppression(api, LATER) == ["erased"]


@pytest.mark.parametrize("times", [1, 2])
def test_what_the_log_knows_to_be_somebody_elses_by_then_stays_that_ones(
    api: Api, times: int
) -> None:
    contact = api.contact(ADA)
    assert api.patch(f"/v1/contacts/{contact}", {"email": LATER}).status_code == 200
    other = api.contact(ADA)

    for _ in range(times):
        replay(api.worker, [erased(api, contact, ADA, LATER)])

    assert suppression(api, LATER) == ["erased"]
    assert api.get(f"/v1/contacts/{other}").json()["suppression"] is None
