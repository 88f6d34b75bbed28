"""Every setting of NudgeCampaign, read in one place: environment, `.env`, folder of secrets."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_ORIGIN = re.compile(r"https?://[a-zA-Z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-fA-F:]+\](:\d{1,5})?")
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")


def parse_duration(text: Any) -> Any:
    """`60s`, `10m`, `1.5h` or `3d` as a timedelta; anything else is passed on to be refused."""
    if isinstance(text, str) and (match := _DURATION.match(text)):
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    if isinstance(text, str):
        raise ValueError("write a duration such as 500ms, 60s, 10m, 2h or 3d")
    return text


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


def parse_list(text: Any) -> Any:
    """Values with commas between them as a tuple; nothing as none."""
    if isinstance(text, str):
        return tuple(each.strip() for each in text.split(",") if each.strip())
    return text


def as_origins(given: tuple[str, ...]) -> tuple[str, ...]:
    """Origins as browsers send them. Raises ValueError for anything else, `*` included."""
    for each in given:
        if not _ORIGIN.fullmatch(each):
            raise ValueError(f"{each!r} is no origin: write https://app.example.com, no path, no *")
    return given


def as_networks(given: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks. Raises ValueError for anything else."""
    for each in given:
        ip_network(each)
    return given


Origins = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(parse_list), AfterValidator(as_origins)
]
Networks = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(parse_list), AfterValidator(as_networks)
]
Port = Annotated[int, Field(ge=1, le=65535)]
_RATE = r"[1-9]\d{0,8}/(second|minute|hour|day)"
Rates = Annotated[str, Field(pattern=rf"^(off|{_RATE}(;{_RATE})*)$")]


class SettingsError(Exception):
    """A setting is missing or bad; the message is one line that names it."""


class Settings(BaseSettings):
    """The configuration of one process. Every field is the variable `NUDGE_<FIELD>`.

    A field may also be a file `nudge_<field>` in the folder `NUDGE_SECRETS_DIR`: containers are
    given passwords that way. A variable wins over a file.
    """

    model_config = SettingsConfigDict(
        env_prefix="NUDGE_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Path = Path(".nudge")
    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    public_url: str | None = None
    cors_origins: Origins = ()
    trusted_proxies: Networks = ()
    secret_key_file: Path | None = None
    master_key_file: Path | None = None
    signing_key_file: Path | None = None
    erasure_ledger_file: Path | None = None
    secrets_dir: Path | None = None
    topic_prefix: str = Field(default="", pattern=r"^[a-zA-Z0-9._-]*$")

    kafka_bootstrap: str | None = None
    kafka_port: Port = 29092
    kafka_controller_port: Port = 29093
    postgres_url: str | None = Field(default=None, repr=False)
    postgres_worker_url: str | None = Field(default=None, repr=False)
    postgres_api_url: str | None = Field(default=None, repr=False)
    postgres_port: Port = 25432
    clickhouse_url: str | None = Field(default=None, repr=False)
    clickhouse_port: Port = 28123
    clickhouse_username: str = "nudge"
    clickhouse_password: SecretStr | None = None
    postmark_url: str | None = None
    postmark_sandbox_port: Port = 28025
    postmark_server_token: SecretStr | None = None
    postmark_system_token: SecretStr | None = None
    postmark_system_sender: str = "NudgeCampaign <no-reply@nudgecampaign.example>"
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 28200

    openai_base_url: str | None = None
    openai_api_key: SecretStr | None = None
    openai_model: str = "gpt-4o-mini"

    send_rate: int = Field(default=1000, ge=0)
    send_lease: Duration = timedelta(seconds=60)
    send_settling: Duration = timedelta(minutes=10)
    ambiguous_policy: Literal["resend", "hold"] = "resend"
    unknown_message_wait: Duration = timedelta(minutes=10)
    heal_every: Duration = timedelta(minutes=15)
    heal_after: Duration = timedelta(minutes=30)
    heal_rate: float = Field(default=10, ge=0)

    verify_every: Duration = timedelta(hours=24)

    ws_max_message_bytes: int = Field(default=10_240, ge=1)
    ws_messages_per_second: int = Field(default=10, ge=1)
    ws_heartbeat: Duration = timedelta(seconds=30)
    ws_idle: Duration = timedelta(seconds=300)
    ws_max_connections: int = Field(default=10_000, ge=1)

    limit_key: Rates = "1000/second;30000/minute"
    limit_user: Rates = "1000/second;30000/minute"
    limit_organization: Rates = "2000/second;60000/minute"
    limit_address: Rates = "2000/second;60000/minute"
    body_wait: Duration = timedelta(seconds=30)
    body_pace: int = Field(default=8192, ge=1)
    query_timeout: Duration = timedelta(seconds=30)

    restart_pause: Duration = timedelta(seconds=5)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def base_url(self) -> str:
        """Where the API answers on this machine."""
        return f"http://{self.api_host}:{self.api_port}"

    @property
    def embedded(self) -> bool:
        """True when at least the event log's Postgres is the one this project starts itself."""
        return self.postgres_url is None


def load_settings(**overrides: Any) -> Settings:
    """Settings of this process. Raises SettingsError, one line that names the bad variable."""
    try:
        return Settings(_secrets_dir=_secrets_folder(), **overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "NUDGE_" + "_".join(str(part) for part in first["loc"]).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: {message}{_given(first)}") from None


def _given(error: Any) -> str:
    """What was given, unless it is a secret or may hold one."""
    field = Settings.model_fields.get(str(error["loc"][0])) if error["loc"] else None
    if field is None or not field.repr or "SecretStr" in str(field.annotation):
        return ""
    return f" (got {error.get('input')!r})"


def _secrets_folder() -> Path | None:
    """Read before the settings, because some of them may lie in the folder it names."""
    given = os.environ.get("NUDGE_SECRETS_DIR")
    if not given:
        return None
    if not (folder := Path(given)).is_dir():
        raise SettingsError(f"NUDGE_SECRETS_DIR: there is no folder {folder}")
    return folder
