"""`denials check` and `denials rules`: any file, with and without a store; what is not known is never shown as clean."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import Answer, Run

from data.synthetic import generate, load_world
from rules import blocks
from serving.wire import EXAMPLE

KEYS = [
    "claim_id", "claim_line_number", "rule_id", "kind", "outcome", "message", "remedy", "field", "suggested", "carc",
    "citation", "standing", "checked_on",
]  # fmt: skip
BOOK = """\
payer: Test Plan
applies_to: {{payer_id: [T1]}}
rules:
  - id: TST-FREQ
    kind: frequency
    title: At most one session in a rolling year
    codes: [64999]
    window_days: 365
    values: {{2020-01-01: 1}}
    message: "{{count}} sessions since {{since}}; the plan covers {{limit}}."
    remedy: Check the dates of the earlier sessions.
    audit: true
    reference: [{{title: Test Plan manual}}]
    checked_on: 2026-01-01
    standing: {stated}
  - id: TST-PLACE
    kind: place_of_service
    title: Only in an office
    codes: [64999]
    values: {{2020-01-01: ["11"]}}
    message: "{{place}} is not an office."
    remedy: Check the record for the place.
    checked_on: 2026-01-01
    standing: assumed
"""
LINE = {
    "claim_line_number": "1", "claim_line_start_date": "2026-03-01", "submitted_date": "2026-10-01", "payer_id": "T1",
    "payer_name": "Test Plan", "hcpcs_code": "64999", "member_id": "M1", "patient_birth_date": "1960-01-01",
    "place_of_service_code": "11", "charge_amount": "100.00", "billing_npi": "1234567893",
}  # fmt: skip


@pytest.fixture(autouse=True)
def book(home: Path) -> Path:
    """The site's own book."""
    folder = home / "books" / "payers"
    folder.mkdir(parents=True)
    path = folder / "test_plan.yaml"
    path.write_text(BOOK.format(stated="stated"), encoding="utf-8")
    return path


def claims_file(folder: Path, *claims: dict[str, str], name: str = "claims.csv") -> Path:
    rows = [LINE | {"claim_id": f"C{number}"} | claim for number, claim in enumerate(claims, 1)]
    pl.DataFrame(rows).write_csv(folder / name)
    return folder / name


def found(answer: Answer, prefix: str = "TST") -> list[dict[str, Any]]:
    """The findings on stdout, of the test's own book."""
    rows = [json.loads(line) for line in answer.out.splitlines()]
    return [row for row in rows if row["rule_id"].startswith(prefix)]


def test_a_finding_a_line_with_the_keys_of_the_contract(denials: Run, tmp_path: Path) -> None:
    file = claims_file(tmp_path, {}, {"claim_line_start_date": "2026-05-01"}, {"payer_id": "NOBODY", "payer_name": ""})
    answer = denials("check", file, "--json")
    assert answer.code == 0
    (finding,) = found(answer)
    assert list(finding) == KEYS
    assert (finding["claim_id"], finding["claim_line_number"], finding["rule_id"]) == ("C2", 1, "TST-FREQ")
    assert finding["message"] == "2 sessions since 2025-05-02; the plan covers 1."
    assert (finding["standing"], finding["citation"], finding["checked_on"]) == (
        "stated",
        "Test Plan manual",
        "2026-01-01",
    )
    assert "no rule book for the payer: 1" in answer.err
    assert not (tmp_path / "store").exists()


def test_all_tells_what_is_met_and_not_known_too(denials: Run, tmp_path: Path) -> None:
    answer = denials("check", claims_file(tmp_path, {}, {"payer_id": "NOBODY", "payer_name": ""}), "--json", "--all")
    outcomes = {row["rule_id"]: row["outcome"] for row in found(answer)}
    assert outcomes == {"TST-FREQ": "unknown", "TST-PLACE": "met"}  # no store: earlier sessions are not known
    (gap,) = found(answer, "NO-BOOK")
    assert list(gap) == KEYS and (gap["claim_id"], gap["outcome"], gap["checked_on"]) == ("C2", "unknown", None)


def test_what_the_store_holds_counts(denials: Run, tmp_path: Path) -> None:
    earlier = claims_file(tmp_path, {"claim_id": "OLD", "submitted_date": "2026-03-05"}, name="earlier.csv")
    assert denials("ingest", earlier).code == 0
    file = claims_file(tmp_path, {"claim_line_start_date": "2026-05-01"})
    assert [row["rule_id"] for row in found(denials("check", file, "--json"))] == ["TST-FREQ"]


