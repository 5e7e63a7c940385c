"""What programs rely on: names, nesting and types over HTTP, columns of files, keys of --json, exit codes."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from site_run import AS_OF, Answer, Done, Site
from starlette.testclient import TestClient

from claims.label import CATEGORIES
from claims.settings import load_settings
from dashboard.app import create_app
from rules.parameters import KINDS
from training import exactness

Json = dict[str, Any]
REQUEST: Json = {
    "claims": [
        {
            "claim_id": "AC-7001", "submitted_date": None, "payer_id": "SYN02", "payer_name": "Birch Mutual",
            "claim_filing_indicator_code": "CI", "payer_responsibility_code": "P", "member_id": "B55210",
            "patient_birth_date": "1966-08-21", "patient_sex": "M", "billing_npi": "9800000001",
            "rendering_npi": "9700000001", "service_state": "KY", "place_of_service_code": "11",
            "claim_frequency_code": "1", "diagnosis_codes": ["M47.816", "M54.50"],
            "prior_authorization_number": "AU-9", "documentation": {"doc_pain_score": 6, "doc_imaging": False},
            "extra": {"x_referral_source": "self"},
            "lines": [
                {"claim_line_number": 1, "claim_line_start_date": "2026-10-29", "hcpcs_code": "64493",
                 "modifiers": [], "service_unit_quantity": 1, "charge_amount": "910.00", "diagnosis_pointers": [1]},
                {"claim_line_number": 2, "claim_line_start_date": "2026-10-29", "hcpcs_code": "99213",
                 "modifiers": [], "service_unit_quantity": 1, "charge_amount": "185.50", "diagnosis_pointers": [1, 2]},
                {"claim_line_number": 3, "claim_line_start_date": "some day", "hcpcs_code": "77003"},
            ],
            "line_note": None,
        },
        {"claim_id": "AC-7002", "payer_id": "SYN02", "lines": [{"claim_line_number": 1,
                                                                "claim_line_start_date": "2026-10-29"}]},
    ]
}  # fmt: skip

# Every place of a response and the type of what stands there; [] is any entry of a list. NULL and EMPTY: what no part
# of the system says yet; whoever teaches it to speak changes the line here.
RISK, LOG_ODDS, TEXT, WHOLE, NULL, EMPTY = "risk", "log-odds", "text", "whole number", "null", "empty list"
MONEY, DAY, SHA, ID, ANY = "USD", "day", "sha256", "uuid 7", "any single value"
SCHEMA = {
    "model.name": TEXT, "model.version": TEXT, "model.trained_through": DAY, "model.catalog_digest": SHA,
    "rules_version": SHA, "history_through": DAY,
    "claims[].claim_id": TEXT, "claims[].score_id": ID, "claims[].claim_denial_risk": RISK,
    "claims[].risk_interval[]": RISK, "claims[].band": ("low", "medium", "high"),
    "claims[].decision": ("submit", "review", "hold"), "claims[].expected_loss": MONEY,
    "claims[].evidence": ("high", "medium", "low", "none"),
    "claims[].reasons[].category": CATEGORIES, "claims[].reasons[].probability": RISK,
    "claims[].reasons[].carc": EMPTY, "claims[].reasons[].carc[]": TEXT,
    "claims[].lines[].claim_line_number": WHOLE, "claims[].lines[].hcpcs_code": TEXT,
    "claims[].lines[].denial_risk": RISK, "claims[].lines[].raw_score": LOG_ODDS,
    "claims[].lines[].base_value": LOG_ODDS, "claims[].lines[].expected_loss": MONEY,
    "claims[].lines[].reasons[].category": CATEGORIES, "claims[].lines[].reasons[].probability": RISK,
    "claims[].lines[].reasons[].carc": EMPTY, "claims[].lines[].reasons[].carc[]": TEXT,
    "claims[].lines[].drivers[].feature": TEXT, "claims[].lines[].drivers[].concept": TEXT,
    "claims[].lines[].drivers[].value": ANY, "claims[].lines[].drivers[].shap": LOG_ODDS,
    "claims[].lines[].drivers[].sentence": (TEXT, NULL), "claims[].lines[].findings": EMPTY,
    "claims[].lines[].findings[].rule_id": TEXT, "claims[].lines[].findings[].kind": tuple(KINDS),
    "claims[].lines[].findings[].outcome": ("broken",), "claims[].lines[].findings[].message": TEXT,
    "claims[].lines[].findings[].remedy": TEXT, "claims[].lines[].findings[].field": TEXT,
    "claims[].lines[].findings[].suggested": (TEXT, NULL), "claims[].lines[].findings[].carc": TEXT,
    "claims[].lines[].findings[].citation": TEXT, "claims[].lines[].findings[].checked_on": DAY,
    "claims[].lines[].findings[].standing": ("stated", "observed", "assumed"),
    "claims[].corrections": EMPTY, "claims[].errors[].field": TEXT, "claims[].errors[].message": TEXT,
    "rejected[].index": WHOLE, "rejected[].claim_id": TEXT, "rejected[].errors[].field": TEXT,
    "rejected[].errors[].message": TEXT,
}  # fmt: skip
PATTERNS = {
    MONEY: r"^\d+\.\d\d$", DAY: r"^\d{4}-\d\d-\d\d$", SHA: "^sha256:[0-9a-f]{64}$", TEXT: "(?s)^.+$",
    ID: "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
}  # fmt: skip


def told(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value (or empty list) of an answer with its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from told(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from told(inner, f"{place}[]")
    else:
        yield place, value


def fits(value: Any, kind: str | tuple[str, ...]) -> bool:
    if isinstance(kind, tuple):
        return any(value == one if one not in (TEXT, NULL) else fits(value, one) for one in kind)
    if kind in PATTERNS:
        return type(value) is str and pl.select(pl.lit(value).str.contains(PATTERNS[kind])).item()
    return {
        RISK: type(value) is float and 0 < value < 1, LOG_ODDS: type(value) is float, WHOLE: type(value) is int,
        NULL: value is None, EMPTY: value == [], ANY: type(value) in (str, float, bool, type(None)),
    }[kind]  # fmt: skip


def departures(answer: Json) -> list[str]:
    """Places that the schema does not know, or that hold something else; and places that are missing."""
    found = list(told(answer))
    wrong = [place for place, value in found if place not in SCHEMA or not fits(value, SCHEMA[place])]
    return sorted({*wrong, *(SCHEMA.keys() - {place for place, _ in found})})


@pytest.fixture(scope="module")
def answer(home: Path) -> Json:
    """The real service's answer to the request, with the model of the site."""
    with TestClient(create_app(load_settings(home))) as client:
        response = client.post("/v1/score", json=REQUEST)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    return dict(response.json())


