"""Which processes a configuration starts, with what, and when a start is refused."""

from __future__ import annotations

import signal
import stat
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.addresses import postgres_api_url, resolve
from infra.local.child import child_environment
from infra.local.errors import StackError
from infra.local.kafka.broker import cluster_id, server_properties
from infra.local.prerequisites import java_version
from infra.local.processes import ProcessSpec, RestartPolicy, stop_levels
from infra.local.secrets import ensure_secrets
from infra.local.stack import process_specs
from infra.settings import Settings, SettingsError

MakeSettings = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSettings:
    monkeypatch.chdir(tmp_path)

    def make(**given: Any) -> Settings:
        return Settings(_env_file=None, **{"data_dir": tmp_path / "data", **given})

    return make


def specs_of(settings: Settings) -> dict[str, ProcessSpec]:
    return {spec.name: spec for spec in process_specs(settings, resolve(settings))}


def test_everything_is_started_in_order(settings: MakeSettings) -> None:
    specs = specs_of(settings())
    assert list(specs) == [
        "postgres",
        "kafka",
        "clickhouse",
        "prepare",
        "postmark-sandbox",
        "api",
        "relay",
        "projections",
        "analytics",
        "reactions",
        "effects",
    ]
    assert specs["prepare"].after == ()  # it loads its code while the stores start
    assert specs["relay"].after == ("prepare", "postmark-sandbox")


def test_analytics_stands_back_for_mails_replies_and_views(settings: MakeSettings) -> None:
    specs = specs_of(settings())
    assert {name for name, spec in specs.items() if spec.niceness} == {"clickhouse", "analytics"}


def test_what_has_an_address_of_its_own_is_not_started(
    settings: MakeSettings, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("00")
    specs = specs_of(
        settings(
            kafka_bootstrap="kafka:9092",
            postgres_url="postgresql://db/nudge",
            postgres_api_url="postgresql://api@db/nudge",
            clickhouse_url="http://ch:8123",
            postmark_url="https://mail.example",
            secret_key_file=key,
            master_key_file=key,
        )
    )
    assert list(specs)[:2] == ["prepare", "api"]
    assert "postmark-sandbox" not in specs
    assert specs["prepare"].after == ()


def test_only_the_sender_is_killed_for_silence_and_after_its_lease(settings: MakeSettings) -> None:
    specs = specs_of(settings(send_lease=timedelta(seconds=20)))
    beating = {name: spec.heartbeat for name, spec in specs.items() if spec.heartbeat}
    assert list(beating) == ["effects"]
    assert beating["effects"].max_age == 20


def test_postgres_is_stopped_without_waiting_for_its_clients(settings: MakeSettings) -> None:
    assert specs_of(settings())["postgres"].stop_signal == signal.SIGINT


def test_children_see_the_settings_that_were_given(settings: MakeSettings, tmp_path: Path) -> None:
    given = settings(
        data_dir=Path("here"), send_settling="90s", clickhouse_password="open sesame", send_rate=11
    )
    assert child_environment(given) == {
        "NUDGE_DATA_DIR": str(tmp_path / "here"),
        "NUDGE_SEND_SETTLING": "90.0s",
        "NUDGE_CLICKHOUSE_PASSWORD": "open sesame",
        "NUDGE_SEND_RATE": "11",
    }


def test_each_role_has_a_login_of_its_own(settings: MakeSettings) -> None:
    addresses = resolve(settings(postgres_port=5999))
    urls = {
        addresses.postgres_admin_url,
        addresses.postgres_owner_url,
        addresses.postgres_worker_url,
        addresses.postgres_api_url,
    }
    assert len(urls) == 4
    assert addresses.postgres_api_url.startswith("postgresql://nudge_api:")
    assert addresses.postgres_api_url.endswith("@127.0.0.1:5999/nudge")


def test_the_apis_login_can_be_had_without_the_other_addresses(settings: MakeSettings) -> None:
    embedded = settings(postgres_port=5999)
    with pytest.raises(SettingsError, match="api_password"):
        postgres_api_url(embedded)
    assert resolve(embedded).postgres_api_url == postgres_api_url(embedded)
    external = settings(
        postgres_url="postgresql://db/nudge", postgres_api_url="postgresql://api@db"
    )
    assert postgres_api_url(external) == "postgresql://api@db"
    with pytest.raises(SettingsError, match="NUDGE_POSTGRES_API_URL"):
        postgres_api_url(settings(postgres_url="postgresql://db/nudge"))


def test_an_external_postgres_needs_keys_from_its_operator(settings: MakeSettings) -> None:
    with pytest.raises(SettingsError, match="NUDGE_SECRET_KEY_FILE"):
        resolve(
            settings(postgres_url="postgresql://db/nudge", postgres_api_url="postgresql://api@db/n")
        )


def test_the_api_never_connects_as_the_owner_of_an_external_postgres(
    settings: MakeSettings,
) -> None:
    with pytest.raises(SettingsError, match="NUDGE_POSTGRES_API_URL: needed"):
        resolve(settings(postgres_url="postgresql://db/nudge"))


def test_a_key_file_that_is_not_there_is_named(settings: MakeSettings) -> None:
    with pytest.raises(SettingsError, match="NUDGE_MASTER_KEY_FILE: there is no file"):
        resolve(settings(master_key_file=Path("nowhere")))
    with pytest.raises(SettingsError, match="NUDGE_SIGNING_KEY_FILE: there is no file"):
        resolve(settings(signing_key_file=Path("nowhere")))


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path)
    assert ensure_secrets(tmp_path) == first
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(bytes.fromhex(first.master_key_file.read_text().strip())) == 32
    assert first.owner_password not in repr(first)


