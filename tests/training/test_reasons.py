"""Reasons: shares of categories given a denial, what they fall back to, how they are learned, what CARCs are told."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from claims.errors import NoModelError
from claims.label import CATEGORIES
from claims.texts import Texts
from features.catalog import Feature
from training import reason_fit
from training.frequencies import LEAST, WEIGHT, Frequencies, Keys, LikelyCarcs
from training.model import DenialModel
from training.reason_fit import FEW, Denied, ReasonPlan, learn_reasons, plan_reasons, sharpness_of
from training.reasons import LEAN, Reasons, sharpened

K = len(CATEGORIES)
AUTHORIZATION, NECESSITY, CODING, OTHER = (
    CATEGORIES.index(name) for name in ("authorization", "medical_necessity", "coding", "other")
)
FEATURES = (
    Feature("broken__prior_auth", "number", "rules", "payer rules", "", 0),
    Feature("payer_id", "category", "", "payer", "", 0),
    Feature("days_to_submit", "number", "days", "timing", "", 0),
)


def keys_of(rows: list[tuple[str | None, str | None, str | None]]) -> Keys:
    payer, family, code = zip(*rows, strict=True) if rows else ((), (), ())
    return Keys(Texts.of(payer), Texts.of(family), Texts.of(code))


def made(lines: int, seed: int = 0, *, told: float = 0.9) -> Denied:
    """Denied lines by time: mostly for authorization where that rule is broken, else by payer; none for `other`."""
    random = np.random.default_rng(seed)
    broken, payer, days = random.random(lines) < 0.3, random.integers(0, 3, lines), random.random(lines) * 90
    usual = np.array([NECESSITY, CODING, CODING])[payer]
    category = np.where(
        random.random(lines) < told, np.where(broken, AUTHORIZATION, usual), random.integers(0, 9, lines)
    )
    keys = keys_of([(f"P{p}", "esi", "64483" if d > 45 else "62323") for p, d in zip(payer, days, strict=True)])
    carc = pl.Series(
        [None if c == CODING else "197" if c == AUTHORIZATION else "50" for c in category], dtype=pl.String
    )
    return Denied(np.column_stack([broken, payer, days]).astype(np.float64), keys, category, carc)


def learned(lines: int = 900, **told: Any) -> Reasons:
    cut = lines * 4 // 5
    denied = made(lines, **told)
    earlier, later = (part(denied, slice(*ends)) for ends in ((0, cut), (cut, lines)))
    found = learn_reasons(denied, plan_reasons(earlier, later, FEATURES, 1), FEATURES, 1)
    assert found is not None
    return found


def part(denied: Denied, rows: slice) -> Denied:
    return Denied(denied.X[rows], denied.keys[rows], denied.category[rows], denied.carc[rows])


def test_shares_add_up_to_one_and_none_is_zero() -> None:
    found, asked = learned(), made(300, 5)
    assert found.classes and "other" not in found.classes
    shares = found.shares(asked.X, asked.keys)
    assert shares.shape == (300, K) and shares.min() > 0
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=0, atol=1e-14)
    risk = np.random.default_rng(1).random(300)
    np.testing.assert_allclose((risk[:, None] * shares).sum(axis=1), risk, rtol=0, atol=1e-12)
    assert found.shares(asked.X[:0], asked.keys[:0]).shape == (0, K)


def test_a_line_alone_has_the_shares_that_it_has_among_others() -> None:
    found, asked = learned(), made(400, 6)
    together = found.shares(asked.X, asked.keys)
    alone = [found.shares(asked.X[i : i + 1], asked.keys[i : i + 1]) for i in range(400)]
    np.testing.assert_array_equal(np.vstack(alone), together)


def test_a_broken_rule_pulls_its_category() -> None:
    found, asked = learned(), made(200, 7)
    broken, kept = asked.X.copy(), asked.X.copy()
    broken[:, 0], kept[:, 0] = 1.0, 0.0
    pulled = found.shares(broken, asked.keys)[:, AUTHORIZATION]
    assert (pulled > found.shares(kept, asked.keys)[:, AUTHORIZATION] + 0.3).all() and pulled.min() > 0.5


def test_equal_data_give_equal_files_with_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    told = set()
    for threads in (1, 2, 2):
        monkeypatch.setattr(reason_fit, "threads_for", lambda lines, threads=threads: threads)
        told.add(json.dumps(learned().contents()))
    assert len(told) == 1 and "num_threads" not in told.pop()


def test_too_few_lines_are_answered_by_frequencies_alone() -> None:
    denied = made(FEW - 1)
    assert plan_reasons(denied, made(200, 1), FEATURES, 1) is None
    assert plan_reasons(made(200, 1), made(FEW // 4 - 1), FEATURES, 1) is None
    assert plan_reasons(None, None, FEATURES, 1) is None
    assert plan_reasons(made(FEW), made(FEW // 4, 1), FEATURES, 1) is not None
    found = learn_reasons(denied, None, FEATURES, 1)
    assert found is not None and (found.booster_text, found.classes) == ("", ())
    np.testing.assert_allclose(found.shares(denied.X, denied.keys), found.frequencies.shares(denied.keys), rtol=1e-12)


def test_lines_of_one_category_only_need_no_booster() -> None:
    denied = dataclasses.replace(made(400), category=np.full(400, CODING))
    assert plan_reasons(denied, denied, FEATURES, 1) is None
    found = learn_reasons(denied, ReasonPlan(20, 1.0), FEATURES, 1)
    assert found is not None and not found.booster_text
    assert (found.shares(denied.X, denied.keys)[:, CODING] > 0.99).all()


def test_without_denied_lines_or_categories_there_are_no_reasons() -> None:
    assert learn_reasons(part(made(5), slice(0)), None, FEATURES, 1) is None
    assert learn_reasons(None, None, FEATURES, 1) is None


def test_later_lines_of_a_category_never_seen_do_not_stop_the_fit() -> None:
    later = made(200, 1)
    later.category[:50] = OTHER
    chosen = plan_reasons(made(600), later, FEATURES, 1)
    assert chosen is not None and chosen.rounds > 1


def test_the_weight_of_the_booster_grows_with_the_lines_it_learned_from() -> None:
    found, asked = learned(900), made(50, 8)
    common, mixed = found.frequencies.shares(asked.keys), found.mixed(asked.X, asked.keys)
    own = dataclasses.replace(found, lines=10**15).mixed(asked.X, asked.keys)
    weight = 900 / (900 + LEAN)
    np.testing.assert_allclose(mixed, weight * own + (1 - weight) * common, rtol=0, atol=1e-12)
    assert (mixed[:, OTHER] < common[:, OTHER]).all() and (own[:, OTHER] < 1e-12).all()


# Frequencies --------------------------------------------------------------------------------------------------------


def counted() -> Frequencies:
    """Payer A is denied for authorization, B for coding; the code 99213 for necessity, whatever the payer."""
    rows = [("A", "esi", "64483", AUTHORIZATION)] * 40 + [("B", "esi", "64483", CODING)] * 40
    rows += [("A", "visit", "99213", NECESSITY)] * 30 + [("B", "visit", "99213", NECESSITY)] * 30
    rows += [("C", "visit", "99214", NECESSITY)] * (LEAST - 1)
    return Frequencies.of(keys_of([row[:3] for row in rows]), np.array([row[3] for row in rows]))


def test_shares_lean_on_what_is_known_of_the_rest() -> None:
    found = counted()
    base = (np.array(found.overall) + 1 / K) / (sum(found.overall) + 1)

    def share(payer: str | None, family: str | None, code: str | None) -> np.ndarray:
        return np.asarray(found.shares(keys_of([(payer, family, code)]))[0])

    np.testing.assert_allclose(share("?", None, None), base, atol=1e-12)
    payer = (np.array(found.payer["A"]) + WEIGHT * base) / (70 + WEIGHT)
    np.testing.assert_allclose(share("A", "?", "?"), payer, atol=1e-12)
    family = (np.array(found.family["visit"]) + WEIGHT * base) / (60 + LEAST - 1 + WEIGHT)
    np.testing.assert_allclose(share(None, "visit", "?"), family, atol=1e-12)
    code = (np.array(found.code["99213"]) + WEIGHT * family) / (60 + WEIGHT)
    np.testing.assert_allclose(share("C", "visit", "99213"), code, atol=1e-12)  # C has too few lines to be kept
    both = payer * code / base
    own = (np.array(found.payer_code["A\t99213"]) + WEIGHT * both / both.sum()) / (30 + WEIGHT)
    np.testing.assert_allclose(share("A", "visit", "99213"), own, atol=1e-12)
    assert share("A", "esi", "64483").argmax() == AUTHORIZATION and share("B", "esi", "64483").argmax() == CODING
    assert share("A", "visit", "99213").argmax() == NECESSITY


def test_a_category_that_never_occurred_has_its_part_of_one_denial_and_no_more() -> None:
    found = counted()
    unknown, lines = found.shares(keys_of([(None, None, None)]))[0], sum(found.overall)
    assert unknown[OTHER] == pytest.approx(1 / K / (lines + 1), rel=1e-12)
    assert 0 < found.shares(keys_of([("A", "esi", "64483")]))[0][OTHER] < unknown[OTHER]


def test_keys_of_few_lines_are_not_kept() -> None:
    found = counted()
    assert set(found.payer) == {"A", "B"} and set(found.code) == {"64483", "99213"}
    assert found.payer_code.keys() == {"A\t64483", "B\t64483", "A\t99213", "B\t99213"}
    assert sum(found.overall) == 140 + LEAST - 1


# CARCs --------------------------------------------------------------------------------------------------------------


def likely() -> LikelyCarcs:
    rows = [("A", "64483", AUTHORIZATION, "197")] * 14 + [("A", "64483", AUTHORIZATION, "15")] * 8
    rows += [("A", "64483", AUTHORIZATION, "198")] * 2 + [("A", "64483", AUTHORIZATION, None)] * 3
    rows += [("A", "99213", AUTHORIZATION, "15")] * (LEAST - 1) + [("B", "64483", NECESSITY, "50")]
    rows += [("B", "64483", CODING, code) for code in ("4", "11", "16", "182", None) for _ in range(4)]
    rows += [("B", "64483", OTHER, None)] * 20
    keys = keys_of([(payer, "esi", code) for payer, code, _, _ in rows])
    return LikelyCarcs.of(
        keys, np.array([row[2] for row in rows]), pl.Series([row[3] for row in rows], dtype=pl.String)
    )


def test_carcs_of_a_category_are_those_of_its_denials_there_most_frequent_first() -> None:
    found = likely()
    assert found.of_line("A", "64483")("authorization") == ["197", "15"]  # 198 on 7 % of its lines
    assert found.of_line("A", "99213")("authorization") == ["197", "15"]  # too few there, where all are 15: the payer's
    assert found.of_line("B", "64483")("authorization") == ["197", "15"]  # never there: overall
    assert found.of_line(None, None)("medical_necessity") == ["50"]
    assert found.of_line("B", "64483")("coding") == ["11", "16", "182"]  # at most three; of equals the first by name
    assert found.of_line("B", "64483")("other") == [] == found.of_line("A", "64483")("timely_filing")


# Sharpness ----------------------------------------------------------------------------------------------------------


def test_sharpness_finds_the_power_that_was_taken_away() -> None:
    random = np.random.default_rng(2)
    true = random.dirichlet(np.full(K, 0.4), 6000)
    true = (true + 1e-6) / (true + 1e-6).sum(axis=1, keepdims=True)
    category = (random.random(6000)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    assert sharpness_of(true, category) == pytest.approx(1.0, abs=0.05)
    assert sharpness_of(sharpened(true, 2.0), category) == pytest.approx(0.5, abs=0.05)
    assert sharpness_of(sharpened(true, 0.5), category) == pytest.approx(2.0, abs=0.1)
    assert sharpness_of(sharpened(true, 2.0)[:0], category[:0]) == pytest.approx(1.0, abs=1e-9)  # nothing to go by


# The folder ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_catalog")
def test_a_folder_keeps_reasons_and_notices_damage(made_model: DenialModel, tmp_path: Path) -> None:
    model, asked = dataclasses.replace(made_model, reasons=learned()), made(100, 9)
    model.save(tmp_path / "model")
    kept = DenialModel.load(tmp_path / "model").reasons
    assert kept is not None and model.reasons is not None and kept == model.reasons
    np.testing.assert_array_equal(kept.shares(asked.X, asked.keys), model.reasons.shares(asked.X, asked.keys))
    for name in ("reasons.txt", "reasons.json"):
        path = tmp_path / "model" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-20])
        with pytest.raises(NoModelError, match=name):
            DenialModel.load(tmp_path / "model")
        path.unlink()
        with pytest.raises(NoModelError, match=name):
            DenialModel.load(tmp_path / "model")
        path.write_bytes(whole)


@pytest.mark.usefixtures("small_catalog")
def test_a_folder_of_before_tells_no_reasons(made_model: DenialModel, tmp_path: Path) -> None:
    made_model.save(tmp_path / "model")
    assert not list((tmp_path / "model").glob("reasons*"))
    assert DenialModel.load(tmp_path / "model").reasons is None


@pytest.mark.parametrize("text", ["{}", "[1]", "no json", '{"classes": [], "sharpness": 1, "lines": 3}'])
def test_what_is_no_table_of_reasons_is_no_model(text: str) -> None:
    with pytest.raises(NoModelError, match=r"reasons\.json"):
        Reasons.read({"reasons.json": text})
