"""Codes of categories: rare and unseen levels share the last code, None is nan, identifiers are no features."""

import numpy as np
import pytest
from made_up import SMALL, made_table

from claims.errors import ModelMismatchError
from claims.texts import Texts
from features import catalog
from features.catalog import Feature
from features.table import FeatureTable
from training.matrix import Encoder, choose_levels, clocks, usable


def test_levels_need_twenty_rows() -> None:
    table, _ = made_table(3000)
    levels = choose_levels(table, SMALL, 20)
    assert levels["payer_id"] == ("P0", "P1", "P2", "P3", "P4")
    assert "rare" in table.categories["payer_id"]


def test_codes_by_hand() -> None:
    table = FeatureTable(
        ("rate", "charge"),
        np.array([[0.5, 10.0], [np.nan, 20.0], [0.1, 30.0]]),
        {"payer_id": Texts.of(["B", None, "new"])},
    )
    X = Encoder(("charge", "payer_id"), {"payer_id": ("A", "B")}).matrix(table)
    np.testing.assert_array_equal(X, [[10.0, 1.0], [20.0, np.nan], [30.0, 2.0]])


def test_a_table_without_a_feature_is_refused_by_name() -> None:
    table, _ = made_table(5)
    with pytest.raises(ModelMismatchError, match="units_against_usual"):
        Encoder(("charge", "units_against_usual"), {}).matrix(table)


def test_tables_of_different_layout_may_follow_one_another() -> None:
    encoder = Encoder(("b", "a"), {})
    one = FeatureTable(("a", "b"), np.array([[1.0, 2.0]]), {})
    other = FeatureTable(("b", "x", "a"), np.array([[2.0, 9.0, 1.0]]), {})
    assert encoder.matrix(one).tolist() == encoder.matrix(other).tolist() == [[2.0, 1.0]]


def test_no_category_names_a_patient_a_provider_or_a_claim() -> None:
    named = [
        Feature(name, "category", "", "", "", 0) for name in ("rendering_npi", "patient_id", "member_key", "payer_id")
    ]
    assert [f.name for f in usable(named)] == ["payer_id"]


def test_no_clock_is_offered_to_the_model() -> None:
    taken = {f.name for f in usable(catalog.CATALOG)}
    assert clocks() <= set(catalog.BY_NAME) and not taken & clocks()
    assert {"denied_rate__all__30d", "outcomes__payer_id__all", "outcomes__patient__all"} <= clocks()
    assert {"denied_rate__payer_id__all", "outcomes__payer_id__180d", "days_since_denial__payer_id"} <= taken
