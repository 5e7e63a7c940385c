"""Values kept as two files come back as they were, mapped and not to be written to; damage is always noticed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claims.packed import ARRAYS, PLAN, DamagedError, about, pack, unpack


@dataclass(frozen=True)
class Book:
    """Something of each kind."""

    stamp: np.ndarray
    codes: dict[str | None, int]
    prices: dict[str, float]
    parts: dict[str, Any]
    count: int
    day: str | None


def book() -> Book:
    """With an empty array, a flat and a deep one, and texts of any alphabet."""
    return Book(
        np.array([1, 2**60], np.int64),
        {None: 0, "": 1, "Zürich\n\u2028": 2},
        {"62323": 0.1},
        {
            "none": {},
            "nan": np.array([[np.nan, 1.0]], np.float32),
            "empty": np.zeros((0, 3), np.int8),
            "deep": {"a": 1},
        },
        7,
        None,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A book that was packed."""
    pack({"book": book()}, tmp_path, {"data": "v1"})
    return tmp_path


def test_comes_back_as_it_was(folder: Path) -> None:
    assert about(folder) == {"data": "v1"}
    told, given = unpack(folder, [Book])["book"], book()
    assert (told.codes, told.prices, told.count, told.day) == (given.codes, given.prices, 7, None)
    assert list(told.codes) == list(given.codes)
    pairs = [(told.stamp, given.stamp), *((told.parts[name], given.parts[name]) for name in ("nan", "empty"))]
    for mine, theirs in pairs:
        assert (mine.dtype, mine.shape, mine.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())
    assert (told.parts["none"], told.parts["deep"]) == ({}, {"a": 1})
    with pytest.raises(ValueError, match="read-only"):
        told.stamp[0] = 3


def test_nobody_else_may_read_it(folder: Path) -> None:
    assert {(folder / name).stat().st_mode & 0o777 for name in (ARRAYS, PLAN)} == {0o600}


@pytest.mark.parametrize("name", [ARRAYS, PLAN])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "gone"])
def test_damage_is_noticed(folder: Path, name: str, harm: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    changed = {"flip": bytes(content), "cut": bytes(content[:-1]), "empty": b""}
    (folder / name).unlink() if harm == "gone" else (folder / name).write_bytes(changed[harm])
    with pytest.raises(DamagedError):
        unpack(folder, [Book])


def test_files_of_two_values_do_not_go_together(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    pack({"book": np.zeros(3)}, other, {"data": "v1"})
    (folder / ARRAYS).write_bytes((other / ARRAYS).read_bytes())
    with pytest.raises(DamagedError, match="changed"):
        unpack(folder, [Book])


def test_only_the_classes_that_are_asked_for_are_made(folder: Path) -> None:
    with pytest.raises(DamagedError):
        unpack(folder, [])


def test_what_cannot_be_kept(tmp_path: Path) -> None:
    for value in (date(2026, 1, 1), np.array(["text"]), [1]):
        with pytest.raises(TypeError):
            pack({"value": value}, tmp_path, {})
