"""Licences, weaknesses and hashes of libraries: each check lets the good pass and finds the bad."""

from __future__ import annotations

import pytest

from infra.supply import advisories, licences
from infra.supply.advisories import AdvisoryError, affected, read_advisories
from infra.supply.licences import Library, licence_of, read_policy, refused
from infra.supply.locks import LOCKS, ROOT, Locked, locked, read_lock

ADVISORIES = read_advisories(advisories.FILE.read_text())
POLICY = read_policy(licences.FILE.read_text())
_LOCK = """\
aiohttp==3.9.0 ; python_version > "3" \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via faust
ruamel_yaml==1.0
"""


def test_a_lock_is_read_with_the_number_of_its_hashes() -> None:
    assert read_lock(_LOCK) == [Locked("aiohttp", "3.9.0", 2), Locked("ruamel-yaml", "1.0", 0)]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_library_has_a_hash(name: str) -> None:
    libraries = read_lock((ROOT / name).read_text())
    assert libraries
    assert [each for each in libraries if not each.hashes] == []


def test_nothing_is_locked_in_a_version_with_a_known_weakness() -> None:
    assert affected(locked(), ADVISORIES) == []


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("h11", "0.14.0", "0.16.0"),
        ("starlette", "0.49.0", "0.49.1"),
        ("pyjwt", "2.10.0", "2.10.1"),
        ("setuptools", "70.0", "80.9.0"),
    ],
)
def test_a_version_with_a_known_weakness_is_found_and_the_one_that_mended_it_is_not(
    name: str, bad: str, good: str
) -> None:
    found = affected([Locked(name, bad, 1), Locked(name, good, 1)], ADVISORIES)
    assert len(found) >= 1
    assert all(each.startswith(f"{name} {bad}: CVE-") for each in found)


@pytest.mark.parametrize(
    "entry",
    [
        "{id: X, package: a, affected: 'below 2', what: y}",
        "{id: X, package: a, affected: '', what: y}",
        "{id: X, affected: '<2', what: y}",
        "{id: X, package: a, affected: '<2'}",
        "text",
    ],
)
def test_an_entry_that_says_nothing_is_refused_and_not_passed_over(entry: str) -> None:
    with pytest.raises(AdvisoryError):
        read_advisories(f"advisories:\n  - {entry}\n")


@pytest.mark.parametrize(
    ("licence", "well"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("Apache Software License; MIT License", True),
        ("AGPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("UNKNOWN", False),
        ("", False),
        ("Permission is hereby granted " * 20, False),
    ],
)
def test_a_licence_is_allowed_by_its_name_alone(licence: str, well: bool) -> None:
    assert (refused([Library("planted", "1", licence)], POLICY) == []) is well


def test_what_we_found_out_ourselves_counts_for_that_library_only() -> None:
    assert licence_of(Library("mrml", "1", "UNKNOWN"), POLICY) == "MIT"
    assert refused([Library("mrml2", "1", "UNKNOWN")], POLICY) == ["mrml2 1: UNKNOWN"]


def test_the_list_names_every_library_with_what_counts() -> None:
    listed = licences.page([Library("mrml", "1", "UNKNOWN"), Library("a", "2", "MIT")], POLICY)
    assert "| mrml | 1 | MIT |" in listed
    assert "| a | 2 | MIT |" in listed