def test_the_answer_has_the_names_the_nesting_and_the_types_of_the_contract(answer: Json) -> None:
    assert departures(answer) == []
    assert list(answer) == ["model", "rules_version", "history_through", "claims", "rejected"]


def test_what_is_wrong_is_told_where_it_stands(answer: Json) -> None:
    (claim,), (rejected,) = answer["claims"], answer["rejected"]
    assert claim["claim_id"] == "AC-7001" and [line["claim_line_number"] for line in claim["lines"]] == [1, 2]
    assert [error["field"] for error in claim["errors"]] == ["lines[2].claim_line_start_date"]
    assert rejected == {
        "index": 1, "claim_id": "AC-7002", "errors": [{"field": "lines[0].hcpcs_code", "message": "missing"}],
    }  # fmt: skip


def shown(reasons: list[Json]) -> float:
    """What the probabilities add up to, of reasons that are each told once, most likely first."""
    told = [reason["probability"] for reason in reasons]
    assert told == sorted(told, reverse=True) and len({reason["category"] for reason in reasons}) == len(reasons)
    return math.fsum(told)


def test_the_numbers_of_the_answer_belong_together(answer: Json) -> None:
    claim = answer["claims"][0]
    for line in claim["lines"]:
        assert line["base_value"] + sum(d["shap"] for d in line["drivers"]) == pytest.approx(
            line["raw_score"], abs=1e-9
        )
        assert line["drivers"][-1]["feature"] == "other"
        assert shown(line["reasons"]) == pytest.approx(line["denial_risk"], abs=1e-12)
    assert shown(claim["reasons"]) == pytest.approx(claim["claim_denial_risk"], abs=1e-12)
    assert claim["claim_denial_risk"] >= max(line["denial_risk"] for line in claim["lines"])
    losses = sum(round(float(line["expected_loss"]) * 100) for line in claim["lines"])
    assert round(float(claim["expected_loss"]) * 100) == losses
    assert (claim["band"], claim["decision"]) in {("low", "submit"), ("medium", "review"), ("high", "hold")}
    low, high = claim["risk_interval"]
    assert low < claim["claim_denial_risk"] < high


