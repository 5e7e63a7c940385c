"""The truth: probabilities that are calibrated, an average over the hidden variables that Monte Carlo confirms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.synthetic import Generated, adjudicate, reachable, readjudicate
from data.synthetic.facts import Facts, facts_of

ROOT = Path(__file__).parents[2]


def judged(generated: Generated) -> pl.DataFrame:
    return generated.truth.filter((pl.col("kind") == "original") & (pl.col("target") == 1))


def facts(generated: Generated, lines: pl.DataFrame) -> Facts:
    past = generated.lines.filter(pl.col("payer_responsibility_code") == "P")
    return facts_of(generated.world, generated.practice, lines, past, generated.authorizations)


@pytest.mark.parametrize("column", ["p_oracle", "p_reachable"])
def test_probabilities_are_calibrated_against_the_drawn_denials(reference: Generated, column: str) -> None:
    table = judged(reference).select(p=column, y="denied").sort("p")
    for part in range(10):
        rows = table.slice(part * table.height // 10, table.height // 10)
        # claims share hidden variables, so the spread is wider than a coin's: four of its deviations and 0.4 points
        spread = float(np.sqrt((rows["p"] * (1 - rows["p"])).sum())) / rows.height
        assert abs(rows["p"].mean() - rows["y"].mean()) < 4 * spread + 0.004


def test_reachable_is_the_mean_of_oracle_over_the_hidden_variables(small: Generated) -> None:
    world, rng = small.world, np.random.default_rng(0)
    lines = small.lines.filter(small.truth["kind"] == "original").head(600)
    f = facts(small, lines)
    h, chance = adjudicate.hazards(world, small.practice, f), adjudicate.lapse_chance(world, f)
    draws = 3000
    mean = np.zeros(len(h))
    for _ in range(draws):
        note, reviewer = rng.normal(size=(2, len(h)))
        lapse = (rng.random(len(h)) < chance).astype(np.int64)
        mean += adjudicate.oracle(world, h, adjudicate.Hidden(lapse, note, reviewer)) / draws
    assert np.abs(mean - adjudicate.averaged(world, h, chance)).max() < 0.015
    assert abs((mean - adjudicate.averaged(world, h, chance)).mean()) < 0.001


def test_lines_judged_again_as_they_were_keep_their_probability(small: Generated) -> None:
    original = (small.truth["kind"] == "original").to_numpy()
    again = reachable(small, small.lines.filter(original))
    assert np.allclose(again["p_reachable"], small.truth.filter(original)["p_reachable"], atol=1e-9)


def test_a_missing_25_put_on_makes_the_visit_safer(small: Generated) -> None:
    rows = small.truth.filter((pl.col("kind") == "original") & (pl.col("mechanism") == "em_no25"))
    claims = small.lines.join(rows.select("claim_id", "submitted_date").unique(), on=["claim_id", "submitted_date"])
    visit = pl.col("hcpcs_code").str.starts_with("992") & pl.col("hcpcs_modifier_1").is_null()
    mended = claims.with_columns(hcpcs_modifier_1=pl.when(visit).then(pl.lit("25")).otherwise("hcpcs_modifier_1"))
    changed = claims.select(visit).to_series()
    before, after = (reachable(small, x).filter(changed)["p_reachable"].mean() for x in (claims, mended))
    assert after < before - 0.3
    assert set(readjudicate(small, mended)["denied"]) <= {0, 1}


def test_an_authorization_known_only_later_does_not_help_the_original(small: Generated) -> None:
    late = small.authorizations.filter(pl.col("prior_authorization_number").str.starts_with("SYNZ"))
    without = small.authorizations.filter(~pl.col("prior_authorization_number").str.starts_with("SYNZ"))
    assert late.height > 0
    lines = small.lines.filter(small.truth["kind"] == "original")
    past = small.lines.filter(pl.col("payer_responsibility_code") == "P")
    with_late = facts(small, lines)
    bare = facts_of(small.world, small.practice, lines, past, without)
    assert (with_late.auth == bare.auth).all()


def test_an_authorization_known_on_the_day_of_submission_counts_as_absent(small: Generated) -> None:
    lines = small.lines.filter(small.truth["kind"] == "original")
    known = small.authorizations.with_columns(known_date=pl.lit(lines["submitted_date"].min()) - pl.duration(days=1))
    sent = small.authorizations.with_columns(known_date=pl.lit(lines["submitted_date"].max()))
    past = small.lines
    early = facts_of(small.world, small.practice, lines, past, known)
    late = facts_of(small.world, small.practice, lines, past, sent)
    named = lines["prior_authorization_number"].is_not_null().to_numpy()
    assert (late.auth_reason[named] == 5).all()
    assert (early.auth_reason[named] != 5).all()


def test_every_denial_has_a_cause_and_a_code_of_that_category(small: Generated) -> None:
    classes = pl.read_csv(ROOT / "claims" / "carc_classes.csv", infer_schema=False)
    category = dict(classes.filter(pl.col("is_denial") == "yes").select("carc", "category").iter_rows())
    denied = small.truth.filter(pl.col("denied") == 1)
    assert denied["cause"].is_not_null().all() and denied["mechanism"].is_not_null().all()
    assert [category[c] for c in denied["carc"].to_list()] == denied["cause"].to_list()
    assert small.truth.filter(pl.col("denied") == 0)["cause"].is_null().all()


def test_rules_and_habits_cause_at_least_seventy_percent_of_denials(reference: Generated) -> None:
    denied = judged(reference).filter(pl.col("denied") == 1)
    assert denied["mechanism"].is_in(list(adjudicate.NOISE)).mean() <= 0.30


def test_denial_rates_follow_the_suggested_order_of_payers_and_families(reference: Generated) -> None:
    rows = judged(reference).join(
        reference.lines.select(
            "claim_id", "claim_line_number", "payer_id", "submitted_date", "claim_filing_indicator_code", "hcpcs_code"
        ),
        on=["claim_id", "claim_line_number", "payer_id", "submitted_date"],
    )
    by_payer = dict(rows.group_by("claim_filing_indicator_code").agg(pl.col("denied").mean()).iter_rows())
    assert by_payer["MB"] == min(by_payer.values())
    assert 0.06 < by_payer["MB"] < 0.14 and by_payer["MC"] > by_payer["BL"]
    rate = {c: rows.filter(pl.col("hcpcs_code") == c)["denied"].mean() for c in ("99213", "62323", "64635")}
    assert rate["99213"] < rate["62323"] < rate["64635"]
