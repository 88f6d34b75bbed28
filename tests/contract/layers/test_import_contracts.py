"""The import contracts refuse what they are there to refuse."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_PACKAGES = ("domain", "schemas", "projections", "streams", "api", "infra")


def lint(folder: Path, planted: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Our contracts over empty packages with these modules in them."""
    text = (ROOT / "pyproject.toml").read_text()
    contracts = text[text.index("[tool.importlinter]") :]
    forbidden = tomllib.loads(contracts)["tool"]["importlinter"]["contracts"][1]
    names = [*_PACKAGES, *forbidden["source_modules"], *forbidden["forbidden_modules"], *planted]
    for name in names:
        file = folder.joinpath(*name.split(".")) / "__init__.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(planted.get(name, ""))
    for package in folder.glob("infra"):
        (package / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(contracts)
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("projections.rebuild", "import streams.effects\n"),
        ("infra.rebuilding", "import infra.senders\n"),
        ("infra.rebuilding", "from infra import between\n"),
    ],
)
def test_a_rebuild_that_can_reach_an_effect_is_refused(
    tmp_path: Path, module: str, code: str
) -> None:
    planted = {"infra.between": "import infra.postmark\n", "streams.effects": "", module: code}

    done = lint(tmp_path, planted)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "A rebuild has no handle to an effect BROKEN" in done.stdout


def test_packages_without_such_an_import_pass(tmp_path: Path) -> None:
    done = lint(tmp_path, {"infra.rebuilding": "import projections.rebuild\n"})

    assert done.returncode == 0, done.stdout + done.stderr
