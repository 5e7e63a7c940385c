"""Scorer: a model, the history it looks at and the site's settings; scores claims and changes none of them.

Answers in kind: a frame for a frame, a response for a list of claims, a table for a file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import polars as pl

from claims.batch import Batch, check_lines
from claims.dated import dated
from claims.errors import UsageError
from claims.read import read_claims, read_file, read_frame
from claims.settings import Settings, load_settings
from features.history import History
from features.request import with_request
from rules.findings import Finding
from rules.judge import judge
from serving.abstain import abstaining, notice
from serving.answer import Json, add_rejects, claims_of, flat
from serving.assess import Assessed, assess
from serving.explain import Driver, Explain, Explainer
from serving.lately import told_lately
from serving.pandas_edge import from_pandas, is_pandas, to_pandas
from serving.parts import parted
from serving.reasons import told
from serving.sheet import Origin, sheet
from serving.warm import Known
from serving.worth import Prices, Worth
from training.golden import check_golden
from training.model import DenialModel
from training.starting import Model, StartingModel

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scorer:
    """Scores claims with one model against one state of the store. Safe to use from several threads."""

    model: Model
    history: History
    settings: Settings
    prices: Prices | None = None  # of the history, where they are at hand

    @classmethod
    def load(cls, model: Path | None = None, settings: Settings | None = None, known: Known | None = None) -> Scorer:
        """The exported champion, or the model of a folder, with the history of the site's store as it is now.

        known: what the store knows, where it is at hand. What was kept of it is mapped into memory (serving/warm.py).
        Where no champion was ever promoted, the starting model answers (training/starting.py). Raises NoModelError
        (exit code 14) when the folder that is named is not there, when a model is damaged, or when it does not give its
        golden claims their risks.
        """
        settings = settings or load_settings()
        champion = settings.models / "champion"
        if model is None and not os.path.lexists(champion):
            return cls.starting(settings, known)
        loaded = DenialModel.load(model or champion.resolve())  # the link may move meanwhile
        check_golden(loaded)
        loaded.warm()
        known = known or Known.load(settings)
        return cls(loaded, known.history, settings, known.prices)

    @classmethod
    def starting(cls, settings: Settings, known: Known | None = None) -> Scorer:
        """With the starting model of the site's own history, whether or not there is a champion."""
        known = known or Known.load(settings)
        model = StartingModel.of(known.history, settings.today(), settings.maturity)
        return cls(model, known.history, settings, known.prices)

    @property
    def notice(self) -> str | None:
        """What a reader must know of the model before its numbers; None of a trained one."""
        return notice(self.model, self.settings) if isinstance(self.model, StartingModel) else None

    @cached_property
    def worth(self) -> Worth:
        """Prices of the history, and what a denial costs."""
        return Worth(self.prices or Prices.of(self.history.snapshot), self.settings.money)

    @cached_property
    def explainer(self) -> Explainer:
        """Makes the drivers of this model's lines."""
        return Explainer(self.model.definitions, self.model.levels)

    @overload
    def score(self, x: str | Path | pl.DataFrame) -> pl.DataFrame: ...
    @overload
    def score(self, x: list[dict[str, Any]]) -> Json: ...
    @overload
    def score(self, x: pd.DataFrame) -> pd.DataFrame: ...

    def score(self, x: Any) -> Any:
        """Score a file (837, FHIR, csv, parquet, json), a pandas or polars frame, or a list of claims or of flat lines.

        A frame gives a frame of the same library, a file a polars frame (columns of `denials score`, one row for
        each row in, in order; a pandas index is kept), a list the response of POST /v1/score. Raises
        UnreadableFileError for what holds no claim lines, UsageError for anything else.
        """
        if isinstance(x, list):
            return self.score_claims(x)
        if isinstance(x, pl.DataFrame):
            return self.assess_batch(read_frame(x, self.settings))[1]
        if isinstance(x, str | Path):
            return self.assess_batch(read_file(Path(x), self.settings))[1]
        if is_pandas(x):
            return to_pandas(self.assess_batch(read_frame(from_pandas(x), self.settings))[1], like=x)
        raise UsageError("score takes a path, a pandas or polars frame, or a list of dicts")

    def score_claims(self, claims: list[dict[str, Any]]) -> Json:
        """The response of POST /v1/score for a list of claims; bad ones are told in `rejected` and `errors`."""
        return self.answer(read_claims(claims, self.settings), flat(claims))

    def answer(self, batch: Batch, alone: Collection[int] = ()) -> Json:
        """The response of POST /v1/score for a Batch with claim_index; alone: as add_rejects has it.

        Raises UnreadableFileError when the batch holds no claim lines, but outcomes or authorizations.
        """
        check_lines(batch)
        assessed = self.assess(batch.lines)
        base, drivers = self.explain(assessed, slice(0, len(assessed)))
        reasons = told(assessed, self.model.reasons)
        scored = claims_of(assessed, base, drivers, self.findings(assessed), reasons, self.settings.serving)
        rejected = add_rejects(scored, batch, alone)
        return self.about() | {"claims": [scored[index] for index in sorted(scored)], "rejected": rejected}

    def assess(self, lines: pl.DataFrame) -> Assessed:
        """Risks of the accepted lines of a Batch, in their order."""
        settings = self.settings
        return assess(lines, self.model, self.history, self.worth, settings.today(), settings.evidence)

    def explain(
        self, assessed: Assessed, rows: slice, explain: Explain = "top"
    ) -> tuple[np.ndarray, list[list[Driver]]]:
        """Base values and drivers of some of the lines; the contributions of these are held in memory at once."""
        whole = rows == slice(0, len(assessed))
        table = assessed.table if whole else assessed.table.take(np.arange(rows.start, rows.stop))
        X = self.model.matrix(table)
        moved = self.model.contributions(X)
        drivers = self.explainer.drivers(moved, table, assessed.lines[rows], explain)
        drivers = abstaining(drivers, assessed.evidence.grade[rows], self.model)
        return moved[:, -1], told_lately(drivers, X, assessed.raw[rows], assessed.lines[rows], self.model)

    def findings(self, assessed: Assessed) -> list[list[Finding]]:
        """(lines,) the rules that each line breaks, as known today, gravest first."""
        found = assessed.table.found
        if found is None:
            found = judge(assessed.lines, assessed.past, self.history.rules)
        return found.told()

    def assess_batch(self, batch: Batch) -> tuple[Assessed, pl.DataFrame]:
        """The accepted lines of what was read, with their risks, and the table of `denials score`.

        Raises UnreadableFileError when it holds no claim lines, but outcomes or authorizations.
        """
        check_lines(batch)
        assessed = self.assess(batch.lines)
        origin = Origin(self.model.version, self.history.through, self.settings.serving)
        return assessed, sheet(assessed, self._base_value(assessed), batch, origin)

    def assess_parts(self, batch: Batch) -> Iterator[tuple[Assessed, pl.DataFrame]]:
        """The same, part by part: about 20,000 lines of whole claims each, so that only one part is in memory.

        Each part sees what the whole file says of earlier days. Raises as `assess_batch`.
        """
        check_lines(batch)
        lines = dated(batch.lines, self.settings.today())
        whole = with_request(self.history, lines)
        scorer = replace(self, history=whole, prices=self.worth.prices)
        for part in parted(replace(batch, lines=lines)):
            yield scorer.assess_batch(part)

    def _base_value(self, assessed: Assessed) -> float:
        """The model's base value, the same for every line."""
        if not len(assessed):
            return 0.0
        return float(self.explain(assessed, slice(0, 1))[0][0])

    def about(self) -> Json:
        """Which model answers, and up to when it knows outcomes: the head of a response."""
        through = self.history.through
        return {
            "model": {
                "name": self.model.name,
                "version": self.model.version,
                "trained_through": self.model.trained_through and self.model.trained_through.isoformat(),
                "catalog_digest": self.model.catalog_digest,
            },
            "rules_version": self.history.rules.version,
            "history_through": None if through is None else through.isoformat(),
        }
