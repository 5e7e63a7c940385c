"""What the linter finds in a folder of books: each kind of fault alone, by file, line and rule; all of them at once."""

from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from claims.errors import RuleBookError
from rules.book_file import Fault, load_book, load_books
from rules.lint import lint, require_valid

TODAY = date(2026, 11, 23)
BOOK = """\
payer: One
applies_to: {payer_id: [P1], payer_name: [one payer]}
rules:
  - id: ONE-FREQ
    kind: frequency
    title: At most four
    codes: [62323, j1010]
    window_days: 365
    values: {2021-12-05: 4, 2024-01-01: 3}
    published: {2024-01-01: 2023-11-01}
    message: "{count} sessions since {since}; {limit} are covered."
    remedy: Check the dates.
    reference: [{title: "The policy"}]
    checked_on: 2026-11-01
    standing: stated
  - id: ONE-DUPLICATE
    kind: duplicate
    title: Billed once
    values: {2020-01-01: true}
    message: "{code} was billed before."
    remedy: Check the record.
    checked_on: 2026-11-01
    standing: assumed
"""
OTHER = """\
payer: Two
applies_to: {payer_id: [P2]}
rules: []
"""
# What is changed in the book, into what, and the fault: its line, its rule, words of it.
FAULTS = {
    "no YAML": ("{2021-12-05: 4, ", "{2021-12-05: 4, [", 9, None, "no YAML"),
    "tabs": ("    kind: frequency", "\tkind: frequency", 5, None, "no YAML"),
    "no day of the calendar": ("2021-12-05", "2021-11-31", 9, None, "2021-11-31 is no day of the calendar"),
    "unknown kind": ("kind: frequency", "kind: frequncy", 5, "ONE-FREQ", "there is no kind 'frequncy'; one of ptp, mue"),
    "misspelt key": ("window_days", "window_day", 8, "ONE-FREQ", "window_day: is no field here; beside the common ones: groups"),
    "misspelt condition": ("codes:", "when: {place: 11}\n    codes:", 7, "ONE-FREQ", "when.place: is no field here"),
    "misspelt key of the book": ("payer: One", "payer: One\nnote: x", 2, None, "note: is no field here"),
    "no message": ('    message: "{code} was billed before."\n', "", 16, "ONE-DUPLICATE", "message: is missing"),
    "value of another kind": ("2021-12-05: 4", "2021-12-05: four", 9, "ONE-FREQ", "values.2021-12-05: Input should be a valid int"),
    "code": ("62323", "62323 (first level)", 7, "ONE-FREQ", "codes: is not a procedure code"),
    "standing": ("standing: stated", "standing: certain", 15, "ONE-FREQ", "standing: Input should be 'stated', 'observed'"),
    "value without a date": ("{2020-01-01: true}", "true", 19, "ONE-DUPLICATE", "values: a value without a date"),
    "null for a date": ("{2020-01-01: true}", "{null: true}", 19, "ONE-DUPLICATE", "a value without a date"),
    "no values": ("{2020-01-01: true}", "{}", 19, "ONE-DUPLICATE", "values: a value without a date"),
    "no reference": ('    reference: [{title: "The policy"}]\n', "", 4, "ONE-FREQ", "no reference: cite where"),
    "id twice in a book": ("ONE-DUPLICATE", "ONE-FREQ", 16, "ONE-FREQ", "stands already in one.yaml, line 4"),
    "values in disorder": ("{2021-12-05: 4, 2024-01-01: 3}", "{2024-01-01: 3, 2021-12-05: 4}", 9, "ONE-FREQ", "2021-12-05 stands after 2024"),
    "a date twice": ("2021-12-05: 4", "2024-01-01: 4", 9, None, "2024-01-01 stands twice (first in line 9)"),
    "published without a value": ("{2024-01-01: 2023", "{2024-01-02: 2023", 10, "ONE-FREQ", "there is no value of 2024-01-02"),
    "published after it was read": ("2023-11-01", "2026-11-02", 10, "ONE-FREQ", "2026-11-02 is later than checked_on, 2026-11-01"),
    "checked in the future": ("checked_on: 2026-11-01\n    standing: stated", "checked_on: 2026-11-24\n    standing: stated", 14, "ONE-FREQ", "still to come"),
    "message without a remedy": ("    remedy: Check the dates.\n", "", 11, "ONE-FREQ", "a message without a remedy"),
    "empty remedy": ("Check the dates.", '""', 11, "ONE-FREQ", "a message without a remedy"),
    "placeholder": ("{limit} are", "{days} are", 11, "ONE-FREQ", "message: a frequency rule knows no {days}; one of code, count"),
    "placeholder of the remedy": ("Check the record.", '"Check {record}."', 21, "ONE-DUPLICATE", "remedy: a duplicate rule knows no {record}; one of code"),
    "braces": ("{limit} are", "{limit are", 11, "ONE-FREQ", "braces that do not match"),
    "within nothing": ("payer: One", "payer: One\nwithin: medicaer", 2, None, "there is no book 'medicaer'; one of one, two"),
    "within itself": ("payer: One", "payer: One\nwithin: one", 2, None, "one is itself within a book"),
    "within a book, for no state": ("payer: One", "payer: One\nwithin: two", 3, None, "expected service_state"),
    "for nobody": ("{payer_id: [P1], payer_name: [one payer]}", "{service_state: [OH]}", 2, None, "names no payer"),
    "not UTF-8": ("One", "Onë", 0, None, "is not written in UTF-8"),
    "no book": (BOOK, "- payer: One", 1, None, "expected a book"),
}  # fmt: skip
# applies_to of two books, and what both claim.
SAME_PAYER = {
    "payer_id": ("{payer_id: [P1, P2]}", "{payer_id: [P2, P3], claim_filing_indicator_code: [CI]}", "payer_id P2"),
    "name": ("{payer_name: [Humana]}", "{payer_name: [aetna, humana]}", "name humana"),
    "name within a name": ("{payer_name: [humana]}", "{payer_name: [humana military]}", "name humana military"),
    "name and kind": (
        "{payer_name: [humana], claim_filing_indicator_code: [CI, 16]}",
        "{payer_name: [humana], claim_filing_indicator_code: [16]}", "name humana",
    ),
    "kind of plan": ("{claim_filing_indicator_code: [MC]}", "{claim_filing_indicator_code: [WC, MC]}", "kind of plan MC"),
}  # fmt: skip
TOLD_APART = {
    "other kinds of plan": (
        "{payer_name: [humana], claim_filing_indicator_code: [CI]}",
        "{payer_name: [humana], claim_filing_indicator_code: [16]}",
    ),
    "name and kind before name": ("{payer_name: [humana]}", "{payer_name: [humana], claim_filing_indicator_code: [16]}"),
    "name before kind": ("{claim_filing_indicator_code: [16]}", "{payer_name: [humana], claim_filing_indicator_code: [16]}"),
}  # fmt: skip


