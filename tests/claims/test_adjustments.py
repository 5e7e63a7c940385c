"""The table of classes and the reading of adjustment codes."""

from __future__ import annotations

from pathlib import Path

import ascii_table
import polars as pl
import pytest

from claims.adjustments import load_classes
from claims.errors import UnreadableFileError
from claims.label import label_lines
from claims.match import match_outcomes


def outcome_of(adjustments: str, classes: pl.DataFrame) -> tuple[object, ...]:
    lines = ascii_table.lines("claim_id | charge\nA | 100.00")
    outcomes = ascii_table.outcomes(
        f"claim_id | line | charge | paid | adjustments\nA | 1 | 100.00 | 0 | {adjustments}"
    )
    return label_lines(lines, match_outcomes(lines, outcomes), classes).select("outcome", "category", "carc").row(0)


def written(folder: Path, *rows: str) -> Path:
    file = folder / "classes.csv"
    file.write_text("\n".join(["group,carc,class,category", *rows]) + "\n", encoding="utf-8")
    return file


def test_a_site_replaces_rows_and_keeps_the_rest(tmp_path: Path) -> None:
    classes = load_classes(written(tmp_path, ",45,denial,other", ",*,contractual,", "PR,50,cost_share,"))
    assert classes.height == load_classes().height + 1
    assert outcome_of("CO-45:100.00", classes) == ("denied", "other", "45")
    assert outcome_of("CO-301:100.00", classes) == ("full_contractual", None, None)
    assert outcome_of("CO-197:100.00", classes) == ("denied", "authorization", "197")


def test_a_row_with_a_group_wins(tmp_path: Path) -> None:
    classes = load_classes(written(tmp_path, "PR,50,cost_share,"))
    assert outcome_of("PR-50:100.00", classes) == ("cost_share_only", None, None)
    assert outcome_of("CO-50:100.00", classes) == ("denied", "medical_necessity", "50")
    assert outcome_of("50:100.00", classes) == ("denied", "medical_necessity", "50")


def test_without_a_row_for_other_codes_they_deny() -> None:
    assert outcome_of("CO-301:100.00", load_classes().filter(pl.col("carc") != "*")) == ("denied", "other", "301")


@pytest.mark.parametrize("row", [
    ",50,refusal,", ",50,denial,", ",50,denial,weather", ",45,contractual,coding", ",45,,",
])  # fmt: skip
def test_a_class_that_does_not_exist_is_named_by_its_row(tmp_path: Path, row: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"classes\.csv: no such class and category in row 3"):
        load_classes(written(tmp_path, ",45,contractual,", row))


def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name in ("other.csv", "absent.csv"):
        with pytest.raises(UnreadableFileError, match=f"{name}: no table of group, carc"):
            load_classes(tmp_path / name)
