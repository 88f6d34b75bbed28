"""Rules of the smaller views: contacts, conversations, turns, connections, keys, workflows."""

from __future__ import annotations

from typing import Any

import pytest

from domain.security.events import KINDS
from projections.postgres.view import View
from projections.postgres.views import (
    ALL_VIEWS,
    analysts,
    api_keys,
    businesses,
    contacts,
    conversations,
    invitations,
    organizations,
    postmark_connections,
    security_events,
    turns,
    users,
    workflows,
)
from schemas.codec import to_datetime
from schemas.registry import default_registry
from schemas.sealing import ERASED
from tests.support.histories import STREAMS, identity, make_event

STREAM = identity("stream")


def row_after(view: View[Any], *steps: str | tuple[str, dict[str, Any]]) -> Any:
    row = None
    for version, step in enumerate(steps, 1):
        kind, fields = (step, {}) if isinstance(step, str) else step
        row = view.fold(row, make_event(kind, STREAM, version, version, **fields))
    return row


def test_every_event_of_the_catalogue_is_folded_or_known_to_show_nowhere() -> None:
    folded = {kind for view in ALL_VIEWS for kind in view.events}
    assert set(default_registry().versions) - folded == {
        "ConsentAttested", "QuotaSet",
        "DeadLetterTakenUp", "DeadLetterRetried", "DeadLetterDropped",
        "OrganizationDeleted",
    }  # fmt: skip
    assert folded <= {kind for kinds in STREAMS.values() for kind in kinds}


@pytest.mark.parametrize("view", ALL_VIEWS, ids=lambda view: view.name)
def test_a_view_says_the_truth_about_its_personal_fields(view: View[Any]) -> None:
    registry = default_registry()
    groups = [g for kind in view.events for g in registry.latest(kind).sealed]
    personal = {name for group in groups for name in group.names} - {"link", "user_agent", "geo"}
    assert view.reads_sealed is bool(personal & set(view.row._fields)) or view.name in _INDIRECT


# These show a sealed field under another name, or a part of one.
_INDIRECT = {"postmark_connections", "organizations", "turns"}


def test_a_contact_keeps_up_with_its_events() -> None:
    row = row_after(
        contacts.VIEW,
        ("ContactAdded", {"email": "Ada@example.com", "attributes": '{"orders": 3}'}),
        ("ConsentRecorded", {"status": "granted", "source": "shop", "given_at": 0}),
        ("AddressSuppressed", {"reason": "unsubscribed"}),
    )
    assert (row.email, row.attributes, row.consent_status) == (
        "Ada@example.com",
        {"orders": 3},
        "granted",
    )
    assert (row.consent_source, row.suppression, row.deleted) == ("shop", "unsubscribed", False)
    back = contacts.fold(row, make_event("AddressReactivated", STREAM, 4, 4))
    assert back is not None
    assert back.suppression is None


def test_a_deleted_contact_keeps_nothing_personal() -> None:
    row = row_after(contacts.VIEW, "ContactAdded", "ConsentRecorded", "ContactDeleted")
    assert (row.deleted, row.suppression) == (True, "deleted")
    personal = ("email", "first_name", "last_name", "timezone", "attributes", "tags")
    assert not any(getattr(row, name) for name in personal)


def test_an_erased_contact_keeps_nothing_personal_and_says_why() -> None:
    row = row_after(contacts.VIEW, "ContactAdded", "ConsentRecorded", "ContactErased")
    assert (row.deleted, row.suppression) == (True, "erased")
    personal = ("email", "first_name", "last_name", "timezone", "attributes", "tags")
    assert not any(getattr(row, name) for name in (*personal, "consent_source"))


def test_a_removed_user_keeps_nothing_personal() -> None:
    row = row_after(users.VIEW, "UserRegistered", ("UserRoleChanged", {"role": "admin"}))
    assert (row.role, row.email, row.removed_at) == ("admin", "plain", None)
    gone = users.fold(row, make_event("UserRemoved", STREAM, 3, 3))
    assert gone is not None
    assert (gone.email, gone.name, gone.removed_at is None) == ("", "", False)


@pytest.mark.parametrize(
    ("end", "status"), [("InvitationAccepted", "accepted"), ("InvitationRevoked", "revoked")]
)
def test_an_invitation_that_is_over_keeps_no_address(end: str, status: str) -> None:
    row = row_after(invitations.VIEW, "InvitationCreated")
    assert (row.status, row.email) == ("open", "plain")
    over = row_after(invitations.VIEW, "InvitationCreated", end)
    assert (over.status, over.email) == (status, "")


