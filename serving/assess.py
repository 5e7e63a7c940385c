"""The one pass from read lines to risks: submitted today where no day is given, features, model, worth.

Rows keep their order. Claims of one request never see each other, not even two with the same identity (the same claim
sent twice, or tried in two ways): each gets the answer that it would get alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from claims.dated import dated
from claims.settings import EvidenceSettings
from claims.texts import Texts
from features.build import build
from features.extra import Extra
from features.history import History
from features.table import FeatureTable
from rules.past import Past
from serving.worth import Worth
from training.evidence import Evidence, evidence_of, of_claims
from training.reasons import shares
from training.starting import Model

CHUNK = 20_000  # lines whose matrix is held at a time


@dataclass(frozen=True)
class Assessed:
    """Lines with what is said of them, (lines,) each but claim_risk and claim_evidence (claims,).

    claim: codes 0..k-1; raw: log-odds; loss: int64 cents; past: what the rules see them against; shares:
    (lines, CATEGORIES) P(category | denied), or (lines, 0) where the model tells none.
    """

    lines: pl.DataFrame
    table: FeatureTable
    claim: np.ndarray
    raw: np.ndarray
    risk: np.ndarray
    claim_risk: np.ndarray
    loss: np.ndarray
    past: Past
    evidence: Evidence
    claim_evidence: Evidence
    shares: np.ndarray

    def __len__(self) -> int:
        """Lines."""
        return len(self.raw)

    @property
    def reasons(self) -> np.ndarray:
        """(lines, CATEGORIES) probabilities that add up to the risk of the line; (lines, 0) without any."""
        return np.asarray(self.risk[:, None] * self.shares)

    @property
    def claim_reasons(self) -> np.ndarray:
        """(claims, CATEGORIES) probabilities that add up to the risk of the claim; (claims, 0) without any."""
        own = self.reasons
        sums = [np.bincount(self.claim, column, minlength=len(self.claim_risk)) for column in own.T]
        # In rows, so that the sum of one is the same in any company.
        whole = np.array(sums).reshape(own.shape[1], len(self.claim_risk)).T.copy(order="C")
        return np.asarray(self.claim_risk[:, None] * (whole / whole.sum(axis=1, keepdims=True)))

    def dearest(self, most: int) -> Assessed:
        """The claims with the largest loss alone, dearest first (ties: the earlier); claim_index numbers them anew."""
        losses = np.bincount(self.claim, self.loss, minlength=len(self.claim_risk))
        chosen = np.argsort(-losses, kind="stable")[:most]
        place = np.full(len(losses), -1)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(place[self.claim] >= 0)
        rows = rows[np.argsort(place[self.claim[rows]], kind="stable")]
        claim = place[self.claim[rows]]
        lines = self.lines[rows].with_columns(claim_index=pl.Series(claim, dtype=pl.Int64))
        return Assessed(
            lines, self.table.take(rows), claim, self.raw[rows], self.risk[rows], self.claim_risk[chosen],
            self.loss[rows], self.past, self.evidence.take(rows), self.claim_evidence.take(chosen), self.shares[rows],
        )  # fmt: skip


def assess(
    lines: pl.DataFrame, model: Model, history: History, worth: Worth, today: date, settings: EvidenceSettings
) -> Assessed:
    """Risks of (n,) accepted lines of a Batch; of a request, `claim_index` says which lines are one claim."""
    lines = dated(lines, today)
    claim = _claims(lines)
    past = history.past.with_request(lines)[0]
    table = _features(lines, claim, history)
    raw, risk, why = scores(model, table)
    claim_risk = model.claim_risk(risk, claim) if len(raw) else np.zeros(0)
    known = evidence_of(table, risk, lines.get_column("submitted_date").to_numpy(), model, settings)
    whole = of_claims(known, risk, claim, model)
    return Assessed(lines, table, claim, raw, risk, claim_risk, worth.loss(lines, risk), past, known, whole, why)


def scores(model: Model, table: FeatureTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lines,) raw scores and risks, and (lines, CATEGORIES) P(category | denied), (lines, 0) where it tells none."""
    raw, risk, why = np.empty(len(table)), np.empty(len(table)), []
    for rows, X in matrices(model, table):
        raw[rows] = model.raw_score(X)
        risk[rows] = model.risk(raw[rows], X)
        why.append(shares(model.reasons, X, table, rows))
    return raw, risk, np.concatenate(why)


def matrices(model: Model, table: FeatureTable, size: int = CHUNK) -> Iterator[tuple[slice, np.ndarray]]:
    """The model's matrix in parts of at most `size` lines, with the rows of each part."""
    if len(table) <= size:
        yield slice(0, len(table)), model.matrix(table)
        return
    for start in range(0, len(table), size):
        rows = slice(start, min(start + size, len(table)))
        yield rows, model.matrix(table.take(np.arange(rows.start, rows.stop)))


def _claims(lines: pl.DataFrame) -> np.ndarray:
    """(lines,) codes of the claims, in order of first sight: the request's own claims, else submissions."""
    name = "claim_index" if "claim_index" in lines.columns else "submission_id"
    seen: dict[object, int] = {}
    values = lines.get_column(name).to_list()
    return np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int64, len(values))


def _features(lines: pl.DataFrame, claim: np.ndarray, history: History) -> FeatureTable:
    """Features of the lines; claims that share a submission_id are built apart."""
    rounds = _rounds(lines, claim) if "claim_index" in lines.columns else np.zeros(len(claim), np.int64)
    if not rounds.any():
        return build(lines, history)
    parts = [np.flatnonzero(rounds == number) for number in range(int(rounds.max()) + 1)]
    tables = [build(lines[rows], history) for rows in parts]
    order = np.concatenate(parts)
    return _stacked(tables, lines[order]).take(np.argsort(order, kind="stable"))


def _rounds(lines: pl.DataFrame, claim: np.ndarray) -> np.ndarray:
    """(lines,) how many earlier claims of the request have the line's submission_id."""
    claims: dict[str, dict[int, int]] = {}
    found = np.zeros(len(claim), np.int64)
    for row, (submission, code) in enumerate(
        zip(lines.get_column("submission_id").to_list(), claim.tolist(), strict=True)
    ):
        sharing = claims.setdefault(submission, {})
        found[row] = sharing.setdefault(code, len(sharing))
    return found


def _stacked(tables: list[FeatureTable], lines: pl.DataFrame) -> FeatureTable:
    """One table of the features of these lines, in their order."""
    numbers = np.concatenate([table.numbers for table in tables])
    categories = {
        name: Texts.of([text for table in tables for text in table.categories[name]]) for name in tables[0].categories
    }
    extra = Extra.of(lines.get_column("extra"))
    return FeatureTable(tables[0].number_names, numbers, categories, extra=extra)