@pytest.mark.parametrize(
    ("place", "value"),
    [("claims.0.risk_interval", None), ("claims.0.evidence", "some"), ("claims.0.expected_loss", 12.0), ("claims.0.lines.0.denial_risk", "0.1"),
     ("claims.0.lines.0.more", 1), ("model.trained_through", "31/10/2026")],
)  # fmt: skip
def test_the_schema_sees_a_departure(answer: Json, place: str, value: Any) -> None:
    changed: Any = json.loads(json.dumps(answer))
    *way, last = place.split(".")
    at = changed
    for step in way:
        at = at[int(step) if step.isdigit() else step]
    at[last] = value
    assert departures(changed)


SCORED = [
    "claim_id", "claim_line_number", "score_id", "denial_risk", "claim_denial_risk", "risk_low", "risk_high", "raw_score",
    "base_value", "band", "decision", "expected_loss", "evidence", "reason_1", "reason_1_probability", "reason_2",
    "reason_2_probability", "reason_3", "reason_3_probability", "model_version", "history_through", "error",
]  # fmt: skip


def test_the_columns_of_a_scored_file(done: Done) -> None:
    site = done.site
    scored = pl.read_csv(site.answers / "scored.csv", infer_schema_length=None)
    given = pl.read_csv(site.input / "new.csv", infer_schema=False)
    assert scored.columns == SCORED
    assert scored["claim_id"].cast(pl.String).to_list() == given["claim_id"].to_list()
    lost = scored.filter(pl.col("error").is_not_null())
    kept = scored.filter(pl.col("error").is_null())
    assert len(kept) and len(lost)
    assert all(lost[name].null_count() == len(lost) for name in SCORED[2:21])
    assert all(
        kept[name].null_count() == 0 for name in ("score_id", "denial_risk", "claim_denial_risk", "raw_score", "band")
    )
    drivers = pl.read_csv(site.answers / "scored.drivers.csv", infer_schema=False)
    assert drivers.columns == ["claim_id", "claim_line_number", "feature", "concept", "value", "shap", "sentence"]


def test_the_keys_of_ingest(done: Done) -> None:
    assert list(done.ingest.json) == ["files"]
    keys = {"file", "kind", "reasons"} | {
        f"{what}_{became}" for what in ("claims", "lines", "outcomes") for became in ("accepted", "rejected")
    }
    for file in done.ingest.json["files"]:
        assert keys <= file.keys()
        assert all(type(count) is int for count in file["reasons"].values())
        told_rejected = sum(file[f"{table}_rejected"] for table in ("lines", "outcomes", "authorizations"))
        assert sum(file["reasons"].values()) == told_rejected > 0


def test_the_keys_of_train(done: Done) -> None:
    answer = done.train.json
    assert list(answer) == ["run_id", "model_version", "as_of", "trained_through", "lines_used", "lines_immature",
                            "metrics", "baselines", "gate"]  # fmt: skip
    assert {"auroc", "auprc", "brier", "ece", "recall_at_p95"} <= answer["metrics"].keys()
    assert answer["baselines"].keys() == {"payer_cpt", "logistic_regression"}
    assert [list(check) for check in answer["gate"]] == [["code", "outcome", "detail"]] * len(answer["gate"])
    assert {check["outcome"] for check in answer["gate"]} <= {"passed", "failed", "not_applicable"}
    assert (answer["as_of"], type(answer["lines_used"])) == (AS_OF, int) and answer["trained_through"] < AS_OF


