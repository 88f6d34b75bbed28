"""`nudge erase`: forget a person for good, and check in every store that nothing is left."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import psycopg
import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from psycopg_pool import PoolTimeout
from rich.console import Console
from rich.table import Table

from infra.bootstrap import Core
from infra.cli.asking import ensure_sure
from infra.cli.client import connection, explain
from infra.cli.contacts import contact_id
from infra.cli.grouping import with_default
from infra.erasure.certificate import CertificateError, Erasure, erasure_of, read_certificate
from infra.erasure.checking import Check, Report, person_of
from infra.erasure.ledger import LedgerError
from infra.erasure.needles import NeedleFileError, Needles, Person, open_needles, seal_needles
from infra.kafka import KafkaUnavailableError
from infra.postgres import connect
from infra.settings import SettingsError, load_settings

_console = Console()
_errors = Console(stderr=True)
_REFUSED = (SettingsError, CertificateError, NeedleFileError, OSError)
_AWAY = (psycopg.Error, PoolTimeout, KafkaUnavailableError, KafkaException, ClickHouseError)
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


erase = typer.Typer(
    cls=with_default("person"),
    no_args_is_help=True,
    help="Erase a person (nudge erase CONTACT|EMAIL), verify it, list what was erased.",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(erase, name="erase")


@erase.command()
def person(
    contact: Annotated[str, typer.Argument(help="A contact's id or address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: nobody can undo it.")] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="Where the certificate goes; else erasure-<contact>.json.")
    ] = None,
    needles: Annotated[
        Path | None,
        typer.Option(
            help="Before erasing, keep names and addresses in this sealed file, to verify."
        ),
    ] = None,
    as_json: JsonOption = False,
    api_key: Annotated[
        str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where the API is.")] = None,
) -> None:
    """Forget a contact for good: keys destroyed, read models emptied, never mailed again."""
    to = connection(api_key, base_url)
    identity = contact_id(to, contact)
    url = f"{to.base_url}/v1/contacts/{identity}"
    target = certificate or Path(f"erasure-{identity}.json")
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise typer.BadParameter(f"{target} cannot be written: name a file in a folder that exists")
    if needles is not None and needles.exists():
        raise typer.BadParameter(f"{needles} is there already: give a new file")
    ensure_sure(f"Erase contact {identity} for good?", yes=yes, as_json=as_json)
    with httpx.Client(headers=to.headers, timeout=60, trust_env=False) as client:
        key = _keep_needles(client, url, identity, needles) if needles else None
        response = client.delete(url, params={"erase": "true"})
    if response.status_code != 200:
        if needles is not None:
            needles.unlink()  # what it holds is not to be found any more, nor erased
        raise explain(response)
    document = response.json()
    target.write_text(json.dumps(document, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps({**document, "file": str(target), "needle_key": key}))
        return
    _console.print(f"erased; the certificate is in {target}")
    if key:
        _console.print(f"needle file {needles}, key {key} (shown this once)")
    _console.print(f"check it: nudge erase verify {target}")


def _keep_needles(client: httpx.Client, url: str, identity: str, path: Path) -> str:
    """Seal what is known of the person; the key, which is kept nowhere."""
    response = client.get(f"{url}/export")
    if response.status_code != 200:
        raise explain(response)
    known = _strings(response.json())
    with connect(Core.of(load_settings(), "cli").addresses.postgres_worker_url) as log:
        row = log.execute(
            "SELECT wrapped FROM log.subject_keys WHERE subject_id = %s", (identity,)
        ).fetchone()
    wrapped = (bytes(row[0]),) if row and row[0] else ()
    key = os.urandom(32)
    whose = Person("", identity, frozenset(), **known, wrapped_keys=wrapped)
    path.touch(mode=0o600)
    path.write_bytes(seal_needles(whose, key, os.urandom(12)))
    return key.hex()


def _strings(export: dict[str, Any]) -> dict[str, Any]:
    """Names and addresses, of now and of before."""
    details = [each["details"] for each in export["history"] if "email" in each["details"]]
    said = [export["contact"], *details]
    names = {(each["first_name"], each["last_name"]) for each in said}
    return {
        "names": tuple(sorted(name for name in names if all(name))),
        "texts": tuple(sorted({each["email"] for each in said if each["email"]})),
    }


@erase.command()
def verify(
    what: Annotated[str, typer.Argument(help="A certificate's file, or an erased contact's id.")],
    needles: Annotated[Path | None, typer.Option(help="The sealed file made before.")] = None,
    needle_key: Annotated[
        str, typer.Option(envvar="NUDGE_NEEDLE_KEY", help="The key it was given.")
    ] = "",
    name: Annotated[
        list[str] | None, typer.Option(help="A full name to look for: 'Ada Lovelace'.")
    ] = None,
    also: Annotated[list[str] | None, typer.Option(help="Any other text to look for.")] = None,
    folder: Annotated[
        list[Path] | None, typer.Option("--in", exists=True, help="Search exports here, too.")
    ] = None,
    raw_files: Annotated[
        bool, typer.Option(help="Write tables anew (they are locked) and read Postgres's files.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Search every store for what may be left of an erased person; exit code 1 when something is,
    2 when a store does not answer.

    Addresses are found by their keyed hash; names only when they are given.
    """
    try:
        core = Core.of(load_settings(), "cli")
        erasure = _erasure(core, what)
        known = _known(needles, needle_key, name or [], also or [])
        check = Check(
            core, erasure, Needles(person_of(erasure, known), core.hasher), tuple(folder or ())
        )
        with _errors.status("reading") as status:
            report = check.run(datetime.now(UTC), status.update, with_raw_files=raw_files)
    except (*_REFUSED, *_AWAY) as error:
        away = "not every store could be searched: " if isinstance(error, _AWAY) else ""
        _errors.print(f"{away}{str(error).splitlines()[0]}", soft_wrap=True)
        raise typer.Exit(2 if away else 1) from None
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        _show(report, erasure)
    raise typer.Exit(1 if report.found else 0)