def test_without_a_day_of_submission_it_is_sent_today(denials: Run, tmp_path: Path) -> None:
    pl.DataFrame([LINE | {"claim_id": "C1", "place_of_service_code": "22"}]).drop("submitted_date").write_csv(
        tmp_path / "claims.csv"
    )
    assert [row["rule_id"] for row in found(denials("check", tmp_path / "claims.csv", "--json"))] == ["TST-PLACE"]


def test_rows_that_cannot_be_read_are_told_and_the_others_checked(denials: Run, tmp_path: Path) -> None:
    file = claims_file(tmp_path, {"place_of_service_code": "22"}, {"claim_line_start_date": "some day"})
    machine, person = denials("check", file, "--json"), denials("check", file)
    assert machine.code == person.code == 0
    assert len(found(machine)) == 1
    for said in (machine.err, person.out):
        assert "1 row could not be read" in said and "claim_line_start_date" in said


def test_what_holds_no_claims_is_exit_10(denials: Run, files: Path, tmp_path: Path) -> None:
    answer = denials("check", files / "outcomes.csv")
    assert answer.code == 10 and "no claim lines" in answer.err
    assert denials("check", tmp_path / "nowhere.837").code == 10


def test_a_book_with_faults_is_exit_12_with_each_of_them(denials: Run, book: Path, tmp_path: Path) -> None:
    book.write_text(
        BOOK.format(stated="maybe").replace("remedy: Check the dates", "x: Check the dates"), encoding="utf-8"
    )
    for verb in (
        ("check", claims_file(tmp_path, {})),
        ("rules", "list"),
        ("rules", "lint"),
        ("rules", "lint", book.parent),
    ):
        answer = denials(*verb)
        assert answer.code == 12, verb
        assert "test_plan.yaml, line 15" in answer.err and "without a remedy" in answer.err


def test_a_claim_without_a_book_is_named_and_not_among_the_clean(denials: Run, tmp_path: Path) -> None:
    answer = denials("check", claims_file(tmp_path, {"payer_id": "NOBODY", "payer_name": "Plan of Nowhere"}, {}))
    assert "NOBODY" in answer.out and "Plan of Nowhere" in answer.out
    assert "Claim C1" in answer.out and "No rule book is for this payer" in answer.out
    counts = dict(line.rsplit(maxsplit=1) for line in answer.out.splitlines() if line.endswith(tuple("0123456789")))
    assert counts["all rules in the books are met"] == "0"
    assert counts["no rule book for the payer"] == "1"


def test_worst_first_and_what_is_left_out_is_said(denials: Run, tmp_path: Path) -> None:
    dear, cheap = {"place_of_service_code": "22", "charge_amount": "900"}, {"place_of_service_code": "22"}
    stated = {"claim_line_start_date": "2026-05-01", "member_id": "M9"}
    file = claims_file(tmp_path, cheap, dear, stated | {"claim_line_start_date": "2026-04-01"}, stated)
    shown = denials("check", file).out
    order = [line.split(",")[0] for line in shown.splitlines() if line.startswith("Claim ")]
    assert order[:3] == ["Claim C4", "Claim C2", "Claim C1"]  # stated, then by the charges
    assert "TST-PLACE [assumed]" in shown and "TST-FREQ [assumed]" not in shown
    first = denials("check", file, "--claims", 1).out
    assert "Claim C4" in first and "Claim C2" not in first and "2 more claims: --claims 3" in first


