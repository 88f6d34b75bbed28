"""People wired: for the API, for the effects, and for whoever prepares the stores."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from api.people import People
from domain.ports import Clock
from infra.bootstrap import Core
from infra.people.access_tokens import AccessTokens
from infra.people.attempts import AttemptCounter
from infra.people.clerk import LoggedClerk, SystemServer
from infra.people.entrance import PostgresEntrance
from infra.people.errands import PostgresErrandBook
from infra.people.housekeeping import Housekeeper
from infra.people.passwords import Passwords
from infra.people.staff import PostgresStaff
from infra.people.token_keys import TokenKeys
from infra.people.vault import Vault
from infra.postgres import organization_transaction
from infra.postmark import Postmark, Timeouts
from streams.effects.errands import Messenger

_LEASE = 60.0
_DOORS = 8
"""How many may be looked after at the entrance at once; others wait."""


def people_of(core: Core, clock: Clock) -> People:
    """What the API is given."""
    keys = token_keys(core)
    tokens = AccessTokens(
        keys,
        _public_url(core),
        clock,
        functools.partial(organization_transaction, core.pool),
    )
    vault = _vault(core)
    settings = core.settings
    entrance = PostgresEntrance(
        log=core.commands,
        hash_address=core.hasher,
        passwords=Passwords(),
        attempts=AttemptCounter(core.secret("attempts"), core.pool.connection),
        tokens=tokens,
        vault=vault,
        link_secret=core.secret("people-links"),
        sandbox=settings.postmark_url is None,
        mails=settings.postmark_url is None or settings.postmark_system_token is not None,
    )
    staff = PostgresStaff(core.keys, core.hasher, vault, entrance.mails)
    threads = ThreadPoolExecutor(_DOORS, thread_name_prefix="entrance")
    return People(entrance, staff, tokens, lambda: keys.keys().published(), threads)


def messenger(core: Core, clock: Clock) -> Messenger:
    """Who does the errands."""
    timeouts = Timeouts.within(_LEASE)
    clerk = LoggedClerk(
        core.commands,
        core.hasher,
        core.secret("people-links"),
        core.settings,
        core.addresses.postmark_url,
        clock,
    )
    return Messenger(
        PostgresErrandBook(core.pool.connection, _vault(core), timedelta(seconds=timeouts.total)),
        clerk,
        SystemServer(core.settings, core.addresses.postmark_url),
        Postmark(core.addresses.postmark_url, timeouts),
        core.settings.send_settling,
    )


def housekeeper(core: Core) -> Housekeeper:
    """Who tidies up."""
    return Housekeeper(core.pool.connection, token_keys(core))


def token_keys(core: Core) -> TokenKeys:
    """The keys of access tokens."""
    vault = Vault(core.keys, core.pool, "token-keys", os.urandom)
    return TokenKeys(vault, core.pool.connection)


def _vault(core: Core) -> Vault:
    return Vault(core.keys, core.pool, "people", os.urandom)


def _public_url(core: Core) -> str:
    return (core.settings.public_url or core.settings.base_url).rstrip("/")