def _erasure(core: Core, what: str) -> Erasure:
    """The erasure of a certificate, or of a contact by its id. Raises CertificateError."""
    path = Path(what)
    if path.is_file():
        try:
            document = json.loads(path.read_text())
        except ValueError:
            raise CertificateError(f"{path} is no certificate of an erasure") from None
        return erasure_of(read_certificate(document, core.signer.public_key))
    try:
        identity = str(UUID(what))
    except ValueError:
        raise CertificateError(f"{what} is no file and no contact's id") from None
    with core.pool.connection() as log:
        found = core.erasures.of_contact(log, identity)
    if found is None:
        raise CertificateError(f"no contact {identity} was erased")
    return found


def _known(path: Path | None, key: str, names: list[str], texts: list[str]) -> dict[str, Any]:
    known: dict[str, Any] = {"names": (), "texts": (), "wrapped_keys": ()}
    if path is not None:
        try:
            secret = bytes.fromhex(key)
        except ValueError:
            secret = b""
        if len(secret) != 32:
            raise NeedleFileError("--needle-key: give the 64 hexadecimal digits that were shown")
        known = open_needles(path.read_bytes(), secret)
    split = tuple((each.rpartition(" ")[0], each.rpartition(" ")[2]) for each in names)
    return {**known, "names": (*known["names"], *split), "texts": (*known["texts"], *texts)}


def _show(report: Report, erasure: Erasure) -> None:
    for title, listed in (
        ("found", report.found),
        ("expires by itself", report.expiring),
        ("came after the erasure", report.later),
    ):
        if listed:
            table = Table("store", "place", "kind", title=title, box=None, title_justify="left")
            for each in listed[:100]:
                table.add_row(each.store, each.place, each.kind)
            _console.print(table)
    for note in report.notes:
        _console.print(note)
    said = f"{len(report.found)} traces found" if report.found else "nothing is left"
    _console.print(f"contact {erasure.contact_id}, {len(report.searched)} stores: [bold]{said}[/]")


@erase.command("ledger")
def show_ledger(as_json: JsonOption = False) -> None:
    """Check the ledger of erasures and of organizations that left, and list it."""
    try:
        core = Core.of(load_settings(), "cli")
        entries = core.erasures.ledger.entries()
    except (SettingsError, LedgerError, OSError) as error:
        _errors.print(str(error))
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps([entry.document for entry in entries]))
        return
    table = Table("erased at", "organization", "contact", "by", box=None)
    for entry in entries:
        said, everybody = entry.statement, entry.whole_organization
        at, contact = said["deleted_at" if everybody else "erased_at"], entry.subject
        table.add_row(
            at, said["organization_id"], "everybody" if everybody else contact, said["actor"]
        )
    _console.print(table)
    _console.print(f"{len(entries)} entries; every signature and link holds")
