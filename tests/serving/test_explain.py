"""Drivers: exact sums, few of them, and sentences a biller can read, for every feature and for missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from claims.read import read_claims, read_frame
from features import CATALOG
from features.catalog import AUTHORIZATION_STATES, BY_NAME, Feature
from serving.explain import SHOWN, concepts
from serving.score import Scorer
from serving.words import (
    AUTHORIZATION,
    FAMILIES,
    NEGATIVE,
    NOT_SAID,
    Value,
    denied_of,
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


def test_top_is_the_strongest_of_each_group(
    scorer: Scorer, explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]
) -> None:
    moved, top, _, _ = explained
    for row, line in zip(moved, top, strict=True):
        *shown, other = line
        strengths = [abs(d["shap"]) for d in shown]
        assert strengths == sorted(strengths, reverse=True)
        assert len(shown) <= SHOWN
        assert other == {"feature": "other", "concept": "other", "value": None, "shap": other["shap"], "sentence": None}
        assert shown[0]["shap"] == row[scorer.model.features.index(shown[0]["feature"])]
        assert not any(d["feature"].startswith("outcomes__") for d in shown)
        sentences = [d["sentence"].rsplit(" This ", 1)[0] for d in shown]
        assert len(set(sentences)) == len(sentences)


def test_full_leaves_out_only_what_did_not_move(explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]) -> None:
    moved, _, full, _ = explained
    assert [len(line) for line in full] == (moved[:, :-1] != 0).sum(axis=1).tolist()
    assert {type(d["value"]) for line in full for d in line} <= {str, float, bool, type(None)}


def test_concepts_sum_to_all(scorer: Scorer, explained: tuple[np.ndarray, Drivers, Drivers, np.ndarray]) -> None:
    moved, _, full, _ = explained
    by_concept = concepts(moved, scorer.model.features)
    assert set(by_concept[0]) == {BY_NAME[name].concept for name in scorer.model.features}
    assert np.allclose([sum(line.values()) for line in by_concept], moved[:, :-1].sum(axis=1), rtol=0, atol=1e-9)
    own = sum(d["shap"] for d in full[0] if d["concept"] == "payer history")
    assert by_concept[0]["payer history"] == pytest.approx(own, abs=1e-12)


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


def test_the_age_is_never_said() -> None:
    for age in (67.0, 90.0):
        assert str(int(age)) not in sentence(BY_NAME["patient_age"], age, FACTS)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("share_of_claim_charge", 0.5, "50%"), ("share_of_claim_charge", 0.0267, "2.7%"),
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
