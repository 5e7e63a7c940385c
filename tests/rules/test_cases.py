"""Every worked case against the packaged rules, and the reader of cases: what it makes of them, what it refuses."""

from importlib.resources import as_file, files
from pathlib import Path

import pytest

from claims.errors import RuleBookError
from claims.settings import Settings
from rules.cases import Case, by_kind, load_cases, outcomes, problems
from rules.ruleset import packaged

CASE = """\
- case: a fifth session
  claim: {payer_id: MB1, claim_filing_indicator_code: MB, service_state: OH}
  lines: [{claim_line_start_date: 2026-03-01, hcpcs_code: 62323}]
  expect: {1: {CGS-ESI-FREQ: broken}}
"""


def packaged_cases() -> list[Case]:
    with as_file(files("rules") / "cases") as folder:
        return load_cases(folder)


CASES = packaged_cases()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


def cases(folder: Path, text: str, name: str = "frequency") -> list[Case]:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_cases(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.case}")
def test_the_rules_say_what_the_case_expects(case: Case, settings: Settings) -> None:
    assert problems(case, packaged(), settings) == []


def test_no_two_cases_of_a_file_are_called_alike() -> None:
    assert len({(case.file, case.case) for case in CASES}) == len(CASES)


def test_a_kind_that_has_cases_shows_all_three_outcomes() -> None:
    kinds = {kind: told for kind, told in by_kind(CASES).items() if (Path("rules/kinds") / f"{kind}.py").exists()}
    assert len(kinds) >= 3
    assert {kind: {"broken", "met", "unknown"} - told for kind, told in kinds.items()} == {
        kind: set() for kind in kinds
    }


def test_what_a_case_says_otherwise_than_the_rules_is_told(tmp_path: Path, settings: Settings) -> None:
    (case,) = cases(tmp_path, CASE)
    assert problems(case, packaged(), settings) == ["line 1: CGS-ESI-FREQ is unknown, expected broken"]
    (case,) = cases(tmp_path, CASE.replace("CGS-ESI-FREQ: broken", "CGS-ESI-FRQ: none"))
    assert problems(case, packaged(), settings) == ["line 1: there is no rule CGS-ESI-FRQ"]
    (case,) = cases(tmp_path, CASE.replace("expect: {1: {CGS-ESI-FREQ: broken}}", "clean: true"))
    assert problems(case, packaged(), settings) == []
    fifty = CASE.replace("62323", "62323, modifiers: [50]").replace(
        "expect: {1: {CGS-ESI-FREQ: broken}}", "clean: true"
    )
    (case,) = cases(tmp_path, fifty)
    assert problems(case, packaged(), settings) == ["line 1: MCR-BILATERAL-NEVER, expected nothing"]


def test_a_clean_case_without_a_book_is_not_clean(tmp_path: Path, settings: Settings) -> None:
    text = CASE.replace("expect: {1: {CGS-ESI-FREQ: broken}}", "clean: true").replace("MB,", "CI,")
    (case,) = cases(tmp_path, text)
    assert problems(case, packaged(), settings) == ["line 1: NO-BOOK, expected nothing"]


def test_an_earlier_claim_may_have_several_lines_and_its_own_day_of_submission(
    tmp_path: Path, settings: Settings
) -> None:
    earlier = """\
  since: 2020-01-01
  earlier:
    - submitted_date: 2026-04-01
      lines:
        - {claim_line_start_date: 2025-06-01, hcpcs_code: 62323}
        - {claim_line_start_date: 2025-08-01, hcpcs_code: 62323}
        - {claim_line_start_date: 2025-10-01, hcpcs_code: 62323}
        - {claim_line_start_date: 2025-12-01, hcpcs_code: 62323}
"""
    (late,) = cases(tmp_path, CASE + earlier)
    assert outcomes(late, packaged(), settings)[0]["CGS-ESI-FREQ"] == "met"
    (in_time,) = cases(tmp_path, CASE + earlier.replace("2026-04-01", "2025-12-03"))
    assert outcomes(in_time, packaged(), settings)[0]["CGS-ESI-FREQ"] == "broken"
    (another,) = cases(
        tmp_path, CASE + earlier.replace("2026-04-01", "2025-12-03").replace("lines:", "member_id: YOU\n      lines:")
    )
    assert outcomes(another, packaged(), settings)[0]["CGS-ESI-FREQ"] == "met"


REFUSED = {
    "no list": ("case: x", r"frequency\.yaml, line 1: expected a list of cases"),
    "no YAML": ("- case: {", r"frequency\.yaml, line 2: no YAML"),
    "no case": ("- 4", r"frequency\.yaml, line 1: Input should be a valid dictionary"),
    "misspelt key": (CASE + "  authorisations: []\n", r"line 1: authorisations: Extra inputs are not permitted"),
    "no such outcome": (CASE.replace("broken", "borken"), r"line 1: expect\.1\.CGS-ESI-FREQ: Input should be 'broken'"),
    "no such line": (CASE.replace("{1:", "{2:"), r"line 1: expect: there is no line 2"),
    "expects nothing": (CASE.replace("  expect: {1: {CGS-ESI-FREQ: broken}}\n", ""), r"line 1: expects nothing"),
    "two are wrong": ("- {case: a}\n- {case: b}", r"line 1: lines: Field required\n.*line 2: lines: Field required"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_no_list_of_cases_is_refused(what: str, tmp_path: Path) -> None:
    text, words = REFUSED[what]
    with pytest.raises(RuleBookError, match=words):
        cases(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("service_state", "servicestate", "servicestate is no field"),
        ("62323", "a name of somebody", "hcpcs_code is not a procedure code"),
        ("  expect", "  authorizations: [{prior_authorization_number: A, valid_from: soon}]\n  expect", "valid_from"),
    ],
)
def test_a_case_of_claims_that_are_refused_is_an_error(
    old: str, new: str, words: str, tmp_path: Path, settings: Settings
) -> None:
    (case,) = cases(tmp_path, CASE.replace(old, new))
    with pytest.raises(RuleBookError, match=f"a fifth session: .*{words}"):
        outcomes(case, packaged(), settings)
