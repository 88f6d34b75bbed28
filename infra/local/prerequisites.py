"""What the machine must have before anything starts, each miss told in one line."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys

import psutil

from infra.local.errors import PortInUseError, PrerequisiteError
from infra.local.kafka.broker import java_program

JAVA_NEEDED = 17
PYTHON_NEEDED = (3, 11)


def check_programs(*, java: bool, maven: bool) -> None:
    """Raises PrerequisiteError for the first program that is missing or too old."""
    if sys.version_info[:2] < PYTHON_NEEDED:
        raise PrerequisiteError("Python 3.11 or newer is needed: https://www.python.org/downloads/")
    if java:
        _check_java()
    if maven and shutil.which("mvn") is None:
        raise PrerequisiteError(
            "mvn is missing: install Maven (Debian: apt install maven, macOS: brew install maven)"
        )


def java_version(text: str) -> int | None:
    """The major version in what `java -version` prints: 17 for `"17.0.15"`, 8 for `"1.8.0_412"`."""
    match = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if match is None:
        return None
    return int(match[2]) if match[1] == "1" and match[2] else int(match[1])


def _check_java() -> None:
    advice = (
        f"install Java {JAVA_NEEDED} or newer (Debian: apt install openjdk-17-jre-headless, "
        "macOS: brew install openjdk) or set JAVA_HOME"
    )
    program = java_program()
    if shutil.which(program) is None:
        raise PrerequisiteError(f"java is missing: {advice}")
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    version = java_version(done.stderr + done.stdout)
    if version is None or version < JAVA_NEEDED:
        raise PrerequisiteError(f"java is too old ({version or 'unknown version'}): {advice}")


def check_ports(ports: list[tuple[int, str]]) -> None:
    """Raises PortInUseError when one of these (port, variable) cannot be listened on."""
    taken: dict[int, str] = {}
    for port, variable in ports:
        if port in taken and taken[port] != variable:
            raise PortInUseError(f"port {port} is given twice: change {taken[port]} or {variable}")
        taken[port] = variable
        if not _is_free(port):
            raise PortInUseError(
                f"port {port} is in use{_by_whom(port)}: stop that or set {variable} to a free port"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        # As servers do; connections that are only closing do not count as busy.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
            attempt.listen(1)
        except OSError:
            return False
        return True


def _by_whom(port: int) -> str:
    """The owner of a port as far as the system tells us."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (
                port,
            )
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