def books(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_bytes(text.encode("latin-1"))
    return folder


def found(folder: Path) -> list[Fault]:
    return lint(folder, TODAY)


def test_the_packaged_books_have_no_fault() -> None:
    with as_file(files("rules") / "payers") as folder:
        assert [fault.told() for fault in found(folder)] == []
        assert len(load_books(folder)) > 20


def test_a_book_without_a_fault(tmp_path: Path) -> None:
    assert found(books(tmp_path, one=BOOK, two=OTHER)) == []
    require_valid(tmp_path, TODAY)


@pytest.mark.parametrize("what", FAULTS)
def test_one_fault_and_no_other(what: str, tmp_path: Path) -> None:
    old, new, line, rule_id, words = FAULTS[what]
    assert BOOK.count(old) == 1
    fault, *more = found(books(tmp_path, one=BOOK.replace(old, new), two=OTHER))
    assert not more
    assert (fault.file, fault.line, fault.rule_id) == ("one.yaml", line, rule_id)
    assert words in fault.message


# What a rule says, and what it leaves out.
MUTE = {
    "unit_count, codes: [64635], measure: units_documented, values: {2020-01-01: true}": "units_documented needs the record",
    "unit_count, codes: [64635], measure: documented_at_least, values: {2020-01-01: 3}": "documented_at_least needs the record",
    "unit_count, codes: [64635], measure: levels, values: {2020-01-01: true}": "the value of levels is a number",
    "unit_count, measure: levels, values: {2020-01-01: 2}": "levels counts the rule's codes",
    "frequency, codes: [62323], values: {2020-01-01: 1}": "no window to count in",
    "frequency, window_days: 365, values: {2020-01-01: 1}": "no sessions to count",
    "frequency, codes: [62323], groups: {a: [64483]}, window_days: 9, values: {2020-01-01: 1}": "stands in a group",
    "mue, codes: [62323], values: {2020-01-01: true}": "the value true needs a table",
    "ptp, codes: [62323], values: {2020-01-01: true}": "expected table or not_with",
    "add_on_without_primary, codes: [64484], values: {2020-01-01: true}": "expected table or primaries",
    "device_chain, codes: [63685], values: {2020-01-01: true}": "expected after or element or beside",
    "sequence, codes: [64635], after: [], values: {2020-01-01: 1}": "nothing that comes first",
    "documentation, codes: [62323], element: doc_imaging, values: {2020-01-01: false}": "every record meets false",
    "covered_diagnosis, codes: [62323], values: {2020-01-01: [M54.1-M54.16]}": "M54.1-M54.16: a range is of diagnoses",
    "covered_diagnosis, codes: [62323], values: {2020-01-01: [M54.3-M54.1]}": "the lower first",
}  # fmt: skip
COMPLETE = (
    "frequency, codes: [62323], calendar_year: true, values: {2020-01-01: 1, 2024-01-01: null}",
    "mue, codes: [62323], values: {2020-01-01: 2}", "ptp, codes: [62323], not_with: [99213], values: {2020-01-01: true}",
    "unit_count, codes: [64635], measure: levels, values: {2020-01-01: 2}",
    "documentation, codes: [62323], element: doc_imaging, values: {2020-01-01: true, 2024-01-01: null}",
    "covered_diagnosis, codes: [62323], values: {2020-01-01: [M54.10-M54.18, M47*, G89.4]}",
)  # fmt: skip
ALONE = OTHER.replace(
    "[]", "[{id: X, title: t, message: m, remedy: r, checked_on: 2026-11-01, standing: assumed, kind: %s}]"
)


@pytest.mark.parametrize("said", MUTE)
def test_a_rule_that_could_never_say_anything(said: str, tmp_path: Path) -> None:
    (fault,) = found(books(tmp_path, one=ALONE % said))
    assert (fault.line, fault.rule_id) == (3, "X")
    assert MUTE[said] in fault.message
    assert fault.message.startswith(said.split(",")[0])


@pytest.mark.parametrize("said", COMPLETE)
def test_a_rule_that_says_all_its_kind_needs(said: str, tmp_path: Path) -> None:
    assert found(books(tmp_path, one=ALONE % said)) == []


def test_a_code_that_begins_with_zero_is_what_is_written(tmp_path: Path) -> None:
    text = BOOK.replace("[62323, j1010]", "[00640, 00100, 0232T, 62323]").replace("P1", "00012")
    text = text.replace("window_days", "when: {place_of_service_code: [02, 09, 11]}\n    window_days")
    book = load_book(books(tmp_path, one=text) / "one.yaml")
    assert book.rules[0].codes == ("00640", "00100", "0232T", "62323")
    assert (book.applies_to.payer_id, book.rules[0].when.place_of_service_code) == (("00012",), ("02", "09", "11"))


def test_a_limit_of_one_is_a_number_and_not_yes(tmp_path: Path) -> None:
    text = ALONE % "mue, codes: [62323], values: {2020-01-01: 1}"
    value = load_book(books(tmp_path, one=text) / "one.yaml").rules[0].values[date(2020, 1, 1)]
    assert (value, type(value)) == (1, int)


@pytest.mark.parametrize("written", ["NO", "2026-01-01", "1.5"])
def test_what_yaml_reads_as_something_else_is_no_code(written: str, tmp_path: Path) -> None:
    (fault,) = found(books(tmp_path, one=BOOK.replace("62323", written)))
    assert fault.rule_id == "ONE-FREQ"
    assert "write it in quotes" in fault.message


def test_an_id_of_another_book(tmp_path: Path) -> None:
    twin = BOOK.replace("ONE-FREQ", "TWO-FREQ").replace("P1", "P2").replace("one payer", "two payer")
    (fault,) = found(books(tmp_path, one=BOOK, two=twin))
    assert fault.told() == (
        "two.yaml, line 16: ONE-DUPLICATE: id: stands already in one.yaml, line 16; expected one that no other rule has"
    )


@pytest.mark.parametrize("what", SAME_PAYER)
def test_two_books_for_one_payer(what: str, tmp_path: Path) -> None:
    first, second, words = SAME_PAYER[what]
    pair = {name: OTHER.replace("{payer_id: [P2]}", told) for name, told in (("one", first), ("two", second))}
    (fault,) = found(books(tmp_path, **pair))
    assert fault.told() == f"two.yaml, line 2: applies_to: {words} is one's already: two books for one payer"


@pytest.mark.parametrize("what", TOLD_APART)
def test_books_that_a_claim_can_tell_apart(what: str, tmp_path: Path) -> None:
    pair = {str(place): OTHER.replace("{payer_id: [P2]}", told) for place, told in enumerate(TOLD_APART[what])}
    assert found(books(tmp_path, **pair)) == []


@pytest.mark.parametrize(("states", "faults"), [("OH", 1), ("IN", 0)])
def test_two_contractors_of_one_state(states: str, faults: int, tmp_path: Path) -> None:
    contractor = OTHER.replace("{payer_id: [P2]}", "{service_state: [OH, KY]}") + "within: one\n"
    told = found(books(tmp_path, one=BOOK, cgs=contractor, wps=contractor.replace("OH, KY", states)))
    assert [fault.file for fault in told] == ["wps.yaml"] * faults


def test_one_book_for_everyone(tmp_path: Path) -> None:
    assert found(books(tmp_path, one=BOOK, common=OTHER.replace("{payer_id: [P2]}", "{}"))) == []


def test_all_faults_of_all_books_at_once(tmp_path: Path) -> None:
    bad = BOOK.replace("frequency", "frequncy").replace("Check the record.", '""').replace("{2020-01-01: true}", "{}")
    told = found(books(tmp_path, one=bad, two=OTHER.replace("[]", "{"), xyz=OTHER.replace("rules", "rulse")))
    assert [(fault.file, fault.line) for fault in told] == [
        ("one.yaml", 5), ("one.yaml", 19), ("one.yaml", 20), ("two.yaml", 4), ("xyz.yaml", 1), ("xyz.yaml", 3),
    ]  # fmt: skip


def test_a_site_folder_is_read_over_the_packaged_one(tmp_path: Path) -> None:
    packaged, site = tmp_path / "packaged", tmp_path / "site"
    for folder in (packaged, site):
        folder.mkdir()
    books(packaged, one=BOOK, two=OTHER.replace("rules", "rulse"))
    books(site, two=OTHER, three=OTHER.replace("{payer_id: [P2]}", "{service_state: [OH]}") + "within: one\n")
    assert lint(site, TODAY, over=packaged) == []
    assert [fault.file for fault in lint(site, TODAY)] == ["three.yaml"]


def test_a_folder_without_books(tmp_path: Path) -> None:
    (fault,) = found(tmp_path)
    assert fault.told() == f"{tmp_path.name}: there is no book here: expected files named *.yaml"


def test_what_is_wrong_stops_the_load_with_every_fault(tmp_path: Path) -> None:
    books(tmp_path, one=BOOK.replace("Check the dates.", '""'), two=OTHER.replace("rules", "rulse"))
    with pytest.raises(
        RuleBookError, match=r"one\.yaml, line 11.*\n(.*\n)*.*two\.yaml, line 3: rulse: is no field"
    ) as told:
        require_valid(tmp_path, TODAY)
    assert told.value.exit_code == 12


def test_a_book_is_loaded_or_refused_with_all_its_faults(tmp_path: Path) -> None:
    books(tmp_path, one=BOOK)
    book = load_book(tmp_path / "one.yaml")
    assert (book.id, [rule.id for rule in book.rules]) == ("one", ["ONE-FREQ", "ONE-DUPLICATE"])
    books(tmp_path, one=BOOK.replace("frequency", "frequncy").replace("payer_id", "payr_id"))
    with pytest.raises(RuleBookError, match=r"payr_id: is no field(.*\n)*.*there is no kind"):
        load_books(tmp_path)


def test_a_value_whose_date_is_written_as_text_twice(tmp_path: Path) -> None:
    twice = BOOK.replace("{2020-01-01: true}", '{2020-01-01: true, "2020-01-01": null}')
    assert "a date stands twice" in found(books(tmp_path, one=twice))[0].message
