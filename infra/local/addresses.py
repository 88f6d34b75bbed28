"""Where everything is: one answer for every process, embedded or external."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from infra.local.secrets import LocalSecrets, ensure_secrets
from infra.settings import Settings, SettingsError

DATABASE = "nudge"
METRICS_ROLES = ("relay", "projections", "analytics", "reactions", "effects")


@dataclass(frozen=True)
class Addresses:
    """Addresses and credentials of the stack one process works with. Paths are absolute."""

    kafka_bootstrap: str
    postgres_admin_url: str | None = field(repr=False)
    """The superuser's, for making roles and the database; None when Postgres is external."""
    postgres_owner_url: str = field(repr=False)
    postgres_worker_url: str = field(repr=False)
    postgres_api_url: str = field(repr=False)
    clickhouse_url: str
    clickhouse_username: str
    clickhouse_password: str = field(repr=False)
    postmark_url: str
    data_dir: Path
    secret_key_file: Path
    master_key_file: Path
    signing_key_file: Path
    erasure_ledger_file: Path


def resolve(settings: Settings) -> Addresses:
    """The addresses that follow from the settings; the embedded stack's secrets are made if new.

    Raises SettingsError when an external stack lacks what only its operator can give.
    """
    data_dir = settings.data_dir.absolute()
    secrets = ensure_secrets(data_dir)
    admin, owner, worker, api = _postgres_urls(settings, secrets)
    username, password = _clickhouse_login(settings, secrets)
    return Addresses(
        kafka_bootstrap=settings.kafka_bootstrap or f"127.0.0.1:{settings.kafka_port}",
        postgres_admin_url=admin,
        postgres_owner_url=owner,
        postgres_worker_url=worker,
        postgres_api_url=api,
        clickhouse_url=settings.clickhouse_url or f"http://127.0.0.1:{settings.clickhouse_port}",
        clickhouse_username=username,
        clickhouse_password=password,
        postmark_url=settings.postmark_url or f"http://127.0.0.1:{settings.postmark_sandbox_port}",
        data_dir=data_dir,
        secret_key_file=_key_file(
            settings, "NUDGE_SECRET_KEY_FILE", settings.secret_key_file, secrets.secret_key_file
        ),
        master_key_file=_key_file(
            settings, "NUDGE_MASTER_KEY_FILE", settings.master_key_file, secrets.master_key_file
        ),
        signing_key_file=_given_file("NUDGE_SIGNING_KEY_FILE", settings.signing_key_file)
        or secrets.signing_key_file,
        erasure_ledger_file=(
            settings.erasure_ledger_file or data_dir / "erasures" / "ledger.ndjson"
        ).absolute(),
    )


def postgres_api_url(settings: Settings) -> str:
    """The login that row-level security binds, for a process that needs no other address.

    Raises SettingsError, also while the embedded stack's password is not made yet.
    """
    if settings.postgres_url is not None:
        if settings.postgres_api_url is None:
            raise SettingsError("NUDGE_POSTGRES_API_URL: needed because NUDGE_POSTGRES_URL is set")
        return settings.postgres_api_url
    file = settings.data_dir.absolute() / "keys" / "api_password"
    try:
        password = file.read_text().strip()
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}") from error
    return f"postgresql://nudge_api:{password}@127.0.0.1:{settings.postgres_port}/{DATABASE}"


def _postgres_urls(settings: Settings, secrets: LocalSecrets) -> tuple[str | None, str, str, str]:
    if (url := settings.postgres_url) is not None:
        if settings.postgres_api_url is None:
            raise SettingsError(
                "NUDGE_POSTGRES_API_URL: needed because NUDGE_POSTGRES_URL is set; a login that"
                " row-level security binds, not the schema's owner"
            )
        return None, url, settings.postgres_worker_url or url, settings.postgres_api_url

    def local(role: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{settings.postgres_port}/{database}"

    return (
        local("postgres", secrets.postgres_password, "postgres"),
        local("nudge_owner", secrets.owner_password),
        local("nudge_worker", secrets.worker_password),
        local("nudge_api", secrets.api_password),
    )


def _clickhouse_login(settings: Settings, secrets: LocalSecrets) -> tuple[str, str]:
    given = settings.clickhouse_password
    if given is not None:
        return settings.clickhouse_username, given.get_secret_value()
    external = settings.clickhouse_url is not None
    return settings.clickhouse_username, "" if external else secrets.clickhouse_password


def _key_file(settings: Settings, variable: str, given: Path | None, local: Path) -> Path:
    """The operator's key file, or the embedded stack's own; never a silent new key elsewhere."""
    if given is None:
        if not settings.embedded:
            raise SettingsError(f"{variable}: needed because NUDGE_POSTGRES_URL is set")
        return local
    return _given_file(variable, given) or local


def _given_file(variable: str, given: Path | None) -> Path | None:
    if given is None:
        return None
    if not given.is_file():
        raise SettingsError(f"{variable}: there is no file {given}")
    return given.absolute()


def metrics_port(settings: Settings, role: str) -> int:
    """The port on which a role other than the API answers /metrics and /ready."""
    return settings.metrics_port + METRICS_ROLES.index(role)
