"""The verbs, one after the other, on real files and real stores; exit codes and what is said with them."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from command import Run

AS_OF = "2026-11-01"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture
def home(site: Path) -> Iterator[Path]:
    """The verbs below share one home, in the order of this file."""
    yield site


def test_without_a_model_the_starting_one_answers_and_says_so(denials: Run, files: Path, site: Path) -> None:
    answer = denials("score", files / "lines.csv", "--out", site / "out.csv")
    assert answer.code == 0
    assert "No trained model serves" in answer.err and "denials train" in answer.err
    scored = pl.read_csv(site / "out.csv", infer_schema_length=None)
    assert scored.select(pl.col("model_version", "evidence", "decision").unique()).row(0) == (
        "starting",
        "none",
        "review",
    )


def test_a_model_that_is_not_there_is_exit_14_and_says_what_to_do(denials: Run, files: Path, site: Path) -> None:
    answer = denials("score", files / "lines.csv", "--out", site / "lost.csv", "--model", "challenger")
    assert answer.code == 14
    assert "denials train" in answer.err and "Traceback" not in answer.err
    assert not (site / "lost.csv").exists()


def test_nothing_to_learn_from_says_so(denials: Run) -> None:
    answer = denials("train", "--as-of", AS_OF)
    assert answer.code == 2
    assert "ingest" in answer.err


def test_ingest_takes_a_folder_and_counts_every_row(denials: Run, files: Path) -> None:
    answer = denials("ingest", files, "--json")
    assert answer.code == 0
    by_name = {entry["file"]: entry for entry in answer.json["files"]}
    rows = pl.read_csv(files / "lines.csv", infer_schema=False)
    assert by_name["lines.csv"]["lines_accepted"] + by_name["lines.csv"]["lines_rejected"] == rows.height
    assert by_name["lines.csv"]["claims_accepted"] == rows["claim_id"].n_unique()
    assert by_name["outcomes.csv"]["kind"] == "outcomes"
    assert by_name["authorizations.csv"]["authorizations_accepted"] > 0


def test_ingest_again_changes_nothing(denials: Run, files: Path) -> None:
    before = denials("doctor", "--json").json["checks"]
    again = denials("ingest", files, "--json").json["files"]
    assert all(entry["new"] == entry["new_versions"] == 0 for entry in again)
    assert denials("doctor", "--json").json["checks"] == before


def test_train_registers_a_challenger_and_answers_to_the_contract(denials: Run) -> None:
    answer = denials("train", "--as-of", AS_OF, "--json")
    assert answer.code == 0
    assert set(answer.json) >= {"run_id", "model_version", "as_of", "trained_through", "lines_used", "lines_immature",
                                "metrics", "baselines", "gate"}  # fmt: skip
    assert {"auroc", "auprc", "brier", "ece", "recall_at_p95"} <= set(answer.json["metrics"])
    assert answer.json["as_of"] == AS_OF and answer.json["lines_used"] > 1_000
    assert all(set(check) == {"code", "outcome", "detail"} for check in answer.json["gate"])


def test_promote_lets_it_serve(denials: Run, site: Path) -> None:
    answer = denials("promote", "--json")
    assert answer.code == 0, answer.err
    assert (site / "models" / "champion" / "booster.txt").exists()


def test_score_writes_one_row_for_every_row(denials: Run, files: Path, site: Path) -> None:
    lines = pl.read_csv(files / "lines.csv", infer_schema=False).tail(40)
    broken = lines.with_columns(
        claim_line_start_date=pl.when(pl.int_range(pl.len()) == 3)
        .then(pl.lit("soon"))
        .otherwise("claim_line_start_date")
    )
    broken.write_csv(site / "new.csv")
    answer = denials("score", site / "new.csv", "--out", site / "scored.csv", "--explain", "top")
    assert answer.code == 0, answer.err
    scored = pl.read_csv(site / "scored.csv")
    assert scored["claim_id"].to_list() == lines["claim_id"].to_list()
    assert scored["denial_risk"].null_count() == 1 and scored["error"][3] is not None
    drivers = pl.read_csv(site / "scored.drivers.csv", infer_schema_length=None)
    sums = drivers.group_by("claim_id", "claim_line_number").agg(pl.col("shap").sum())
    checked = scored.drop_nulls("raw_score").join(sums, on=["claim_id", "claim_line_number"])
    assert ((checked["base_value"] + checked["shap"] - checked["raw_score"]).abs() < 1e-9).all()


def test_explain_says_why_in_words(denials: Run, site: Path) -> None:
    answer = denials("explain", site / "new.csv", "--claims", 2)
    assert answer.code == 0, answer.err
    assert answer.out.count("Claim ") >= 2 and "risk" in answer.out
    assert len(denials("explain", site / "new.csv", "--json").json["claims"]) == 3


def test_explain_reads_a_foreign_export_with_its_map(denials: Run, site: Path) -> None:
    pl.read_csv(site / "new.csv", infer_schema=False).rename({"hcpcs_code": "CPT"}).write_csv(site / "foreign.csv")
    (site / "map.toml").write_text('[columns]\nhcpcs_code = "CPT"\n')
    answer = denials("explain", site / "foreign.csv", "--map", site / "map.toml", "--json")
    assert answer.code == 0, answer.err
    assert len(answer.json["claims"]) == 3
    assert denials("explain", site / "foreign.csv").code != 0


def test_evaluate_holds_the_gate_again(denials: Run) -> None:
    answer = denials("evaluate", "--json")
    assert answer.code in (0, 13)
    failed = [check for check in answer.json["gate"] if check["outcome"] == "failed"]
    assert (answer.code == 13) == bool(failed)


def test_rollback_without_a_previous_model_says_so(denials: Run) -> None:
    answer = denials("rollback")
    assert answer.code == 14
    assert "previous" in answer.err


def test_report_is_one_page(denials: Run, site: Path) -> None:
    answer = denials("report", "--out", site / "report.html")
    assert answer.code == 0, answer.err
    assert (site / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_serve_refuses_another_address_than_loopback(denials: Run) -> None:
    answer = denials("serve", "--host", "0.0.0.0")
    assert answer.code == 2
    assert "loopback" in answer.err


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("", 10, "empty"),
        ("claim_id,claim_line_no,claim_line_start_date,payer_id,hcpcs_code\n1,1,2026-01-01,P,64483\n", 10, "claim_line_number"),
        ("name,city\nx,y\n", 10, "columns"),
        ("claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code\n1,1,soon,P,64483\n", 11, "rejected"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_taken(content: str, code: int, words: str, denials: Run, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text(content)
    answer = denials("ingest", file)
    assert answer.code == code, answer.err
    assert words in answer.err.lower()


def test_a_broken_setting_is_named(denials: Run, site: Path) -> None:
    (site / "denials.toml").write_text("[maturity]\nmin_days = 'soon'\n")
    answer = denials("doctor")
    (site / "denials.toml").unlink()
    assert answer.code == 2
    assert "maturity.min_days" in answer.err


@pytest.mark.parametrize(
    ("content", "words"), [(b"[serving]\nport = = 1\n", "line 2, column 8"), (b"# one\n# caf\xe9\n", "line 2")]
)
def test_settings_that_cannot_be_read_say_where(
    content: bytes, words: str, denials: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "denials.toml").write_bytes(content)
    monkeypatch.setenv("DENIALS_HOME", str(tmp_path))
    answer = denials("doctor")
    assert answer.code == 2
    assert "denials.toml" in answer.err and words in answer.err and "Traceback" not in answer.err


def test_help_names_every_verb(denials: Run) -> None:
    said = denials("--help").out
    verbs = (
        "demo generate ingest check train evaluate promote rollback score explain report rules serve schedule doctor"
    )
    assert all(verb in said for verb in verbs.split())
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("verb", ["ingest", "check", "score", "explain"])
def test_help_says_which_files_a_verb_takes(denials: Run, verb: str) -> None:
    said = denials(verb, "--help").out
    assert all(kind in said for kind in ("837", "FHIR", "CSV", "Parquet"))
    assert ("835" in said) == (verb == "ingest")


def test_generate_writes_files(denials: Run, tmp_path: Path) -> None:
    truth = tmp_path / "apart" / "truth.csv"
    answer = denials("generate", "--world", "small", "--claims", 50, "--out", tmp_path / "g", "--truth", truth)
    assert answer.code == 0, answer.err
    assert {f.name for f in (tmp_path / "g").iterdir()} == {"lines.csv", "outcomes.csv", "authorizations.csv"}
    assert pl.read_csv(truth).height == pl.read_csv(tmp_path / "g" / "lines.csv").height
    assert denials("generate", "--world", "nowhere", "--out", tmp_path / "g").code == 2


@pytest.mark.parametrize(
    ("form", "names"),
    [("x12", {"837", "835", "277"}), ("fhir", {"bundle.json", "claims.ndjson", "remittances.ndjson"})],
)
def test_generate_writes_x12_and_fhir_that_ingest_takes(
    denials: Run, form: str, names: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DENIALS_HOME", str(tmp_path / "home"))
    answer = denials("generate", "--world", "small", "--claims", 300, "--out", tmp_path / "g", "--form", form)
    assert answer.code == 0, answer.err
    assert {f.name for f in (tmp_path / "g").iterdir()} == {*names, "authorizations.csv"}
    taken = denials("ingest", tmp_path / "g", "--json").json["files"]
    assert sum(file["outcomes_accepted"] for file in taken) == sum(file["matched"] for file in taken) > 300
    assert sum(file["lines_accepted"] for file in taken) > 600 and not any(file["lines_rejected"] for file in taken)
    assert denials("generate", "--out", tmp_path / "g", "--form", "edi").code == 2


def test_json_is_json_alone(denials: Run) -> None:
    json.loads(denials("doctor", "--json").out)
