"""Drivers: exact sums, few of them, and sentences a biller can read, for every feature and for missing values."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claims.read import read_claims, read_frame
from features import CATALOG
from features.catalog import BY_NAME, Feature
from features.rates import denied_of
from rules.authorization import AUTHORIZATION_STATES
from serving.explain import SHOWN
from serving.score import Scorer
from serving.words import (
    AUTHORIZATION,
    FAMILIES,
    NEGATIVE,
    NOT_SAID,
    Value,
    diagnosis,
    family,
    histories,
    modifiers,
    moves,
    said,
    sentence,
)

FACTS = {
    "code": "64483",
    "payer": "Alder Health",
    "family": "epidural injection",
    "dx": "M54.16",
    "modifiers": "modifier RT",
}
Drivers = list[list[dict[str, Any]]]


@pytest.fixture(scope="module")
def explained(scorer: Scorer, world: Any) -> tuple[np.ndarray, Drivers, Drivers, np.ndarray]:
    """Contributions of 200 lines, their drivers top and full, their raw scores."""
    assessed = scorer.assess(read_frame(world.lines.tail(200), scorer.settings).lines)
    moved = scorer.model.contributions(scorer.model.matrix(assessed.table))
    top = scorer.explainer.drivers(moved, assessed.table, assessed.lines)
    full = scorer.explainer.drivers(moved, assessed.table, assessed.lines, "full")
    return moved, top, full, assessed.raw


def test_drivers_and_base_add_up_to_the_raw_score(explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]) -> None:
    moved, top, full, raw = explained
    for listed in (top, full):
        sums = np.array([sum(d["shap"] for d in line) for line in listed]) + moved[:, -1]
        assert np.abs(sums - raw).max() < 1e-9


def test_top_shows_concepts_with_the_sum_of_their_features(
    scorer: Scorer, explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]
) -> None:
    moved, top, _, _ = explained
    concepts = np.array([BY_NAME[name].concept for name in scorer.model.features])
    for row, line in zip(moved[:, :-1], top, strict=True):
        *shown, other = line
        strengths = [abs(d["shap"]) for d in shown]
        assert strengths == sorted(strengths, reverse=True)
        assert len(shown) <= SHOWN
        for driver in shown:
            own = concepts == driver["concept"]
            assert driver["shap"] == pytest.approx(row[own].sum(), abs=1e-12)
            assert BY_NAME[driver["feature"]].concept == driver["concept"]
            assert driver["sentence"].endswith(moves(driver["shap"]))
        left = ~np.isin(concepts, [d["concept"] for d in shown])
        assert other == {"feature": "other", "concept": "other", "value": None, "shap": other["shap"], "sentence": None}
        assert other["shap"] == pytest.approx(row[left].sum(), abs=1e-12)
        assert not any(d["feature"].startswith("outcomes__") for d in shown)
        sentences = [d["sentence"].rsplit(" This ", 1)[0] for d in shown]
        assert len(set(sentences)) == len(sentences)


def test_a_concept_is_told_by_what_pulls_most_its_way(
    scorer: Scorer, explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]
) -> None:
    moved, top, _, _ = explained
    names = scorer.model.features
    for row, line in zip(moved[:, :-1], top, strict=True):
        for driver in line[:-1]:
            way = np.sign(driver["shap"])
            rivals = [row[i] * way for i, name in enumerate(names)
                      if BY_NAME[name].concept == driver["concept"] and not name.startswith("outcomes__")]  # fmt: skip
            assert row[names.index(driver["feature"])] * way == max(rivals)


def test_what_is_not_shown_is_seldom_the_strongest(
    explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray],
) -> None:
    _, top, _, _ = explained
    assert np.mean([abs(line[-1]["shap"]) > abs(line[0]["shap"]) for line in top]) < 0.1


def test_full_leaves_out_only_what_did_not_move(explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]) -> None:
    moved, _, full, _ = explained
    assert [len(line) for line in full] == (moved[:, :-1] != 0).sum(axis=1).tolist()
    assert {type(d["value"]) for line in full for d in line} <= {str, float, bool, type(None)}


def values_of(feature: Feature) -> list[Value]:
    """What a feature can be."""
    if feature.name == "authorization_match":
        return list(AUTHORIZATION_STATES)
    if feature.dtype == "category":
        return [None, "none", "A1"]
    if feature.unit == "0 or 1":
        return [None, True, False]
    missing: list[Value] = [None] if feature.name in {*NOT_SAID, *histories()} else []
    return [*missing, *([-3.0] if feature.name in NEGATIVE else []), 0.0, 0.5, 1.0, 1234.0]


CLUMSY = ("None", "nan", "True", "False", "not known days", "not known sessions", "not known units", "not known of",
          "not given service", "1 days", "1 units", " esi ", " -")  # fmt: skip


@pytest.mark.parametrize("feature", CATALOG, ids=lambda f: f.name)
def test_every_feature_has_a_sentence_for_every_value(feature: Feature) -> None:
    for value in values_of(feature):
        for known in ((0.0, None), (148.0, 0.1)):
            told = sentence(feature, value, FACTS, known)
            assert told.endswith(".")
            assert told[0].isupper() or told[0].isdigit()
            assert not [words for words in ("{value}", "{code}", "{n}", *CLUMSY) if words in told], told
            assert value != "none" or " none" not in told


def test_every_number_that_can_be_missing_has_words_for_it(scorer: Scorer) -> None:
    bare = {"claim_id": "B", "payer_id": "NOBODY", "hcpcs_code": "0XX9T", "claim_line_number": 1,
            "claim_line_start_date": "2026-10-20"}  # fmt: skip
    table = scorer.assess(read_claims([bare], scorer.settings).lines).table
    missing = [name for name in table.number_names if np.isnan(table.column(name)[0])]
    without = [n for n in missing if n not in {*NOT_SAID, *histories()} and BY_NAME[n].unit != "0 or 1"]
    assert len(missing) > 20
    assert not without


@pytest.mark.parametrize(("denied", "n", "lean"), [(31, 148, 0.12), (0, 1, 0.4), (7, 7, 0.01), (4_000, 90_000, 0.2)])
def test_a_smoothed_rate_is_turned_back_into_counts(denied: int, n: int, lean: float) -> None:
    feature = BY_NAME["denied_rate__payer_id_hcpcs_code__180d"]
    rate = (denied + 20 * lean) / (n + 20)
    assert denied_of(rate, n, lean) == denied
    told = sentence(feature, rate, FACTS, (float(n), lean))
    assert told == f"This payer denied {denied:,} of {n:,} lines of 64483 known in the last 180 days."


def test_a_rate_without_outcomes_says_so_or_speaks_for_the_one_it_leans_on(
    scorer: Scorer, claim: dict[str, Any]
) -> None:
    rate = BY_NAME["denied_rate__payer_id_hcpcs_code__180d"]
    assert sentence(rate, 0.2, FACTS, (0.0, 0.2)) == (
        "Among lines of 64483 to this payer, no outcome is known in the last 180 days."
    )
    claim["payer_id"] = "NOBODY"
    for line in scorer.score([claim])["claims"][0]["lines"]:
        assert not [d for d in line["drivers"] if "This payer denied" in (d["sentence"] or "")]


@pytest.mark.parametrize(
    ("denied", "n", "lean", "shap", "counted"),
    [
        (0, 1, 0.3, 0.4, False), (0, 1, 0.3, -0.4, True), (1, 1, 0.3, -0.4, False), (3, 12, 0.3, 0.4, False),
        (6, 12, 0.3, 0.4, True), (3, 40, 0.3, 0.4, True), (0, 40, 0.3, 0.4, False), (40, 40, 0.3, -0.4, False),
    ],
)  # fmt: skip
def test_counts_that_speak_against_the_score_give_way_to_the_smoothed_rate(
    denied: int, n: int, lean: float, shap: float, counted: bool
) -> None:
    feature = BY_NAME["denied_rate__payer_id_hcpcs_code__180d"]
    rate = (denied + 20 * lean) / (n + 20)
    told = sentence(feature, rate, FACTS, (float(n), lean), shap)
    assert (f"denied {denied} of {n} lines" in told) == counted
    assert (f"{said(feature, rate)} are denied" in told) != counted
    assert ("too few" in told) == (not counted and n < 20)


def test_the_sentence_of_too_few_outcomes() -> None:
    told = sentence(BY_NAME["denied_rate__payer_id_hcpcs_code__180d"], 6 / 21, FACTS, (1.0, 0.3), 0.4)
    assert told == (
        "Among lines of 64483 to this payer, 1 outcome is known in the last 180 days, too few to judge alone; "
        "weighed with similar lines, 29% are denied."
    )


def test_no_sentence_of_the_samples_contradicts_itself(
    scorer: Scorer, explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]
) -> None:
    _, top, full, _ = explained
    sample = json.loads((Path(__file__).parents[2] / "data/synthetic/sample/score_request.json").read_text())
    lines = [line["drivers"] for claim in scorer.score(sample["claims"])["claims"] for line in claim["lines"]]
    assert lines
    told = [d["sentence"] for line in (*lines, *top, *full) for d in line if d["sentence"]]
    assert not [words for words in told if re.search(r"\b0 of [\d,]+ lines .*raises", words)]
    assert not [words for words in told if re.search(r"no denial is known .*raises", words)]
    assert [words for words in told if re.search(r"\b0 of [\d,]+ lines .*lowers", words)]


def test_the_age_is_never_said() -> None:
    for age in (67.0, 90.0):
        assert str(int(age)) not in sentence(BY_NAME["patient_age"], age, FACTS)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("share_of_claim_charge", 0.5, "50%"), ("share_of_claim_charge", 0.0267, "2.7%"),
        ("share_of_claim_charge", 1.0, "100%"), ("denied_rate__all__all", 0.9999, ">99%"),
        ("charge_amount", 1450.0, "1,450.00"),
        ("days_to_submit", 12.0, "12"), ("charge_against_usual", 1.84, "1.8"), ("service_unit_quantity", 2.5, "2.5"),
        ("modifier_25", True, "yes"), ("in_network", None, "not known"), ("diagnosis_code", "M5416", "M54.16"),
        ("companion_family", "em", "office visit"), ("place_of_service_code", "none", "not given"),
    ],
)  # fmt: skip
def test_values_in_words(name: str, value: Value, words: str) -> None:
    assert said(BY_NAME[name], value) == words


def test_words() -> None:
    assert sentence(BY_NAME["visit_without_25"], True, FACTS) == (
        "A visit on the day of a procedure, sent without modifier 25."
    )
    assert sentence(BY_NAME["days_to_submit"], -1.0, FACTS) == "Submitted 1 day before the service."
    assert sentence(BY_NAME["claim_lines"], 1.0, FACTS) == "The claim has 1 line."
    assert (
        sentence(BY_NAME["esi_sessions__365d"], 2.0, FACTS)
        == "2 earlier epidural injection sessions in the 365 days before."
    )
    assert [modifiers(p) for p in (None, "none", "RT", "25-59-RT")] == [
        "modifiers that are not known", "no modifier", "modifier RT", "modifiers 25, 59 and RT",
    ]  # fmt: skip
    assert [family(name) for name in ("esi", "other 970")] == ["epidural injection", "970xx"]
    assert [diagnosis(code) for code in (None, "M54", "M5416")] == ["not given", "M54", "M54.16"]
    assert [moves(x) for x in (1.5, 0.4, -0.1)] == [
        "This raises the risk strongly.", "This raises the risk.", "This lowers the risk slightly.",
    ]  # fmt: skip
    assert set(AUTHORIZATION) == set(AUTHORIZATION_STATES)
    assert not [name for name in FAMILIES.values() if "_" in name]