Change = Callable[[Path], object]


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Site:
    """A copy of the finished site, to be broken."""
    site = Site(tmp_path)
    shutil.copytree(home, site.home, symlinks=True, dirs_exist_ok=True)
    (site.input / "new.csv").write_bytes((home.parent / "input" / "new.csv").read_bytes())
    return site


def check(answer: Answer, code: int, *words: str) -> None:
    """The code, the words, and nothing of a traceback, in lines that a person can read."""
    assert answer.code == code, answer.err
    assert "Traceback" not in answer.err
    assert all(word in answer.err for word in words), answer.err


def score(site: Site) -> Answer:
    return site.denials("score", site.input / "new.csv", "--out", site.answers / "scored.csv")


def test_0_done(done: Done) -> None:
    assert {done.ingest.code, done.train.code, done.promote.code, done.score.code, done.report.code} == {0}


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("train", "--bogus"), ("train", "--as-of", "soon"), ("train", "--as-of", "1900-01-01"),
     ("score", "new.csv"), ("serve", "--host", "0.0.0.0"), ("evaluate", "--from", "1900-01-01")],
    ids=" ".join,
)  # fmt: skip
def test_2_usage(arguments: tuple[str, ...], done: Done) -> None:
    check(done.site.denials(*arguments), 2, "Error: ")


@pytest.mark.parametrize("content", [None, b"", b"\x00\xff" * 99, b"name,city\nx,y\n", b"claim_id," + b"x" * 200_000])
def test_10_unreadable_file(content: bytes | None, tmp_path: Path) -> None:
    site = Site(tmp_path)
    file = site.input / "odd.csv"
    if content is not None:
        file.write_bytes(content)
    check(site.denials("ingest", file), 10, "odd.csv")


def test_11_rejects_above_the_limit(tmp_path: Path) -> None:
    site = Site(tmp_path)
    file = site.input / "lines.csv"
    file.write_text(
        "claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code\n"
        "A,1,soon,P,64483\nB,1,later,P,64483\nC,1,2026-01-05,P,64483\n"
    )
    check(site.denials("ingest", file), 11, "67%", "ingest.max_reject_share")


