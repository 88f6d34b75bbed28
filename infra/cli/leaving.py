"""`nudge org export | delete | certificate | verify`: an organization leaves with its things."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import httpx
import psycopg
import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from psycopg_pool import PoolTimeout
from rich.console import Console

from domain.shared.errors import NotFoundError, UnavailableError
from infra.bootstrap import Core
from infra.cli.asking import ensure_sure
from infra.cli.client import Connection, connection, explain
from infra.erasure.certificate import CertificateError
from infra.leaving.certificate import read_certificate
from infra.settings import SettingsError, load_settings

_console = Console()
_errors = Console(stderr=True)
AWAY = (psycopg.Error, PoolTimeout, ClickHouseError)
KeyOption = Annotated[
    str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")
]
UrlOption = Annotated[str | None, typer.Option(help="Where the API is.")]
OrganizationId = Annotated[uuid.UUID, typer.Argument(help="The organization's id.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(organizations: typer.Typer) -> None:
    """Add the commands to `nudge org`."""
    organizations.command("export")(export)
    organizations.command("delete")(delete)
    organizations.command("certificate")(certificate)
    organizations.command("verify")(verify)


def export(
    out: Annotated[Path, typer.Option(help="The file; one that was cut is gone on with.")],
    api_key: KeyOption = None,
    base_url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take everything of the organization out, as NDJSON: all events, then what it shows now."""
    to = connection(api_key, base_url)
    after = _whole_lines(_writable(out)) if out.exists() else 0
    out.touch(mode=0o600)
    try:
        with out.open("ab") as file:
            done = _fetch(to, after, file)
    finally:
        if not out.stat().st_size:
            out.unlink()
    if done is None:
        _errors.print(f"the export was cut; the same command goes on with {out}")
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps({**done, "file": str(out)}))
        return
    said = f"{done['events']} events up to position {done['position']} are in {out}"
    _console.print(said, soft_wrap=True)


def _whole_lines(path: Path) -> int:
    """Cut off what follows the last event of a file that was not finished; its position."""
    position, end, length = 0, 0, 0
    with path.open("rb") as file:
        for line in file:
            length += len(line)
            if line.endswith(b"\n") and line.startswith(b'{"event"'):
                position, end = json.loads(line)["event"]["position"], length
            elif line.endswith(b"\n") and line.startswith(b'{"done"'):
                _errors.print(f"{path} is finished; give another file")
                raise typer.Exit(1)
    with path.open("ab") as file:
        file.truncate(end)
    return position


def _fetch(to: Connection, after: int, file: BinaryIO) -> dict[str, Any] | None:
    """The export's last line; None when it was cut."""
    done: dict[str, Any] | None = None
    url = f"{to.base_url}/v1/organization/export"
    try:
        with (
            httpx.Client(headers=to.headers, timeout=120, trust_env=False) as client,
            client.stream("GET", url, params={"after": after}) as response,
            _errors.status("taking it out") as status,
        ):
            if response.status_code != 200:
                response.read()
                raise explain(response)
            for line in response.iter_lines():
                file.write(line.encode() + b"\n")
                if line.startswith('{"progress"'):
                    so_far = json.loads(line)["progress"]
                    status.update(f"{so_far['events']} of {so_far['of']} events")
                elif line.startswith('{"done"'):
                    done = json.loads(line)["done"]
    except httpx.TransportError:
        return None
    return done


def delete(
    organization: OrganizationId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: nobody can undo it.")] = False,
    out: Annotated[
        Path | None, typer.Option("--certificate", help="Else departure-<organization>.json.")
    ] = None,
    api_key: KeyOption = None,
    base_url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete the organization for good: keys destroyed, read models gone, API keys dead."""
    to = connection(api_key, base_url)
    target = _writable(out or Path(f"departure-{organization}.json"))
    ensure_sure(f"Delete organization {organization} for good?", yes=yes, as_json=as_json)
    with httpx.Client(headers=to.headers, timeout=600, trust_env=False) as client:
        response = client.delete(
            f"{to.base_url}/v1/organization", params={"confirm": str(organization)}
        )
    if response.status_code != 200:
        raise explain(response)
    _keep(response.json(), target, as_json=as_json)


def certificate(
    organization: OrganizationId,
    out: Annotated[Path | None, typer.Option(help="Else departure-<organization>.json.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The signed certificate of a deletion once more (operators only)."""
    target = _writable(out or Path(f"departure-{organization}.json"))
    try:
        core = Core.of(load_settings(), "cli")
        document = core.departures.certificate(organization)
        core.pool.close()
    except (NotFoundError, SettingsError, UnavailableError) as error:
        _errors.print(str(error))
        raise typer.Exit(1) from None
    _keep(document, target, as_json=as_json)


def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A certificate.")],
    as_json: JsonOption = False,
) -> None:
    """Check a certificate, and that every store is as it says; exit code 1 when one is not."""
    from infra.leaving.checking import leftovers  # few commands need the stores' clients
    from infra.preparation import clickhouse

    try:
        core = Core.of(load_settings(), "cli")
        statement = read_certificate(_json(file), core.signer.public_key)
        with clickhouse(core.addresses) as client:
            found = leftovers(core, client, statement["organization_id"])
        core.pool.close()
    except (CertificateError, SettingsError) as error:
        _errors.print(str(error), soft_wrap=True)
        raise typer.Exit(1) from None
    except AWAY as error:
        _errors.print(f"not every store could be searched: {str(error).splitlines()[0]}")
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({"clean": not found, "found": found}))
    for place, count in found.items() if not as_json else ():
        _console.print(f"{place}: {count}")
    if not found and not as_json:
        _console.print(
            f"organization {statement['organization_id']}: the signature holds, no key, no row;"
            f" {sum(each['events'] for each in statement['events'])} events stay, sealed for good",
            soft_wrap=True,
        )
    raise typer.Exit(1 if found else 0)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError:
        raise CertificateError(f"{path} is no certificate of a deletion") from None


def _writable(target: Path) -> Path:
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise typer.BadParameter(f"{target} cannot be written: name a file in a folder that exists")
    return target


def _keep(document: Mapping[str, Any], target: Path, *, as_json: bool) -> None:
    target.write_text(json.dumps(document, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps({**document, "file": str(target)}))
        return
    _console.print(f"deleted; the certificate is in {target}", soft_wrap=True)