def test_a_lost_key_is_never_replaced_when_there_is_data(tmp_path: Path) -> None:
    ensure_secrets(tmp_path)
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "keys" / "master.key").unlink()
    with pytest.raises(StackError, match=r"master\.key is missing"):
        ensure_secrets(tmp_path)


def test_a_signing_key_is_made_also_beside_old_data_and_kept(tmp_path: Path) -> None:
    made = ensure_secrets(tmp_path).signing_key_file
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    made.unlink()

    first = ensure_secrets(tmp_path).signing_key_file.read_text()

    assert len(bytes.fromhex(first.strip())) == 32
    assert ensure_secrets(tmp_path).signing_key_file.read_text() == first


def test_back_off_doubles_up_to_a_ceiling_and_forgets() -> None:
    policy = RestartPolicy()
    delays = [policy.delay(failures) for failures in (1, 2, 3, 4, 5, 6, 1000)]
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert policy.failures_after(4, lived=29.9) == 5
    assert policy.failures_after(4, lived=30.0) == 1


def test_dependants_stop_first() -> None:
    specs = [
        ProcessSpec("role", (), after=("step", "sandbox")),
        ProcessSpec("store", ()),
        ProcessSpec("step", (), after=("store",)),
        ProcessSpec("sandbox", ()),
    ]
    assert stop_levels(specs) == [["role"], ["step"], ["store", "sandbox"]]


def test_processes_that_wait_for_each_other_are_refused() -> None:
    specs = [ProcessSpec("a", (), after=("b",)), ProcessSpec("b", (), after=("a",))]
    with pytest.raises(ValueError, match="wait for each other"):
        stop_levels(specs)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_412"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("command not found", None),
    ],
)
def test_java_says_its_version(text: str, version: int | None) -> None:
    assert java_version(text) == version


def test_the_broker_listens_on_loopback_only() -> None:
    lines = server_properties(1234, 1235).splitlines()
    listeners = next(line for line in lines if line.startswith("listeners="))
    assert listeners == "listeners=PLAINTEXT://127.0.0.1:1234,CONTROLLER://127.0.0.1:1235"
    assert "message.max.bytes=12582912" in lines


def test_a_cluster_id_is_one_that_kafka_takes() -> None:
    made = cluster_id(uuid.UUID(int=0))
    assert len(made) == 22
    assert not made.startswith("-")
