"""Master keys: the newest wraps, older ones open, a changed file is followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from infra.master_keys import (
    KeyFileError,
    MasterKeys,
    UnknownMasterKeyError,
    key_id,
    read_keys,
    write_keys,
)

OLD, NEW = b"o" * 32, b"n" * 32
KEY = b"k" * 32


def test_what_a_key_wrapped_it_opens_and_says_which_it_was() -> None:
    master = MasterKeys((OLD,), os.urandom)
    wrapped, by = master.wrap("ada", KEY)
    assert by == key_id(OLD) == master.newest
    assert KEY not in wrapped
    assert len(wrapped) == 12 + 32 + 16
    assert master.unwrap("ada", wrapped, by) == KEY


def test_the_same_key_is_never_wrapped_to_the_same_bytes() -> None:
    master = MasterKeys((OLD,), os.urandom)
    assert master.wrap("ada", KEY) != master.wrap("ada", KEY)


def test_the_newest_wraps_and_older_ones_open() -> None:
    wrapped, by = MasterKeys((OLD,), os.urandom).wrap("ada", KEY)
    both = MasterKeys((NEW, OLD), os.urandom)
    assert both.unwrap("ada", wrapped, by) == KEY
    assert both.wrap("ada", KEY)[1] == key_id(NEW)


def test_what_was_wrapped_before_there_were_ids_opens_with_any_that_fits() -> None:
    wrapped, _ = MasterKeys((OLD,), os.urandom).wrap("ada", KEY)
    assert MasterKeys((NEW, OLD), os.urandom).unwrap("ada", wrapped, None) == KEY


@pytest.mark.parametrize("by", [None, key_id(OLD)])
def test_without_the_key_nothing_opens(by: bytes | None) -> None:
    wrapped, _ = MasterKeys((OLD,), os.urandom).wrap("ada", KEY)
    with pytest.raises(UnknownMasterKeyError, match="ada"):
        MasterKeys((NEW,), os.urandom).unwrap("ada", wrapped, by)


def test_a_key_does_not_open_as_somebody_elses_nor_when_a_bit_is_turned() -> None:
    master = MasterKeys((OLD,), os.urandom)
    wrapped, by = master.wrap("ada", KEY)
    turned = bytes([*wrapped[:20], wrapped[20] ^ 1, *wrapped[21:]])
    for subject, value in (("bob", wrapped), ("ada", turned)):
        with pytest.raises((UnknownMasterKeyError, InvalidTag)):
            master.unwrap(subject, value, by)


def test_a_changed_file_is_followed_before_wrapping_and_when_opening(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    write_keys(path, (OLD,))
    wraps, opens = (MasterKeys.of_file(path, os.urandom) for _ in range(2))
    write_keys(path, (NEW, OLD))
    wrapped, by = wraps.wrap("ada", KEY)
    assert by == key_id(NEW)
    assert opens.unwrap("ada", wrapped, by) == KEY


def test_a_file_that_is_away_for_a_moment_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    write_keys(path, (OLD,))
    master = MasterKeys.of_file(path, os.urandom)
    path.unlink()
    assert master.wrap("ada", KEY)[1] == key_id(OLD)


def test_a_written_file_is_its_owners_only_and_holds_a_key_a_line(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    write_keys(path, (NEW, OLD))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == f"{NEW.hex()}\n{OLD.hex()}\n"
    assert read_keys(path) == (NEW, OLD)


@pytest.mark.parametrize("content", ["", "\n", "zz" * 32, "ab" * 31, f"{'ab' * 32}\n{'cd' * 16}"])
def test_a_file_that_holds_no_keys_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(content)
    with pytest.raises(KeyFileError, match=r"master\.key"):
        read_keys(path)
