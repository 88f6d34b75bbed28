"""The archive of the broker's classes: never in the way of a start."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.kafka import archive


def test_a_start_without_an_archive_names_none(tmp_path: Path) -> None:
    assert archive.options(tmp_path / "missing.jsa") == []


def test_an_empty_archive_says_that_this_java_makes_none(tmp_path: Path) -> None:
    place = archive.archive_of(tmp_path)
    place.touch()
    assert archive.ensure_archive(tmp_path) == place
    assert archive.options(place) == []


def test_a_java_that_cannot_start_leaves_an_empty_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_java(*_: object) -> None:
        raise FileNotFoundError("no java")

    monkeypatch.setattr(archive, "_write", no_java)
    place = archive.ensure_archive(tmp_path)
    assert place.read_bytes() == b""
    assert [each.name for each in tmp_path.iterdir()] == [place.name]


def test_an_archive_is_named_within_the_broker_home(tmp_path: Path) -> None:
    place = tmp_path / "a:colon" / "classes-1.jsa"
    place.parent.mkdir()
    place.write_bytes(b"classes")
    assert archive.options(place) == ["-XX:SharedArchiveFile=libs/classes-1.jsa"]


def test_another_java_gets_an_archive_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = archive.archive_of(tmp_path)
    (tmp_path / "other" / "bin").mkdir(parents=True)
    (tmp_path / "other" / "bin" / "java").write_text("another")
    (tmp_path / "other" / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "other"))
    assert archive.archive_of(tmp_path) != mine