def test_the_size_of_a_part_changes_nothing(
    denials: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pl.read_csv(files / "lines.csv", infer_schema=False).tail(600).write_csv(tmp_path / "claims.csv")

    def told() -> tuple[Counter[str], str]:
        machine = denials("check", tmp_path / "claims.csv", "--json", "--all")
        return Counter(machine.out.splitlines()), denials("check", tmp_path / "claims.csv").out

    whole = told()
    monkeypatch.setattr(blocks, "BLOCK", 100)
    assert told() == whole
    assert len(whole[0]) > 1_000


def test_audit_says_of_each_claim_whether_it_would_stand(denials: Run, tmp_path: Path) -> None:
    assert denials("ingest", claims_file(tmp_path, {"claim_id": "OLD", "claim_line_start_date": "2020-01-01",
                                                     "submitted_date": "2020-01-02"}, name="old.csv")).code == 0  # fmt: skip
    file = claims_file(tmp_path, {}, {"claim_line_start_date": "2026-05-01"}, {"payer_id": "NOBODY", "member_id": "M7"})
    rows = {
        row["claim_id"]: row for row in map(json.loads, denials("check", file, "--audit", "--json").out.splitlines())
    }
    assert list(rows["C1"]) == ["claim_id", "audit", "broken", "unknown"]
    assert (rows["C1"]["audit"], rows["C1"]["broken"], rows["C1"]["unknown"]) == ("ready", [], [])
    assert (rows["C2"]["audit"], rows["C2"]["broken"]) == ("not ready", ["TST-FREQ"])
    assert (rows["C3"]["audit"], rows["C3"]["unknown"][0]) == ("not known", "NO-BOOK")
    people = denials("check", file, "--audit").out
    assert "Claim C2: not ready. Broken: TST-FREQ." in people and "no rule book for the payer" in people


def test_an_837_and_json_are_checked_as_well(denials: Run, tmp_path: Path) -> None:
    generate(load_world("small"), 60).write(tmp_path, "x12")
    file = min(path for path in (tmp_path / "837").rglob("*") if path.is_file())
    sent = re.findall(r"CLM\*([^*]+)\*", file.read_text(encoding="utf-8"))
    answer = denials("check", file, "--json", "--audit")
    assert [json.loads(row)["claim_id"] for row in answer.out.splitlines()] == sent
    (tmp_path / "request.json").write_text(json.dumps(EXAMPLE), encoding="utf-8")
    assert denials("check", tmp_path / "request.json").code == 0


def test_rules_are_listed_by_kind_and_payer(denials: Run) -> None:
    rules = denials("rules", "list", "--payer", "test plan", "--kind", "frequency", "--json").json["rules"]
    assert [rule["id"] for rule in rules] == ["TST-FREQ"]
    assert rules[0]["values"] == [{"from": "2020-01-01", "value": 1, "published": "2020-01-01"}]
    table = denials("rules", "list", "--payer", "test_plan").out
    assert "TST-FREQ" in table and "TST-PLACE" in table and "2 rules" in table
    assert denials("rules", "list").out.count("TST-") == 2


def test_one_rule_in_words(denials: Run) -> None:
    said = denials("rules", "show", "tst-freq").out
    for words in (
        "At most one session",
        "Test Plan",
        "From 2020-01-01: 1",
        "Test Plan manual",
        "Checked on 2026-01-01",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("asked", "near"),
    [(("show", "TST-FRQ"), "TST-FREQ"), (("list", "--kind", "frequenci"), "frequency"),
     (("list", "--payer", "test_plam"), "test_plan")],
)  # fmt: skip
def test_what_is_not_there_names_what_is_near(denials: Run, asked: tuple[str, ...], near: str) -> None:
    answer = denials("rules", *asked)
    assert answer.code == 2 and f"near: {near}" in answer.err


def test_lint_of_what_is_well_says_so(denials: Run, book: Path) -> None:
    assert "1 book in" in denials("rules", "lint").out
    assert denials("rules", "lint", book.parent / "nowhere").code == 2


def test_refresh_takes_a_file_of_cms_into_the_site(denials: Run, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "MCR_MUE_PractitionerServices_Eff_10-01-2026.csv"
    file.write_text(
        '"CPT codes only\nare copyright.",,,\n"HCPCS/\nCPT Code","Practitioner Services MUE Values",'
        '"MUE Adjudication Indicator","MUE Rationale"\n64999,1,"2 Date of Service Edit: Policy","x"\n',
        encoding="utf-8",
    )
    taken = denials("rules", "refresh", file, "--release", "2026Q4", "--json")
    assert taken.code == 0
    assert [(one["table"], one["release"], one["accepted"]) for one in taken.json["files"]] == [
        ("ncci_mue", "2026Q4", 1)
    ]
    assert "unchanged" in denials("rules", "refresh", file, "--release", "2026Q4").out
    assert len(list((home / "books" / "tables").glob("ncci_mue*.csv"))) == 1
    book = tmp_path / "not_of_cms.csv"
    book.write_text("a,b\n1,2\n", encoding="utf-8")
    assert denials("rules", "refresh", book).code == 12
