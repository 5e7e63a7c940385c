"""From rulings to the outcomes file: amounts, adjustments and remarks as a remittance shows them.

Amounts are cents inside. A paid line is charge = contractual + cost share + sequestration + paid; a denied line
carries its denial code with the charge (or with the allowed part, the rest contractual: payers differ).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from data.synthetic.facts import day_numbers, modifier_bits, text
from data.synthetic.frames import OUTCOME_COLUMNS, days, money, texts
from data.synthetic.world import Ints, World, bits


def outcomes(world: World, lines: pl.DataFrame, rulings: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One event for every answered line; rows as `lines`, which is as long as `rulings`. Also later than the end."""
    rng = world.stream(seed, "remit")
    amounts = _amounts(world, lines, rulings, rng)
    status = _status(world, lines, rulings, rng)
    frame = lines.select("claim_id", "claim_line_number", "payer_id").with_columns(
        known_date=days(rulings["known_day"].to_numpy()),
        paid_date=days(rulings["paid_day"].to_numpy()),
        claim_status_code=texts(status),
        allowed_amount=money(amounts["allowed"]),
        paid_amount=money(amounts["paid"]),
        adjustments=_adjustments(amounts),
        remark_codes=rulings["rarc"],
        payer_claim_control_number=control_number(rulings),
    )
    return frame.select(OUTCOME_COLUMNS).filter(rulings["answered"])


def control_number(rulings: pl.DataFrame) -> pl.Series:
    """What the payer calls each line's submission."""
    return "SYNC" + rulings["control"].cast(pl.String).str.zfill(8)


def contract_cents(world: World, lines: pl.DataFrame) -> Ints:
    """What the payer's contract allows for each line, in cents."""
    code, mods = text(lines, "hcpcs_code"), modifier_bits(lines)
    units = lines["service_unit_quantity"].cast(pl.Float64).to_numpy()
    price = {p.id: p.price for p in world.payers}
    names, where = np.unique(code, return_inverse=True)
    fee = np.array([world.codes[c].fee if c in world.codes else 0.0 for c in names])[where]
    factor = lines["payer_id"].replace_strict(price, default=1.0, return_dtype=pl.Float64).to_numpy()
    both = ((mods & bits(["50"])) > 0) & (units == 1)
    return np.asarray(np.round(100 * fee * factor * units * np.where(both, 1.5, 1.0))).astype(np.int64)


