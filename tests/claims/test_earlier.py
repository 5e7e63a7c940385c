"""Chains against their definition written out in plain loops, on small random worlds; and one claim against all."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import ascii_table
import numpy as np
import polars as pl
import pytest

from claims.earlier import ChainIndex, chains, control_numbers
from claims.keys import NEVER, keys_of
from claims.match import match_outcomes

CHOICES: dict[str, list[Any]] = {
    "source_system": ["practice"] * 9 + ["other"], "claim_id": list("ABCDEFGHIJKLMN"), "payer_id": ["P1", "P1", "P2"],
    "submitted_date": [None, *[f"2026-01-{day:02}" for day in range(10, 16)]],
    "claim_frequency_code": [None, "", "1", "1", "7", "8"], "original_reference_number": [None, "", "K1", "K2"],
    "patient_id": [None, "", "p", "p", "q", "q"], "claim_line_start_date": ["2026-01-05", "2026-01-06"],
    "hcpcs_code": ["64483", "64484"], "hcpcs_modifier_1": [None, "", "RT", "LT"], "hcpcs_modifier_3": [None, "RT", "LT"],
    "service_unit_quantity": [None, 1.0, 1.0, 2.0], "rendering_npi": [None, "", "n"],
}  # fmt: skip
CLAIM = ("source_system", "claim_id", "payer_id", "submitted_date", "claim_frequency_code", "original_reference_number")


def world(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Up to 19 submissions of one to three lines each, and outcomes that name some of them."""
    random = np.random.default_rng(seed)

    def any_of(name: str) -> Any:
        return CHOICES[name][random.integers(len(CHOICES[name]))]

    services = [{name: any_of(name) for name in CHOICES if name not in CLAIM} for _ in range(4)]
    rows: list[dict[str, object]] = []
    for i in random.permutation(random.integers(2, 20)):
        claim = {name: any_of(name) for name in CLAIM} | {"submission_id": f"S{i:02}"}
        for number in range(1, random.integers(2, 5)):
            line = claim | services[random.integers(4)] | {"claim_line_number": str(number)}
            changed = {name: any_of(name) for name in services[0] if random.random() < 0.03}
            rows.append(ascii_table.LINE | line | changed)
    outcomes = [
        ascii_table.OUTCOME | {"claim_id": any_of("claim_id"), "known_date": f"2026-01-{random.integers(9, 15)}",
        "payer_claim_control_number": any_of("original_reference_number"), "outcome_id": f"o{i}"}
        for i in range(random.integers(0, 25))
    ]  # fmt: skip
    lines = [{k: str(v) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    return ascii_table.frame(lines, ascii_table.Line), ascii_table.frame(outcomes, ascii_table.Outcome)


def defined(lines: pl.DataFrame, outcomes: pl.DataFrame) -> dict[str, tuple[str | None, bool, str]]:
    """resubmission_of, is_resubmission, chain_id of each submission by the words of the definition."""
    claims: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines.to_dicts():
        claims[line["submission_id"]].append(line)
    numbers = match_outcomes(lines, outcomes).filter(pl.col("submission_id").is_not_null()).to_dicts()
    result: dict[str, tuple[str | None, bool, str]] = {}

    def service(line: dict[str, Any]) -> tuple[Any, ...]:
        modifiers = sorted(line[f"hcpcs_modifier_{i}"] or "" for i in range(1, 5))
        names = ("patient_id", "payer_id", "claim_line_start_date", "hcpcs_code", "service_unit_quantity")
        return (*(line[name] for name in names), *modifiers, line["rendering_npi"] or "")

    def linked(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> bool:
        one, other = new[0], old[0]
        day, before = one["submitted_date"], other["submitted_date"]
        if day is None or before is None or before >= day:
            return False
        again = all(one[name] == other[name] for name in ("source_system", "claim_id", "payer_id"))
        number = one["original_reference_number"]
        named = one["payer_id"] == other["payer_id"] and any(
            number and row["payer_claim_control_number"] == number and row["known_date"] < day
            for row in numbers if row["submission_id"] == other["submission_id"]
        )  # fmt: skip
        held = {service(line) for line in old}
        return again or named or all(line["patient_id"] and service(line) in held for line in new)

    def moment(claim: list[dict[str, Any]]) -> tuple[Any, str]:
        return claim[0]["submitted_date"], claim[0]["submission_id"]

    dated = sorted((c for c in claims.values() if c[0]["submitted_date"]), key=moment)
    for claim in [*dated, *(c for c in claims.values() if not c[0]["submitted_date"])]:
        name = claim[0]["submission_id"]
        parents = [old[0]["submission_id"] for old in dated if linked(claim, old)]
        says = claim[0]["claim_frequency_code"] in ("7", "8") or bool(claim[0]["original_reference_number"])
        parent = parents[-1] if parents else None
        result[name] = (parent, says or parent is not None, result[parent][2] if parent else name)
    return result


@pytest.mark.parametrize("seed", range(60))
def test_chains_are_what_the_definition_says(seed: int) -> None:
    lines, outcomes = world(seed)
    got = chains(lines, outcomes).select("submission_id", "resubmission_of", "is_resubmission", "chain_id")
    assert {name: tuple(rest) for name, *rest in got.rows()} == defined(lines, outcomes)


@pytest.mark.parametrize("seed", range(25))
def test_one_claim_alone_is_told_what_all_together_are(seed: int) -> None:
    lines, outcomes = world(seed)
    table = chains(lines, outcomes)
    stored = lines.join(table, on="submission_id", how="left", maintain_order="left")
    index = ChainIndex.of(stored, outcomes)
    assert np.array_equal(index.chain_of(lines), index.codes)
    for name in table["submission_id"]:
        mine = pl.col("submission_id") == name
        rest = lines.filter(~mine)
        others = rest.join(chains(rest, outcomes), on="submission_id", how="left", maintain_order="left")
        alone = ChainIndex.of(others, outcomes)
        chain_of_code = dict(zip(alone.codes.tolist(), others["chain_id"], strict=True))
        told = {chain_of_code.get(code, name) for code in alone.chain_of(lines.filter(mine)).tolist()}
        assert told == set(table.filter(mine)["chain_id"])


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_rows_and_matching_beforehand_change_nothing(seed: int) -> None:
    lines, outcomes = world(seed)
    table = chains(lines, outcomes)
    assert table.equals(chains(lines.sample(fraction=1, shuffle=True, seed=seed), outcomes.reverse()))
    assert table.equals(chains(lines, match_outcomes(lines, outcomes)))
    assert table.equals(chains(lines, control_numbers(lines, outcomes)))


def test_a_batch_is_told_what_each_of_its_claims_is_told() -> None:
    lines, outcomes = world(5)
    new = lines.with_columns(pl.col("submitted_date").dt.offset_by("2d"), submission_id="N" + pl.col("submission_id"))
    stored = lines.join(chains(lines, outcomes), on="submission_id", how="left", maintain_order="left")
    index = ChainIndex.of(stored, outcomes)
    each = np.concatenate([index.chain_of(new[i : i + 1]) for i in range(new.height)])
    singles = new.with_columns(submission_id=pl.format("{}/{}", "submission_id", "claim_line_number"))
    assert np.array_equal(index.chain_of(singles), each)
    assert len(set(each.tolist())) > 1


def test_nothing_stored_and_nothing_asked() -> None:
    none, outcomes = ascii_table.lines("claim_id"), ascii_table.outcomes("claim_id")
    some = ascii_table.lines("claim_id\nA\nB")
    assert chains(none, outcomes).schema == chains(some, outcomes).schema
    index = ChainIndex.of(none.with_columns(chain_id=pl.lit("")), outcomes)
    assert index.codes.shape == (0,)
    assert index.chain_of(some).tolist() == [-1, -1]
    assert index.chain_of(none).shape == (0,)


def test_a_key_is_the_same_in_any_company() -> None:
    lines, _ = world(3)
    whole = keys_of(lines)
    for i in range(lines.height):
        alone = keys_of(lines[i : i + 1])
        for name in ("submission", "day", "claim", "named", "content"):
            assert getattr(alone, name)[0] == getattr(whole, name)[i]


def test_many_copies_of_one_line_do_not_multiply() -> None:
    days = pl.date_range(pl.date(2000, 1, 1), pl.date(2010, 1, 1), eager=True)
    lines = ascii_table.lines("claim_id | patient_id\nA | p").drop("submission_id", "submitted_date", "claim_id").join(
        pl.DataFrame({"submission_id": days.cast(pl.String), "claim_id": days.cast(pl.String), "submitted_date": days}),
        how="cross",
    )  # fmt: skip
    table = chains(lines, ascii_table.outcomes("claim_id"))
    assert table["chain_id"].unique().to_list() == ["2000-01-01"]
    assert table["resubmission_of"][1:].equals(table["submission_id"][:-1], check_names=False)


@pytest.mark.parametrize("seed", range(10))
def test_a_chain_began_when_its_first_submission_was_sent(seed: int) -> None:
    lines, outcomes = world(seed)
    table = chains(lines, outcomes)
    index = ChainIndex.of(lines.join(table, on="submission_id", how="left", maintain_order="left"), outcomes)
    sent = dict(lines.select("submission_id", "submitted_date").iter_rows())
    first = {name: sent[chain] for name, chain in table.select("submission_id", "chain_id").iter_rows()}
    wanted = [first[name] for name in lines["submission_id"]]
    told = index.began(index.codes.astype(np.int64)).tolist()
    assert [(day - date(1970, 1, 1)).days if day else NEVER for day in wanted] == told
    assert index.began(np.array([-1])).tolist() == [NEVER]