def test_a_turn_keeps_no_address() -> None:
    mention = {"reference": identity("r"), "is_contact": False, "address": "ada@example.com"}
    row = row_after(turns.VIEW, ("TurnReceived", {"turn_id": identity("t"), "mentions": [mention]}))
    assert row.mentions == [{"reference": identity("r"), "is_contact": False}]


def test_an_address_that_is_no_contacts_makes_no_row() -> None:
    assert row_after(contacts.VIEW, "AddressSuppressed", "AddressReactivated") is None


def test_an_erased_contact_reads_as_empty() -> None:
    names = ("email", "first_name", "last_name", "timezone", "attributes", "tags")
    row = row_after(contacts.VIEW, ("ContactAdded", dict.fromkeys(names, ERASED)))
    assert (row.email, row.attributes, row.tags) == ("", {}, [])


def test_a_conversation_remembers_the_campaign_it_showed_last() -> None:
    shown = {"campaign_id": identity("c"), "content_hash": "h1"}
    silent = {"campaign_id": None, "content_hash": None}
    row = row_after(
        conversations.VIEW,
        "ConversationStarted",
        ("TurnReceived", {"number": 1}),
        ("ReplyGiven", shown),
        ("TurnReceived", {"number": 2}),
        ("ReplyGiven", silent),
    )
    assert (row.last_campaign_id, row.last_content_hash) == (identity("c"), "h1")
    assert row.turns == 2


def test_intent_and_reply_go_to_their_own_turn() -> None:
    row = row_after(
        turns.VIEW,
        ("TurnReceived", {"turn_id": identity("t"), "text": "hello"}),
        ("IntentRecognized", {"intent": "small_talk", "slots": "{}"}),
        ("ReplyGiven", {"content": "hi", "metadata": '{"confidence": 1}'}),
    )
    assert (row.id, row.conversation_id) == (identity("t"), STREAM)
    assert (row.text, row.intent, row.slots) == ("hello", "small_talk", {})
    assert (row.reply, row.reply_metadata) == ("hi", {"confidence": 1})
    assert row.replied_at is not None


def test_a_reply_to_an_unknown_turn_makes_no_row() -> None:
    assert row_after(turns.VIEW, "IntentRecognized", "ReplyGiven") is None


def test_a_connection_knows_which_streams_are_registered() -> None:
    registered = {"message_stream": "broadcast", "unsubscribe_handling": "Custom"}
    failed = ("WebhookRegistrationFailed", {"reason": "token", "detail": "401"})
    row = row_after(postmark_connections.VIEW, "PostmarkConnected", failed)
    assert row.failure == "token: 401"
    row = row_after(
        postmark_connections.VIEW, "PostmarkConnected", failed, ("WebhookRegistered", registered)
    )
    assert (row.handling, row.failure) == ({"broadcast": "Custom"}, None)
    again = postmark_connections.fold(row, make_event("PostmarkConnected", STREAM, 4, 4))
    assert again is not None
    assert again.handling == {}
    assert again.earlier == {row.webhook_username: row.webhook_password_hash.hex()}


def test_a_connection_keeps_the_credentials_of_all_before_it() -> None:
    def connected(name: str) -> tuple[str, dict[str, object]]:
        return "PostmarkConnected", {
            "webhook_username": name,
            "webhook_password_hash": name.encode(),
        }

    row = row_after(postmark_connections.VIEW, *map(connected, "abc"))
    assert (row.webhook_username, row.earlier) == ("c", {"a": "61", "b": "62"})


def test_a_key_says_who_made_it_what_follows_it_and_when_it_ended() -> None:
    issued = row_after(api_keys.VIEW, ("ApiKeyIssued", {"name": "Shop"}))
    assert (issued.name, issued.revoked_at, issued.replaced_by) == ("Shop", None, None)
    assert issued.created_by == "key:test"
    replaced = row_after(
        api_keys.VIEW, "ApiKeyIssued", ("ApiKeyReplaced", {"ends_at": 1_767_700_000_000_000})
    )
    assert (replaced.version, replaced.replaced_by is None) == (2, False)
    assert replaced.ends_at == to_datetime(1_767_700_000_000_000)
    assert row_after(api_keys.VIEW, "ApiKeyIssued", "ApiKeyRevoked").revoked_at is not None


def test_a_key_of_old_has_no_name_and_a_forgotten_one_neither() -> None:
    assert row_after(api_keys.VIEW, ("ApiKeyIssued", {"name": None})).name == ""
    assert row_after(api_keys.VIEW, ("ApiKeyIssued", {"name": ERASED})).name == ""