def _amounts(world: World, lines: pl.DataFrame, r: pl.DataFrame, rng: np.random.Generator) -> dict[str, np.ndarray]:
    n = lines.height
    charge = (lines["charge_amount"].cast(pl.Float64) * 100).round().cast(pl.Int64).to_numpy()
    allowed = np.minimum(charge, contract_cents(world, lines))
    allowed = np.where(r["underpaid"].to_numpy(), (allowed * rng.uniform(0.75, 0.95, n)).astype(np.int64), allowed)
    denied, partial = r["denied"].to_numpy().astype(bool), r["partial"].to_numpy()
    designed = r["target"].to_numpy() == 0
    secondary = (r["kind"] == "secondary").to_numpy()
    nothing = (denied & ~partial) | designed | (r["kind"] == "duplicate").to_numpy() | secondary
    part = np.where(partial, allowed // 2, allowed)
    paying = np.where(nothing, 0, part)
    share, share_code = _cost_share(lines, paying, rng)
    cut = {p.id: p.sequestration for p in world.payers}
    sequestered = lines["payer_id"].replace_strict(cut, default=False, return_dtype=pl.Boolean).to_numpy()
    sequester = np.where(sequestered, (paying - share) * 2 // 100, 0)
    paid = np.where(secondary, allowed // 5, paying - share - sequester)
    split = (lines["payer_id"].str.slice(-1).cast(pl.Int64, strict=False).fill_null(0) % 2 == 1).to_numpy() & denied
    contractual = np.where(nothing & ~split, 0, charge - allowed)
    rest = charge - paid - share - sequester - contractual
    own = {p.id: p.contract_code for p in world.payers}
    return {
        "allowed": np.where(secondary, allowed, paying), "paid": paid, "share": share, "share_code": share_code,
        "sequester": sequester, "contractual": contractual, "rest": rest, "rest_code": _rest_code(r),
        "contract_code": lines["payer_id"].replace_strict(own, default="45", return_dtype=pl.String).to_numpy(),
    }  # fmt: skip


def _rest_code(r: pl.DataFrame) -> np.ndarray:
    """Group and code of what was denied, or of what is not paid by design."""
    code = r.select(pl.concat_str("group", "carc", separator="-")).to_series()
    return np.asarray(code.fill_null("").to_numpy(), dtype=object).astype(str)


def _cost_share(lines: pl.DataFrame, paying: Ints, rng: np.random.Generator) -> tuple[Ints, np.ndarray]:
    """Deductible in the first months, else copay of visits or coinsurance; none for Medicaid and WC."""
    filing = text(lines, "claim_filing_indicator_code")
    month = lines["claim_line_start_date"].dt.month().to_numpy()
    visit = np.char.startswith(text(lines, "hcpcs_code"), "99")
    private = np.isin(filing, ["CI", "BL"])
    deductible = private & (month <= 3) & (rng.random(lines.height) < 0.4)
    copay = visit & np.isin(filing, ["CI", "BL", "16", "HM"]) & ~deductible
    rate = np.select([filing == "MB", private, np.isin(filing, ["16", "HM"])], [20, 20, 10], 0)
    share = np.where(deductible, paying, np.where(copay, np.minimum(paying, 4000), paying * rate // 100))
    return share, np.select([deductible, copay], ["1", "3"], "2")


def _adjustments(a: dict[str, np.ndarray]) -> pl.Series:
    """CO-45:120.00;PR-2:12.00 and so on; only what is not zero."""

    def part(prefix: np.ndarray, cents: Ints) -> pl.Series:
        made = pl.Series(prefix.astype(str)) + ":" + money(cents)
        return made.zip_with(
            pl.Series((cents != 0) & (prefix != "")), pl.Series([None], dtype=pl.String).new_from_index(0, len(made))
        )

    parts = pl.DataFrame({
        "a": part(np.char.add("CO-", a["contract_code"].astype(str)), a["contractual"]),
        "b": part(np.char.add("PR-", a["share_code"]), a["share"]),
        "c": part(np.full(len(a["paid"]), "CO-253"), a["sequester"]),
        "d": part(a["rest_code"], a["rest"]),
    })  # fmt: skip
    joined = parts.select(pl.concat_str("a", "b", "c", "d", separator=";", ignore_nulls=True)).to_series()
    return joined.set(joined == "", None)


def _status(world: World, lines: pl.DataFrame, r: pl.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """1, 2, 4 or 19 a claim: 4 is no more than a hint, as in real remittances."""
    control = r["control"].to_numpy()
    _, claim = np.unique(control, return_inverse=True)
    size = int(claim.max(initial=-1)) + 1
    whole = np.ones(size, dtype=bool)
    np.logical_and.at(whole, claim, r["denied"].to_numpy() > 0)
    draw = rng.random(size)
    medicare = np.zeros(size, dtype=bool)
    medicare[claim] = (lines["claim_filing_indicator_code"] == "MB").to_numpy()
    status = np.where(whole & (draw < 0.35), "4", np.where(medicare & (draw > 0.85), "19", "1"))
    return np.where((r["kind"] == "secondary").to_numpy(), "2", status[claim])


def reversals(world: World, events: pl.DataFrame, seed: int) -> pl.DataFrame:
    """For about one paid claim in ninety: its events taken back (status 22, negative), then paid again."""
    rng = world.stream(seed, "reversals")
    claims = (
        events.select(pl.struct("claim_id", "payer_claim_control_number").rank("dense"))
        .to_series()
        .cast(pl.Int64)
        .to_numpy()
        - 1
    )
    size = int(claims.max(initial=-1)) + 1
    paid = np.zeros(size, dtype=bool)
    paid[claims[(events["paid_amount"].cast(pl.Float64) > 0).to_numpy()]] = True
    chosen = paid & (rng.random(size) < 0.011)
    at = np.flatnonzero(chosen[claims] & events["claim_status_code"].is_in(["1", "19"]).to_numpy())
    taken = events[at]
    after, again = rng.integers(25, 120, size)[claims[at]], rng.integers(0, 12, size)[claims[at]]
    back = taken.with_columns(
        claim_status_code=pl.lit("22"), known_date=days(day_numbers(taken["known_date"]) + after),
        paid_date=days(day_numbers(taken["paid_date"]) + after), adjustments=_negative(taken["adjustments"]),
        allowed_amount=_negative(taken["allowed_amount"], ""), paid_amount=_negative(taken["paid_amount"], ""),
    )  # fmt: skip
    once_more = taken.with_columns(
        known_date=days(day_numbers(taken["known_date"]) + after + again),
        paid_date=days(day_numbers(taken["paid_date"]) + after + again),
    )
    return pl.concat([back, once_more])


def _negative(values: pl.Series, before: str = ":") -> pl.Series:
    """Amounts with a minus: those after the mark, or the whole text; 0.00 stays."""
    if before:
        return values.str.replace_all(before, before + "-", literal=True)
    return pl.DataFrame({"v": values}).select(
        pl.when(pl.col("v") == "0.00").then(pl.col("v")).otherwise(pl.lit("-") + pl.col("v"))
    ).to_series()  # fmt: skip