def test_13_gate_failed(copy: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    champion = (copy.home / "models" / "champion").readlink()
    monkeypatch.setattr(exactness, "ADDITIVE", -1.0)  # a check that no model passes
    evaluated = copy.denials("evaluate", "--json")
    check(evaluated, 13, "the champion stays")
    assert [check["code"] for check in evaluated.json["gate"] if check["outcome"] == "failed"] == ["DEN005"]
    check(copy.denials("promote"), 13, "not promoted")
    monkeypatch.undo()
    check(copy.denials("evaluate", "--from", "2026-09-15"), 2, "no replay can start")
    check(copy.denials("promote"), 13, "not promoted")  # a pass on days of one's own choice does not wash it off
    check(copy.denials("evaluate"), 13, "the champion stays")  # nor one that had too little to judge by
    check(copy.denials("promote"), 13, "not promoted")
    assert (copy.home / "models" / "champion").readlink() == champion


def test_14_no_model(tmp_path: Path, home: Path) -> None:
    site = Site(tmp_path)
    (site.input / "new.csv").write_bytes((home.parent / "input" / "new.csv").read_bytes())
    check(site.denials("promote"), 14, "denials train")
    check(site.denials("rollback"), 14, "denials train")
    assert not list(site.home.iterdir())
    named = site.denials("score", site.input / "new.csv", "--out", site.answers / "scored.csv", "--model", "champion")
    check(named, 14, "denials train")
    assert not list(site.answers.glob("scored*"))
    answer = score(site)  # no model is named: the starting one
    assert answer.code == 0 and "No trained model serves" in answer.err


@pytest.mark.parametrize("name", ["booster.txt", "versions.json", "catalog.json", "golden.jsonl", "card.md"])
def test_14_truncated_model_folder(name: str, copy: Site) -> None:
    file = copy.home / "models" / "champion" / name
    file.write_bytes(file.read_bytes()[:100])
    check(score(copy), 14, name, "denials train")
    file.unlink()
    check(score(copy), 14, name, "denials train")
    assert not list(copy.answers.glob("scored*"))


def test_14_a_used_feature_has_changed(copy: Site) -> None:
    folder = copy.home / "models" / "champion"
    columns = json.loads((folder / "catalog.json").read_text())
    columns[7]["digest"] = "sha256:another"
    columns[9]["name"] = "a_feature_of_old"
    text = json.dumps(columns)
    (folder / "catalog.json").write_text(text)
    versions = json.loads((folder / "versions.json").read_text())
    versions["checksums"]["catalog.json"] = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    (folder / "versions.json").write_text(json.dumps(versions))
    check(score(copy), 14, columns[7]["name"], "a_feature_of_old", "Train anew")
    assert columns[8]["name"] not in score(copy).err


BREAKS: dict[str, tuple[Change, tuple[str, ...]]] = {
    "a folder for mlflow.db": (lambda home: _folder(home / "mlruns" / "mlflow.db"), ("promote",)),
    "no database in mlflow.db": (
        lambda home: (home / "mlruns" / "mlflow.db").write_bytes(b"junk" * 999),
        ("rollback",),
    ),
    "a file for the store": (lambda home: _file(home / "store"), ("train",)),
    "a table without its files": (lambda home: [p.unlink() for p in home.glob("store/lines/*.parquet")], ("report",)),
}


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _file(path: Path) -> None:
    shutil.rmtree(path)
    path.touch()


@pytest.mark.parametrize("way", BREAKS)
def test_15_out_of_reach(way: str, copy: Site) -> None:
    breaks, verb = BREAKS[way]
    breaks(copy.home)
    check(copy.denials(*verb), 15, str(copy.home))
    examined = copy.denials("doctor")
    assert examined.code == 0 and "NOT WELL" in examined.out


def test_15_a_registry_out_of_reach_keeps_what_train_made(copy: Site) -> None:
    """What lies under models/ is whole and can score, and the same command registers it once the store is back."""
    _folder(copy.home / "mlruns" / "mlflow.db")
    serving = (copy.home / "models" / "champion").resolve()
    answer = copy.denials("train", "--as-of", AS_OF, "--json")
    folder = copy.home / "models" / f"unregistered-{AS_OF}"
    check(answer, 15, str(folder), "not registered", f"--as-of {AS_OF}")
    assert answer.json["run_id"] is None and (copy.home / "models" / "champion").resolve() == serving
    scored = copy.denials("score", copy.input / "new.csv", "--out", copy.answers / "kept.csv", "--model", folder)
    assert scored.code == 0
    shutil.rmtree(copy.home / "mlruns")
    again = copy.denials("train", "--as-of", AS_OF, "--json")
    assert again.code == 0 and again.json["run_id"]
    assert [check["outcome"] for check in again.json["gate"]] == [check["outcome"] for check in answer.json["gate"]]


def test_15_a_port_in_use_and_no_prefect_server(copy: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check(copy.denials("serve", "--port", port), 15, f"127.0.0.1:{port}", "another --port")
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    check(copy.denials("schedule"), 15, "PREFECT_API_URL")


def test_2_an_answer_that_cannot_be_written(copy: Site) -> None:
    new = copy.input / "new.csv"
    before = new.read_bytes()
    (copy.answers / "folder.csv").mkdir()
    for out, words in ((new, "itself"), (copy.answers / "folder.csv", "cannot be written"),
                       (copy.answers / "no" / "a.csv", "does not exist"), (copy.answers / "a.xlsx", ".parquet")):  # fmt: skip
        check(copy.denials("score", new, "--out", out), 2, words)
    assert new.read_bytes() == before
    assert [path.name for path in copy.answers.iterdir()] == ["folder.csv"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("DENIALS_TIMEZONE", "Nowhere", "timezone"), ("DENIALS_SERVING__MEDIUM_FROM", "0.9", "medium_from"),
     ("DENIALS_MATURITY__MIN_DAYS", "91", "min_days")],
)  # fmt: skip
def test_2_settings(name: str, value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    check(Site(tmp_path).denials("doctor"), 2, words)