def test_a_revoked_analyst_login_says_since_when_and_by_whom_it_was_made() -> None:
    made = row_after(analysts.VIEW, ("AnalystCreated", {"name": "Dashboard"}))
    gone = row_after(analysts.VIEW, ("AnalystCreated", {"name": ERASED}), "AnalystRevoked")
    assert (made.name, made.revoked_at) == ("Dashboard", None)
    assert made.created_by
    assert gone.name == ""
    assert gone.revoked_at > gone.created_at


def test_an_organization_learns_its_name_and_roles() -> None:
    row = row_after(
        organizations.VIEW,
        "OrganizationCreated",
        ("OrganizationRenamed", {"name": "New"}),
        ("AttributeRoleAssigned", {"role": "last_purchase_at", "attribute": "last_order"}),
    )
    assert (row.name, row.last_purchase_attribute) == ("New", "last_order")
    assert row.created_at < row.updated_at


def test_a_revised_business_keeps_when_it_was_added() -> None:
    row = row_after(businesses.VIEW, "BusinessAdded", ("BusinessRevised", {"name": "B"}))
    assert row.name == "B"
    assert row.created_at < row.updated_at


def test_a_workflow_tells_how_far_its_run_got() -> None:
    row = row_after(
        workflows.VIEW,
        "WorkflowGenerated",
        "WorkflowRunStarted",
        ("StepScheduled", {"step": 2, "due_at": 1_767_600_000_000_000}),
        ("StepExpanded", {"step": 2, "intended": 7}),
        ("WorkflowRunEnded", {"outcome": "completed"}),
    )
    assert row.steps == {"2": {"due_at": "2026-01-05T08:00:00+00:00", "intended": 7}}
    assert row.run_state == "completed"
    assert row.run_started_at < row.run_ended_at


@pytest.mark.parametrize(
    ("event", "fields", "told"),
    [
        ("SecurityEventRecorded", {"kind": "export", "subject": "c", "what": "contact"},
         ("export", "c", "contact")),
        ("ApiKeyIssued", {"key_id": "k", "prefix": "nk_1"}, ("key_issued", "k", "nk_1")),
        ("ApiKeyReplaced", {"key_id": "k", "replaced_by": "n"}, ("key_rotated", "k", "n")),
        ("ApiKeyRevoked", {"key_id": "k"}, ("key_revoked", "k", "")),
        ("AnalystCreated", {}, ("key_issued", STREAM, "analyst")),
        ("AnalystRevoked", {}, ("key_revoked", STREAM, "analyst")),
        ("ApprovalRuleSet", {}, ("permission_changed", "", "second_approver")),
        ("PersonalDataRead", {"what": "events"}, ("unmasking", "", "events")),
        ("PostmarkConnected", {}, ("credentials_changed", "", "postmark")),
        ("SessionStarted", {"user_id": "u", "entry": "password"}, ("login", "u", "password")),
        ("SessionEnded", {"reason": "logged_out"}, ("logout", STREAM, "logged_out")),
        ("SessionEnded", {"reason": "token_reused"}, ("refresh_reused", STREAM, "token_reused")),
        ("SessionEnded", {"reason": "revoked"}, ("session_revoked", STREAM, "revoked")),
        ("LoginFailed", {"user_id": "u"}, ("login_failed", "u", "")),
        ("UserPasswordChanged", {"how": "reset"}, ("password_changed", STREAM, "reset")),
        ("InvitationCreated", {"user_id": "u", "role": "analyst"},
         ("permission_changed", "u", "analyst")),
        ("UserRegistered", {"role": "owner"}, ("permission_changed", STREAM, "owner")),
        ("UserRoleChanged", {"role": "admin"}, ("permission_changed", STREAM, "admin")),
        ("UserRemoved", {}, ("permission_changed", STREAM, "removed")),
    ],
)  # fmt: skip
def test_an_auditor_is_told_what_an_event_means(
    event: str, fields: dict[str, Any], told: tuple[str, str, str]
) -> None:
    row = row_after(security_events.VIEW, (event, fields))
    assert (row.kind, row.subject, row.what) == told


def test_every_kind_an_auditor_is_told_is_on_the_closed_list() -> None:
    for event in security_events.AUDITED:
        fields = {"kind": "export"} if event == "SecurityEventRecorded" else {}
        assert row_after(security_events.VIEW, (event, fields)).kind in KINDS
