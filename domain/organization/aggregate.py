"""The organization: the tenant that owns everything, its keys and its provider connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.organization.commands import (
    AssignAttributeRole,
    AttestConsent,
    ConnectPostmark,
    IssueApiKey,
    RecordRegistration,
    ReplaceApiKey,
)
from domain.organization.keys import (
    ApiKey,
    check_expiry,
    check_overlap,
    check_replaceable,
    end_of_overlap,
)
from domain.organization.quotas import UNLIMITED, Quota, checked
from domain.shared.aggregate import Root
from domain.shared.errors import InvalidValueError, NotFoundError, RuleViolatedError
from domain.shared.meta import Meta

RECIPIENTS_MAX: Final = 2_147_483_647


@dataclass(frozen=True, slots=True)
class PostmarkConnection:
    """What sending through the organization's server needs. Streams are Postmark's ids.

    `version` is that of the event that connected it, which tells it from earlier ones.
    """

    server_token: str
    broadcast_stream: str
    transactional_stream: str
    webhook_username: str
    webhook_password: str
    version: int


class Organization(Root):
    """A tenant: its name, API keys and Postmark server."""

    TOPIC = "Organization"

    class Created(Aggregate.Created):
        TOPIC = "OrganizationCreated"
        meta: Meta
        name: str

    class Renamed(Aggregate.Event):
        TOPIC = "OrganizationRenamed"
        meta: Meta
        name: str

    class ApiKeyIssued(Aggregate.Event):
        TOPIC = "ApiKeyIssued"
        meta: Meta
        key_id: UUID
        secret_hash: bytes
        prefix: str
        scopes: list[str]
        expires_at: datetime | None
        replaces: UUID | None
        name: str | None

    class ApiKeyReplaced(Aggregate.Event):
        TOPIC = "ApiKeyReplaced"
        meta: Meta
        key_id: UUID
        replaced_by: UUID
        ends_at: datetime

    class ApiKeyRevoked(Aggregate.Event):
        TOPIC = "ApiKeyRevoked"
        meta: Meta
        key_id: UUID

    class QuotaSet(Aggregate.Event):
        TOPIC = "QuotaSet"
        meta: Meta
        contacts: int | None
        sends_a_month: int | None

    class PostmarkConnected(Aggregate.Event):
        TOPIC = "PostmarkConnected"
        meta: Meta
        broadcast_stream: str
        transactional_stream: str
        webhook_username: str
        webhook_password_hash: bytes
        server_token: str
        webhook_password: str

    class WebhookRegistered(Aggregate.Event):
        TOPIC = "WebhookRegistered"
        meta: Meta
        message_stream: str
        webhook_id: str
        unsubscribe_handling: str

    class WebhookRegistrationFailed(Aggregate.Event):
        TOPIC = "WebhookRegistrationFailed"
        meta: Meta
        reason: str
        detail: str

    class Deleted(Aggregate.Event):
        TOPIC = "OrganizationDeleted"
        meta: Meta
        keys_destroyed: int

    class ConsentAttested(Aggregate.Event):
        TOPIC = "ConsentAttested"
        meta: Meta
        import_id: UUID
        source: str

    class AttributeRoleAssigned(Aggregate.Event):
        TOPIC = "AttributeRoleAssigned"
        meta: Meta
        role: str
        attribute: str

    class ApprovalRuleSet(Aggregate.Event):
        TOPIC = "ApprovalRuleSet"
        meta: Meta
        second_approver_above: int | None

    class PersonalDataRead(Aggregate.Event):
        TOPIC = "PersonalDataRead"
        meta: Meta
        caller: str
        day: str
        what: str

    @classmethod
    def create(cls, name: str, meta: Meta) -> Organization:
        """A new tenant; its id is the organization id of `meta`."""
        return cls._create(
            cls.Created, id=meta.organization_id, timestamp=meta.now, meta=meta, name=name
        )

    def rename(self, name: str, meta: Meta) -> None:
        """Go by another name; the same name again changes nothing."""
        if name != self.name:
            self.record(self.Renamed, meta, name=name)

    def issue_api_key(
        self, command: IssueApiKey, meta: Meta, *, replaces: UUID | None = None
    ) -> None:
        """Accept a key from now on."""
        if command.key_id in self.api_keys:
            raise RuleViolatedError("key_exists", "This key was issued before.")
        check_expiry(command.expires_at, meta.now)
        self.record(
            self.ApiKeyIssued,
            meta,
            key_id=command.key_id,
            secret_hash=command.secret_hash,
            prefix=command.prefix,
            scopes=list(command.scopes),
            expires_at=command.expires_at,
            replaces=replaces,
            name=command.name,
        )

    def replace_api_key(self, command: ReplaceApiKey, meta: Meta) -> None:
        """Accept another key from now on, and this one a while longer."""
        former = self.api_key(command.key_id)
        check_overlap(command.overlap)
        check_replaceable(former, meta.now)
        successor = IssueApiKey(
            command.successor_id, command.secret_hash, command.prefix, former.scopes, former.name,
            command.expires_at,
        )  # fmt: skip
        self.issue_api_key(successor, meta, replaces=command.key_id)
        self.record(
            self.ApiKeyReplaced,
            meta,
            key_id=command.key_id,
            replaced_by=command.successor_id,
            ends_at=end_of_overlap(former, command.overlap, meta.now),
        )

    def revoke_api_key(self, key_id: UUID, meta: Meta) -> None:
        """Accept a key no longer; one that was revoked stays as it is."""
        if not self.api_key(key_id).revoked:
            self.record(self.ApiKeyRevoked, meta, key_id=key_id)

    def api_key(self, key_id: UUID) -> ApiKey:
        """The key as it is now. Raises NotFoundError."""
        if key_id not in self.api_keys:
            raise NotFoundError("API key")
        return self.api_keys[key_id]

    def set_quota(self, quota: Quota, meta: Meta) -> None:
        """Allow so much from now on; the same again changes nothing."""
        if checked(quota) != self.quota:
            self.record(
                self.QuotaSet, meta, contacts=quota.contacts, sends_a_month=quota.sends_a_month
            )

    def connect_postmark(self, command: ConnectPostmark, meta: Meta) -> None:
        """Send through this Postmark server from now on; its webhooks are then registered."""
        self.record(
            self.PostmarkConnected,
            meta,
            broadcast_stream=command.broadcast_stream,
            transactional_stream=command.transactional_stream,
            webhook_username=command.webhook_username,
            webhook_password_hash=command.webhook_password_hash,
            server_token=command.server_token,
            webhook_password=command.webhook_password,
        )

    def record_registration(self, command: RecordRegistration, meta: Meta) -> None:
        """The provider accepted our webhook for one stream."""
        self.record(
            self.WebhookRegistered,
            meta,
            message_stream=command.message_stream,
            webhook_id=command.webhook_id,
            unsubscribe_handling=command.unsubscribe_handling,
        )

    def record_failed_registration(self, reason: str, detail: str, meta: Meta) -> None:
        """The provider refused our webhook; a person has to look."""
        self.record(self.WebhookRegistrationFailed, meta, reason=reason, detail=detail)

    def attest_consent(self, command: AttestConsent, meta: Meta) -> None:
        """A named person vouches for the consent of an import's contacts."""
        if not command.source.strip():
            raise RuleViolatedError("source_missing", "Say where the consent comes from.")
        self.record(self.ConsentAttested, meta, import_id=command.import_id, source=command.source)

    def assign_attribute_role(self, command: AssignAttributeRole, meta: Meta) -> None:
        """Remember which contact attribute plays a part; the same again changes nothing."""
        if self.attribute_roles.get(command.role) != command.attribute:
            self.record(
                self.AttributeRoleAssigned, meta, role=command.role, attribute=command.attribute
            )

    def set_approval_rule(self, second_approver_above: int | None, meta: Meta) -> None:
        """Ask for a second approver above so many recipients, or never; the same changes nothing.

        Raises InvalidValueError for a number that is none of recipients.
        """
        if second_approver_above is not None and not 0 <= second_approver_above <= RECIPIENTS_MAX:
            raise InvalidValueError(
                "second_approver_above", "out_of_range", f"From 0 to {RECIPIENTS_MAX:,}, or null."
            )
        if second_approver_above != self.second_approver_above:
            self.record(self.ApprovalRuleSet, meta, second_approver_above=second_approver_above)

    def person_behind(self, actor: str) -> str:
        """Who acts: a key that somebody made acts for whoever made it, an operator's for itself."""
        while (maker := self.key_makers.get(actor, "")).startswith(("user:", "key:")):
            actor = maker
        return actor

    def keys_in_use_of(self, person: str, now: datetime) -> list[UUID]:
        """Keys whose secrets this person was shown: made by them, or by a key of theirs."""
        return [
            key_id
            for key_id, key in self.api_keys.items()
            if key.in_use(now) and self.person_behind(f"key:{key_id}") == person
        ]

    def delete(self, keys_destroyed: int, meta: Meta) -> None:
        """Leave for good, with so many keys destroyed in the same transaction."""
        self.ensure_there()
        self.record(self.Deleted, meta, keys_destroyed=keys_destroyed)

    def ensure_there(self) -> None:
        """Raise RuleViolatedError `organization_deleted` when it left."""
        if self.deleted:
            raise RuleViolatedError("organization_deleted", "This organization was deleted.")

    def record_personal_read(self, caller: str, day: str, what: str, meta: Meta) -> None:
        """Somebody read personal data in plain text today."""
        self.record(self.PersonalDataRead, meta, caller=caller, day=day, what=what)

    @event(Created)
    def __init__(self, meta: Meta, name: str) -> None:
        self.organization_id = meta.organization_id
        self.name = name
        self.api_keys: dict[UUID, ApiKey] = {}
        self.quota = UNLIMITED
        self.postmark: PostmarkConnection | None = None
        self.unsubscribe_handling: dict[str, str] = {}
        self.attribute_roles: dict[str, str] = {}
        self.second_approver_above: int | None = None
        self.key_makers: dict[str, str] = {}
        self.deleted = False
        self.described_version = 1
        """The version that last changed what is shown of it; keys and reads do not."""

    @event(Renamed)
    def _renamed(self, name: str) -> None:
        self.name = name
        self.described_version = self.version + 1

    @event(ApiKeyIssued)
    def _api_key_issued(
        self,
        meta: Meta,
        key_id: UUID,
        secret_hash: bytes,
        prefix: str,
        scopes: list[str],
        expires_at: datetime | None,
        name: str | None,
    ) -> None:
        self.api_keys[key_id] = ApiKey(secret_hash, prefix, tuple(scopes), name, expires_at)
        self.key_makers[f"key:{key_id}"] = meta.actor

    @event(ApiKeyReplaced)
    def _api_key_replaced(self, key_id: UUID, replaced_by: UUID, ends_at: datetime) -> None:
        former = self.api_keys[key_id]
        self.api_keys[key_id] = replace(former, replaced_by=replaced_by, ends_at=ends_at)

    @event(ApiKeyRevoked)
    def _api_key_revoked(self, key_id: UUID) -> None:
        self.api_keys[key_id] = replace(self.api_keys[key_id], revoked=True)

    @event(QuotaSet)
    def _quota_set(self, contacts: int | None, sends_a_month: int | None) -> None:
        self.quota = Quota(contacts, sends_a_month)

    @event(PostmarkConnected)
    def _postmark_connected(
        self,
        server_token: str,
        broadcast_stream: str,
        transactional_stream: str,
        webhook_username: str,
        webhook_password: str,
    ) -> None:
        self.postmark = PostmarkConnection(
            server_token,
            broadcast_stream,
            transactional_stream,
            webhook_username,
            webhook_password,
            self.version + 1,  # of this event, which is counted once it was applied
        )
        self.unsubscribe_handling = {}

    @event(WebhookRegistered)
    def _webhook_registered(self, message_stream: str, unsubscribe_handling: str) -> None:
        self.unsubscribe_handling[message_stream] = unsubscribe_handling

    @event(WebhookRegistrationFailed)
    def _webhook_registration_failed(self) -> None:
        pass

    @event(Deleted)
    def _deleted(self) -> None:
        self.deleted = True

    @event(ConsentAttested)
    def _consent_attested(self) -> None:
        pass

    @event(AttributeRoleAssigned)
    def _attribute_role_assigned(self, role: str, attribute: str) -> None:
        self.attribute_roles[role] = attribute
        self.described_version = self.version + 1

    @event(ApprovalRuleSet)
    def _approval_rule_set(self, second_approver_above: int | None) -> None:
        self.second_approver_above = second_approver_above
        self.described_version = self.version + 1

    @event(PersonalDataRead)
    def _personal_data_read(self) -> None:
        pass
