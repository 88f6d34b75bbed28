"""The one place that wires: what a process needs, made from its settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from psycopg_pool import ConnectionPool

from domain.shared.faults import Reach
from infra.event_log import EventWriter
from infra.faults import reach_of
from infra.keys import AddressHasher, SubjectKeys, derive_key, read_key_file
from infra.local.addresses import Addresses, resolve
from infra.master_keys import MasterKeys
from infra.postgres import Connection, make_pool
from infra.settings import Settings
from infra.signing import Signer
from schemas.codec import Codec
from schemas.registry import default_registry

if TYPE_CHECKING:
    from infra.erasure.erasing import Erasures
    from infra.leaving.deleting import Departures

if TYPE_CHECKING:
    from infra.transactions import CommandLog


@dataclass(frozen=True)
class Core:
    """What every role that touches the event log shares. Made lazily, closed once."""

    settings: Settings
    addresses: Addresses
    role: str

    @classmethod
    def of(cls, settings: Settings, role: str) -> Core:
        return cls(settings, resolve(settings), role)

    @cached_property
    def pool(self) -> ConnectionPool[Connection]:
        """Connections as the worker login, or the API's, with bounded queries, for `api`."""
        url, longest = self.addresses.postgres_worker_url, None
        if self.role == "api":
            url, longest = self.addresses.postgres_api_url, self.settings.query_timeout
        return make_pool(url, size=12, application=f"nudge-{self.role}", longest=longest)

    @cached_property
    def reach(self) -> Reach:
        """What happens at fault points: nothing, unless this is a stack to try them on."""
        return reach_of(self.settings)

    @cached_property
    def codec(self) -> Codec:
        return Codec(default_registry(), os.urandom)

    @cached_property
    def keys(self) -> SubjectKeys:
        master = MasterKeys.of_file(self.addresses.master_key_file, os.urandom)
        return SubjectKeys(master, self.pool.connection, os.urandom)

    @cached_property
    def writer(self) -> EventWriter:
        return EventWriter(self.codec, self.keys)

    @cached_property
    def commands(self) -> CommandLog:
        # Late: they load the domain, which half of the roles do without.
        from infra.idempotency import AnswerStore
        from infra.transactions import CommandLog

        answers = AnswerStore(self.keys, os.urandom)
        return CommandLog(self.pool, self.codec, self.writer, self.keys, answers)

    @cached_property
    def secret(self) -> Callable[[str], bytes]:
        """Keys for one purpose each, derived from the process secret."""
        secret = read_key_file(self.addresses.secret_key_file)
        return lambda purpose: derive_key(secret, purpose)

    @cached_property
    def signer(self) -> Signer:
        """What this installation signs with, and what others check it by."""
        return Signer(read_key_file(self.addresses.signing_key_file))

    @cached_property
    def erasures(self) -> Erasures:
        """Who erases people, and where the certificates are kept."""
        from infra.erasure.erasing import Erasures  # few processes need it
        from infra.erasure.ledger import ErasureLedger

        ledger = ErasureLedger(self.addresses.erasure_ledger_file, self.signer)
        return Erasures(self.commands, self.hasher, ledger, self.signer)

    @cached_property
    def departures(self) -> Departures:
        """Who lets organizations leave; their certificates are kept with those of people."""
        from infra.erasure.ledger import ErasureLedger
        from infra.leaving.deleting import Departures  # few processes need it

        ledger = ErasureLedger(self.addresses.erasure_ledger_file, self.signer)
        return Departures(self.commands, ledger, self.signer)

    @cached_property
    def hasher(self) -> AddressHasher:
        """The address hash; its key comes from the process secret and must outlive the log."""
        return AddressHasher(self.secret("address-hmac"))
