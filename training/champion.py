"""Checks of the gate against the champion: on lines and claims that neither has learned from, the same for both.

A method is judged, not an age: where the champion is older than the replay it meets the model of the replay, where it
is younger it meets what the challenger's recipe would have made on the champion's own day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from claims.errors import ModelMismatchError, NoModelError
from claims.settings import GateSettings, Settings
from training.evaluate import Cut, Material, Replay, after, claims_of, learn_as_of, payer_rows
from training.evaluation import Answer
from training.examples import Examples, learn, plan
from training.fit import Recipe
from training.gate import answer, conclusive, interval_text, not_applicable, support
from training.metrics import Metrics, Scored, difference
from training.model import DenialModel

CODES = ("DEN002", "DEN007", "DEN008")


@dataclass(frozen=True)
class Duel:
    """Lines that neither has learned from; the risk (lines,) that each gives them, and the risk (claims,)."""

    later: Examples
    mine: np.ndarray
    theirs: np.ndarray
    my_claims: Scored
    their_claims: Scored
    how: str = ""  # what stands in for the champion, where it cannot come itself

    @classmethod
    def of(cls, later: Examples, challenger: DenialModel, champion: DenialModel, how: str = "") -> Duel:
        """Let both score the lines."""
        mine, theirs = (_risk(model, later) for model in (challenger, champion))
        return cls(later, mine, theirs, claims_of(later, challenger, mine), claims_of(later, champion, theirs), how)


def _risk(model: DenialModel, later: Examples) -> np.ndarray:
    X = model.matrix(later.table)
    return model.risk(model.raw_score(X), X)


def champion_of(settings: Settings) -> DenialModel | str:
    """The model that serves, or why there is none to compare with."""
    try:
        return DenialModel.load(settings.models / "champion")
    except ModelMismatchError:
        return "this version of the code can no longer run the champion"
    except NoModelError:
        return "there is no champion"


def meet(
    champion: DenialModel, cut: Cut, today: Material, done: Replay, settings: Settings, recipe: Recipe
) -> Duel | str:
    """The duel, or why there is none.

    Where too little has matured since the champion was trained (weekly training), its recipe is learned anew as of the
    replay and stands in for it; where that is the challenger's own recipe too there is nothing to compare.
    """
    unseen = after(today.found, max(done.start, champion.trained_through + timedelta(days=1)))
    missing = support(unseen.scored(unseen.y), settings.gate)
    if missing is None and champion.as_of > done.start:
        rival = learn_as_of(cut, champion.as_of, settings, recipe, offered=today.found.offered).model
        unseen = after(unseen, rival.trained_through + timedelta(days=1))  # it may know what was loaded since
        missing = support(unseen.scored(unseen.y), settings.gate)
    else:
        rival = done.learned.model
    if missing is None:
        return Duel.of(unseen, rival, champion)
    theirs = Recipe.of(champion.versions.get("recipe", {}))
    if theirs == recipe:
        return f"since the champion was trained: {missing}; its recipe is this model's"
    how = " (its recipe, learned anew as of the replay)"
    return Duel.of(done.later, done.learned.model, _anew(done, theirs), how)


def _anew(done: Replay, recipe: Recipe) -> DenialModel:
    """What another recipe makes of what the replay learned from."""
    known = done.learned.material
    return learn(known.found, plan(known.found, recipe), recipe, done.learned.model.versions, known.latest)


def judge_duel(duel: Duel | str, limits: GateSettings, seed: int) -> list[Answer]:
    """DEN002, DEN007 and DEN008; a text says why they do not apply."""
    if isinstance(duel, str):
        return [not_applicable(code, duel) for code in CODES]
    lines = duel.later.scored(duel.mine)
    return [
        not_worse("DEN002", lines, duel.theirs, limits, seed, duel.how),
        not_worse("DEN007", duel.my_claims, duel.their_claims.p, limits, seed, duel.how, "claims"),
        payers_kept(duel, limits, seed),
    ]


def not_worse(
    code: str, scored: Scored, champion: np.ndarray, limits: GateSettings, seed: int, how: str = "", what: str = "lines"
) -> Answer:
    """DEN002 of lines, DEN007 of claims: better than the champion or as good; the paired interval reaches up to -`tie`.

    The bootstrap draws whole claims. It knows nothing of the chance in training, which `tie` stands for.
    """
    missing = support(scored, limits, what)
    if missing:
        return not_applicable(code, missing)
    gap = difference(scored, champion, seed)
    if gap["high"] is None:
        return not_applicable(code, "the difference to the champion could not be measured")
    told = f"AUROC of {what} minus that of the champion{how}"
    return answer(code, gap["high"] >= -limits.tie, f"{told}: {interval_text(gap)}; a tie is {limits.tie}")


def payers_kept(duel: Duel, limits: GateSettings, seed: int) -> Answer:
    """DEN008: no payer with support surely loses more than the margins, of AUROC or of calibration (ECE).

    Surely: the paired 95 % interval lies beyond the margin. By the estimate alone, one of many payers always would.
    """
    code, scored = "DEN008", duel.later.scored(duel.mine)
    parts = payer_rows(duel.later, limits.payer_lines, limits.payer_denials)
    if not parts:
        needed = f"{limits.payer_lines} lines with {limits.payer_denials} denials"
        return not_applicable(code, f"no payer has {needed} to compare")
    found = {payer: _losses(scored.take(rows), duel.theirs[rows], seed) for payer, rows in parts.items()}
    lost = [text for payer, gaps in found.items() for text in _beyond(payer, gaps, limits)]
    margins = f"margins {limits.payer_auroc_margin} of AUROC and {limits.payer_ece_margin} of ECE"
    return answer(
        code, not lost, f"{len(parts)} payers against the champion{duel.how}, {margins}: {_told(found, lost)}"
    )


def _losses(scored: Scored, champion: np.ndarray, seed: int) -> dict[str, Metrics]:
    return {"AUROC": difference(scored, champion, seed), "ECE": difference(scored, champion, seed, metric="ece")}


def _beyond(payer: str, gaps: dict[str, Metrics], limits: GateSettings) -> list[str]:
    """In words what a payer surely loses beyond the margins."""
    high, low = gaps["AUROC"]["high"], gaps["ECE"]["low"]
    beyond = {
        "AUROC": high is not None and high < -limits.payer_auroc_margin,
        "ECE": low is not None and low > limits.payer_ece_margin,
    }
    return [f"{payer} {name} {interval_text(gaps[name])}" for name, lost in beyond.items() if lost]


def _told(found: dict[str, dict[str, Metrics]], lost: list[str]) -> str:
    if lost:
        return f"lost on {'; '.join(lost)}"
    payer, gaps = min(found.items(), key=lambda item: item[1]["AUROC"]["difference"] or 0.0)
    return f"none surely beyond; the lowest is {payer}, AUROC {interval_text(gaps['AUROC'])}"


def judged_as_well(champion: DenialModel | str, model: DenialModel, answers: list[Answer]) -> Answer:
    """DEN013: a challenger of which DEN001 and DEN003 could not be judged does not displace a champion that was.

    Else a store that has lost its claims would make a model that nothing speaks against.
    """
    code = "DEN013"
    if isinstance(champion, str):
        return not_applicable(code, champion)
    if champion.version == model.version:
        return not_applicable(code, "this model is the champion")
    evaluation = champion.evaluation
    if evaluation is None or not conclusive(evaluation["gate"]):
        return not_applicable(code, "DEN001 and DEN003 were not judged of the champion either")
    good = conclusive(answers)
    return answer(
        code, good, f"DEN001 and DEN003 were judged of the champion, and {'' if good else 'not '}of this model"
    )
