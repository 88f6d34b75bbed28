"""Files, storage and command line of the embedded broker."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from pathlib import Path
from string import Template

from infra.local.errors import StackError

HEAP = "512m"
_JVM = (f"-Xmx{HEAP}", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""For a broker of one machine's few thousand events a second: the second compiler and a collector
with threads of its own take more processor in the first minutes than they ever give back."""
_MAIN = ("kafka.Kafka", "server.properties")
_HERE = Path(__file__).parent
_LOGGING = "-Dlog4j2.configurationFile=log4j2.properties"


def java_program() -> str:
    """The java to run: the one of JAVA_HOME when that is set, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


def cluster_id(unique: uuid.UUID) -> str:
    """Kafka's way of writing a cluster id: 22 characters, the first of them never a dash."""
    return "N" + base64.urlsafe_b64encode(unique.bytes).decode()[1:22]


def server_properties(port: int, controller_port: int, log_dir: str = "data") -> str:
    """The broker's configuration; `log_dir` is relative to the broker's working directory."""
    template = Template((_HERE / "server.properties").read_text())
    return template.substitute(port=port, controller_port=controller_port, log_dir=log_dir)


def broker_command(*options: str) -> list[str]:
    """The broker's command line, to be run inside its home folder; `options` are Java's."""
    return [java_program(), *_JVM, *options, _LOGGING, "-cp", "libs/*", *_MAIN]


def prepare_home(home: Path, jars: Path, port: int, controller_port: int) -> None:
    """Make the broker's folder ready to start in: jars, configuration, formatted storage.

    Repeating it is harmless. Raises StackError when the format fails.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A link, because a class path cannot name a folder that has a colon in its name.
    link = home / "libs"
    link.unlink(missing_ok=True)
    link.symlink_to(jars, target_is_directory=True)
    shutil.copyfile(_HERE / "log4j2.properties", home / "log4j2.properties")
    (home / "server.properties").write_text(server_properties(port, controller_port))
    if not (home / "data").is_dir():
        _format_storage(home, port, controller_port)


def _format_storage(home: Path, port: int, controller_port: int) -> None:
    """Format beside the final place and rename, so that a crash leaves nothing half formatted."""
    fresh = home / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    configuration = home / "format.properties"
    configuration.write_text(server_properties(port, controller_port, log_dir=fresh.name))
    command = [java_program(), "-Xmx128m", _LOGGING, "-cp", "libs/*", "kafka.tools.StorageTool"]
    command += ["format", "--standalone", "-t", cluster_id(uuid.uuid4()), "-c", configuration.name]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise StackError(f"Kafka's storage could not be formatted: {(lines or ['no output'])[-1]}")
    fresh.rename(home / "data")
    configuration.unlink()
