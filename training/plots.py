"""Figures of a replay for MLflow: curves, calibration, payers, contributions. No claim can be read from them."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluate import Replay, Report
from training.metrics import Scored, reliability

EXPLAINED = 1000  # lines in the summary of contributions


def figures(done: Replay, found: Report) -> dict[str, Figure]:
    """Figures by file name."""
    scored, rivals = done.scored, done.baselines
    return {
        "roc.png": _drawn(lambda axes: _roc(axes, scored, rivals)),
        "precision_recall.png": _drawn(lambda axes: _precision_recall(axes, scored)),
        "calibration.png": _drawn(lambda axes: _calibration(axes, scored)),
        "payers.png": _drawn(lambda axes: _payers(axes, found)),
        "contributions.png": _contributions(done),
    }


def _drawn(draw: Callable[[Axes], None]) -> Figure:
    figure = Figure(figsize=(6, 5), layout="constrained")
    draw(figure.subplots())
    return figure


def _ranked(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Denied and paid lines among the highest scores, one entry a distinct score."""
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    return np.cumsum(y[order])[ends], np.cumsum(1 - y[order])[ends]


def _roc(axes: Axes, scored: Scored, rivals: dict[str, np.ndarray]) -> None:
    for name, p in {"model": scored.p, **rivals}.items():
        hits, false = _ranked(scored.y, p)
        axes.plot(
            np.append(0, false) / max(1, false[-1]), np.append(0, hits) / max(1, hits[-1]), label=name.replace("_", " ")
        )
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.5)
    axes.set(xlabel="share of paid lines flagged", ylabel="share of denied lines flagged", title="ROC")
    axes.legend()


def _precision_recall(axes: Axes, scored: Scored) -> None:
    hits, false = _ranked(scored.y, scored.p)
    axes.plot(hits / max(1, hits[-1]), hits / (hits + false))
    axes.axhline(float(scored.y.mean()), color="grey", linewidth=0.5)
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall", ylim=(0, 1.02))


def _calibration(axes: Axes, scored: Scored) -> None:
    bins = reliability(scored)
    p, seen, n = (np.array([one[name] for one in bins]) for name in ("mean_risk", "denied_share", "lines"))
    axes.errorbar(p, seen, yerr=1.96 * np.sqrt(seen * (1 - seen) / n), fmt="o")
    top = float(max(p.max(), seen.max())) * 1.1 or 1.0
    axes.plot([0, top], [0, top], color="grey", linewidth=0.5)
    axes.set(xlabel="predicted risk", ylabel="share denied", title="Calibration, ten bins of equal size")


def _payers(axes: Axes, found: Report) -> None:
    shown = {name: [m[end] for end in ("auroc_low", "auroc", "auroc_high")] for name, m in found.by_payer.items()}
    rows = {name: np.array(ends, dtype=float) for name, ends in shown.items() if None not in ends}
    for height, ends in enumerate(rows.values()):
        axes.plot(ends, np.full(3, height), marker="|", color="tab:blue")
    axes.set_yticks(range(len(rows)), [f"{name} ({found.by_payer[name]['lines']:.0f})" for name in rows])
    axes.set(xlabel="AUROC", title="By payer (lines)")


def _contributions(done: Replay) -> Figure:
    """SHAP's bee swarm over our own contributions."""
    matplotlib.use("Agg")
    import shap  # 5 s of import
    from matplotlib import pyplot

    X = done.X[:: max(1, len(done.X) // EXPLAINED)]
    values = done.learned.model.contributions(X)
    figure = pyplot.figure()
    explained = shap.Explanation(values[:, :-1], values[:, -1], X, feature_names=list(done.learned.model.features))
    shap.plots.beeswarm(explained, max_display=20, show=False)
    figure.tight_layout()
    pyplot.close(figure)
    return figure
