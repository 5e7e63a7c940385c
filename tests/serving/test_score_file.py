"""A file in, a table out: every format, rows in their place, drivers that add up, and nothing half written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from claims.errors import UnreadableFileError, UsageError
from data.synthetic.generate import Generated
from serving import score_file
from serving.batch import DRIVERS, drivers_path
from serving.score import Scorer
from serving.sheet import COLUMNS
from serving.sink import Sink

READ: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),
    ".parquet": pl.read_parquet,
    ".json": lambda path: pl.DataFrame(json.loads(path.read_text()), infer_schema_length=None),
}


@pytest.fixture
def given(flat: pl.DataFrame, tmp_path: Path) -> Path:
    """A file of forty lines, the third of which has no payer."""
    path = tmp_path / "in.csv"
    third = pl.int_range(pl.len()) == 2
    flat.with_columns(payer_id=pl.when(third).then(pl.lit("")).otherwise("payer_id")).write_csv(path)
    return path


@pytest.mark.parametrize("ending", list(READ))
def test_every_format_holds_the_same(scorer: Scorer, given: Path, ending: str) -> None:
    out = given.with_name(f"out{ending}")
    written = score_file(scorer, given, out, explain="top")
    assert (written.rows, written.scored) == (40, 39)
    assert written.drivers == given.with_name(f"out.drivers{ending}") == drivers_path(out)
    table, drivers = READ[ending](out), READ[ending](written.drivers)
    assert table.columns == list(COLUMNS)
    assert drivers.columns == list(DRIVERS)
    assert table["error"].is_not_null().sum() == 1 if ending != ".csv" else table["error"][2]
    expected = scorer.score(given)
    assert table["denial_risk"].cast(pl.Float64).to_list() == expected["denial_risk"].to_list()
    assert table["expected_loss"].cast(pl.Decimal(12, 2)).to_list() == expected["expected_loss"].to_list()
    shap = drivers["shap"].cast(pl.Float64).sum()
    moved = (expected["raw_score"] - expected["base_value"]).sum()
    assert shap == pytest.approx(moved, abs=1e-8)
    assert not list(given.parent.glob(".*"))


def test_drivers_in_full(scorer: Scorer, given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.batch.PART", 7)
    told: list[tuple[str, float]] = []
    out = given.with_name("out.parquet")
    score_file(scorer, given, out, "full", lambda words, share: told.append((words, share)))
    drivers = pl.read_parquet(drivers_path(out))
    assert drivers.schema == pl.DataFrame(schema=DRIVERS).schema
    assert "other" not in drivers["feature"]
    lines = drivers.group_by("claim_id", "claim_line_number").agg(pl.col("shap").sum())
    both = pl.read_parquet(out).join(lines, on=["claim_id", "claim_line_number"])
    assert ((both["base_value"] + both["shap"] - both["raw_score"]).abs() < 1e-9).all()
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 6


def test_in_parts_as_at_once(scorer: Scorer, world: Generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of many days, the first and last of which are bad: parts see what the whole file says of earlier days."""
    given = world.lines.tail(600).with_columns(claim_id="new-" + pl.col("claim_id"))  # none of them is stored
    ends = pl.int_range(pl.len()).is_in([0, 300, 599])
    given.with_columns(payer_id=pl.when(ends).then(pl.lit("")).otherwise("payer_id")).write_csv(tmp_path / "in.csv")
    score_file(scorer, tmp_path / "in.csv", tmp_path / "whole.parquet", "top")
    monkeypatch.setattr("rules.blocks.BLOCK", 50)
    told: list[float] = []
    score_file(scorer, tmp_path / "in.csv", tmp_path / "parts.parquet", "top", lambda _, share: told.append(share))
    assert len(told) > 10 and told == sorted(told)
    for name in ("whole", "whole.drivers"):
        one, other = (pl.read_parquet(tmp_path / f"{at}.parquet") for at in (name, name.replace("whole", "parts")))
        assert one.drop("score_id", strict=False).equals(other.drop("score_id", strict=False))
    table = pl.read_parquet(tmp_path / "parts.parquet")
    assert table["claim_id"].to_list() == [str(one) for one in given["claim_id"]]
    assert table["error"].is_not_null().arg_true().to_list() == [0, 300, 599]
    claims = table.drop_nulls("score_id").group_by("score_id").agg(pl.col("claim_id").n_unique())
    assert claims["claim_id"].max() == 1


def test_claims_that_do_not_stand_together_keep_their_rows(
    scorer: Scorer, world: Generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules.blocks.BLOCK", 50)
    given = world.lines.tail(300).sample(fraction=1.0, shuffle=True, seed=1)
    given.write_csv(tmp_path / "in.csv")
    score_file(scorer, tmp_path / "in.csv", tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet")["claim_id"].to_list() == given["claim_id"].to_list()


def test_without_explanation_there_is_one_file(scorer: Scorer, given: Path) -> None:
    written = score_file(scorer, given, given.with_name("out.csv"))
    assert written.drivers is None
    assert sorted(path.name for path in given.parent.iterdir()) == ["in.csv", "out.csv"]


@pytest.mark.parametrize("name", ["out.xlsx", "out", "missing/out.csv"])
def test_where_nothing_can_be_written(scorer: Scorer, given: Path, name: str) -> None:
    with pytest.raises(UsageError):
        score_file(scorer, given, given.parent / name)


def test_what_cannot_be_scored(scorer: Scorer, given: Path) -> None:
    given.write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableFileError):
        score_file(scorer, given, given.with_name("out.csv"))
    assert [path.name for path in given.parent.iterdir()] == ["in.csv"]


def test_every_line_bad(scorer: Scorer, given: Path) -> None:
    given.write_text("claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code\nA,1,never,P,99213\n")
    for ending in READ:
        out = given.with_name(f"out{ending}")
        assert score_file(scorer, given, out, "full").scored == 0
        assert READ[ending](drivers_path(out)).is_empty()
        assert READ[ending](out)["denial_risk"].to_list() == [None]


def test_a_table_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with Sink(tmp_path / "x.csv", {"a": pl.Int64()}) as sink:
            sink.write(pl.DataFrame({"a": [1]}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())
