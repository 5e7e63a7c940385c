"""Vocabularies: codes never change, and a column whose bits are used up keeps no further history."""

import pytest

from claims.texts import Texts
from features.ledger import KEY_BITS, pack
from rules.encode import BITS, MISS, Vocabulary


def test_codes_are_append_only() -> None:
    vocabulary = Vocabulary()
    first = vocabulary.learn("payer", Texts.of(["A", "B", "A"])).tolist()
    assert vocabulary.learn("payer", Texts.of(["C", "B"])).tolist() == [2, 1]
    assert first == [0, 1, 0]


def test_a_copy_grows_alone() -> None:
    vocabulary = Vocabulary()
    vocabulary.copy().extend("payer", ["A"])
    assert vocabulary.encode("payer", Texts.of(["A"])).tolist() == [MISS["payer"]]


def test_what_no_bits_are_left_for_has_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MISS, "payer", 3)
    assert Vocabulary().learn("payer", Texts.of(["A", "B", "C", "D", "A"])).tolist() == [0, 1, 2, 3, 0]


def test_nobody_and_nothing_have_no_history_as_patient_or_provider() -> None:
    assert Vocabulary().learn("patient", Texts.of([None, "", "p"])).tolist() == [MISS["patient"], MISS["patient"], 0]
    assert Vocabulary().learn("modifiers", Texts.of(["", "RT"])).tolist() == [0, 1]


def test_a_key_that_does_not_fit_is_refused() -> None:
    assert BITS["payer"] + BITS["code"] + BITS["dx"] <= KEY_BITS
    with pytest.raises(AssertionError, match="do not fit"):
        pack(("patient", "dx", "code"), {}, 0)
