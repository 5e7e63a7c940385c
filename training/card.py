"""The model card: what it is, what it learned from, how good it was on later lines, where not to trust it."""

from __future__ import annotations

from collections.abc import Sequence

from claims.label import CATEGORIES
from training.cohort import Cohort
from training.evaluation import Answer, Evaluation
from training.metrics import Metrics
from training.model import DenialModel

WORDS = {
    "auroc": "AUROC (a denied line ranks above a paid one)",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "ECE (ten bins of equal mass)",
    "log_loss": "Log loss",
    "recall_at_p95": "Recall at 95 % precision",
    "dollars_at_budget": "Denied dollars found within the review budget",
    "calibration_slope": "Calibration slope",
    "reason_top1": "Likeliest reason right on denied lines",
    "reason_log_loss": "Log loss of the reasons of denied lines",
    "claim_auroc": "AUROC of claims",
    "claim_brier": "Brier score of claims",
    "claim_ece": "ECE of claims",
}
LIMITS = """\
- It learned from this practice's own remittances (in a demonstration: from a synthetic world). It says nothing about
  other practices; numbers from the synthetic world show that the machinery works, not how well a real payer is
  predicted.
- A payer, code or provider that was not seen is scored by what is known of similar ones, and less surely.
- It predicts the payer's first answer to an original claim, not the end of an appeal, and not secondary claims.
- Payers change. The figures hold for the replayed period; watch performance and retrain.
- Claims whose outcome the tool itself has changed are learned as they were sent."""


UNKNOWN = "Not known: there was too little history for a replay."


def number(metrics: Metrics, name: str) -> str:
    """`0.812 (0.800 to 0.824)`, `not defined`, or nothing for a metric that was not asked for."""
    value, low, high = metrics.get(name), metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    if name not in metrics:
        return ""
    if value is None:
        return "not defined"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def make_card(model: DenialModel, cohort: Cohort, concepts: dict[str, list[str]], answers: Sequence[Answer]) -> str:
    """The text of card.md, for people; a program reads the same figures from `model.evaluation`."""
    found = model.evaluation
    sections = [
        _what(model),
        _learned_from(model, cohort),
        f"## How good\n\n{_figures(found) if found else UNKNOWN}",
        f"## Gate\n\n{_gate(answers)}",
        _calibration(model),
        f"## Recent outcomes\n\n{_recent(model)}",
        f"## Reasons\n\n{_reasons(model)}",
        *_site_columns(model),
        f"## Limits\n\n{LIMITS}",
        "## Features by concept\n\n"
        + "\n".join(f"- {concept}: {', '.join(names)}" for concept, names in concepts.items()),
    ]
    return "\n\n".join(sections) + "\n"


def _what(model: DenialModel) -> str:
    versions = model.versions
    return (
        f"# Denial risk of claim lines, as of {versions['as_of']}\n\n"
        "For each line of an original claim, before it is sent: the probability that the payer's first answer denies "
        "it wholly or in part. LightGBM, deterministic; probabilities by a smooth, increasing calibration; drivers as "
        "exact contributions in log-odds; reasons as categories whose probabilities add up to the risk.\n\n"
        f"Code {versions['code_version']}, seed {versions['seed']}, "
        f"{versions['rounds']} rounds, data {versions['data_version'] or 'without a version'}."
    )


def _learned_from(model: DenialModel, cohort: Cohort) -> str:
    versions = model.versions
    states = [f"| {state.replace('_', ' ')} | {count} |" for state, count in cohort.counts.items()]
    outside = [
        f"| out of the target: {outcome.replace('_', ' ')} | {count} |"
        for outcome, count in cohort.out_of_target.items()
    ]
    lags = cohort.lags["days"].to_numpy()
    return (
        f"## Learned from\n\n{versions['lines']} mature lines submitted {versions['trained_from']} to "
        f"{versions['trained_through']}; nothing known on or after {versions['as_of']} was used. A line is mature when "
        f"older than its payer's remittance lag ({lags.min():.0f} to {lags.max():.0f} days).\n\n"
        "| lines | count |\n|---|---|\n" + "\n".join(states + outside)
    )


def _figures(found: Evaluation) -> str:
    metrics, baselines = found["metrics"], found["baselines"]
    head = f"| | this model | {' | '.join(name.replace('_', ' ') for name in baselines)} |"
    rows = [
        f"| {words} | {number(metrics, name)} | {' | '.join(number(other, name) for other in baselines.values())} |"
        for name, words in WORDS.items()
    ]
    payers = [
        f"| {payer} | {m['lines']} | {m['denial_rate']:.3f} | "
        f"{' | '.join(number(m, name) for name in ('auroc', 'brier', 'ece'))} |"
        for payer, m in found["by_payer"].items()
    ]
    bins = [f"| {one['lines']} | {one['mean_risk']:.3f} | {one['denied_share']:.3f} |" for one in found["reliability"]]
    return (
        f"Replay: a model trained as of {found['replay_from']} scored the {metrics['lines']:.0f} lines "
        f"({metrics['claims']:.0f} claims) submitted since then whose outcomes are mature; denied "
        f"{number(metrics, 'denial_rate')}. 95 % intervals by bootstrap over claims.\n\n"
        + "\n".join([head, f"|---|---|{'---|' * len(baselines)}", *rows])
        + "\n\n| payer | lines | denied | AUROC | Brier | ECE |\n|---|---|---|---|---|---|\n" + "\n".join(payers)
        + "\n\nRisks told and lines denied, from the riskiest tenth of the lines to the least risky:\n\n"
        "| lines | mean risk | denied |\n|---|---|---|\n" + "\n".join(bins)
    )  # fmt: skip


def _site_columns(model: DenialModel) -> list[str]:
    told = model.versions.get("site_columns")
    return ["## Columns of the site\n\n" + "\n".join(f"- {one}" for one in told)] if told else []


def _gate(answers: Sequence[Answer]) -> str:
    return "\n".join(f"- {a['code']} {a['outcome'].replace('_', ' ')}: {a['detail']}" for a in answers)


def _calibration(model: DenialModel) -> str:
    c = model.calibration
    return (
        f"## Calibration\n\nMethod {c.method} (a {c.a:.3f}, b {c.b:.3f}, c {c.c:+.3f}). Its shape is that of the "
        f"latest {c.lines} lines, scored by trees that had not seen them, after rounds that other claims chose; its "
        f"level is that of the trees. Lines of a claim share their fate to the degree 1 - kappa = {1 - c.kappa:.2f}."
    )


def _recent(model: DenialModel) -> str:
    if model.recent is None:
        return "Not watched: the model was made without the latest lines."
    found = model.evaluation["metrics"] if model.evaluation else {}
    moved = found.get("lately_lines")
    told = "" if moved is None else f" Of the replay's lines {moved:.0f} were moved"
    if moved:
        means = (found[f"lately_{name}"] or 0.0 for name in ("unmoved", "moved", "denied"))
        told += ": mean risk {:.3f} before, {:.3f} after, denied {:.3f}".format(*means)
    return (
        f"{len(model.recent.cells)} pairs of a payer and a code are watched. Where the outcomes of one that became "
        "known in the last 30 or 180 days have likelier than not left its usual rate, the risk of its lines is moved "
        "to what came, beyond the score, also between two trainings; every such line says so."
        + (f"{told}." if told else "")
    )


def _reasons(model: DenialModel) -> str:
    reasons = model.reasons
    if reasons is None:
        return "None: no source told why lines were denied."
    how = f"trees that tell {len(reasons.classes)} apart, mixed with" if reasons.classes else "too few for trees:"
    found = model.evaluation["reasons"] if model.evaluation else {}
    rows = [
        f"| {name.replace('_', ' ')} | {one['denied']} | {one['mean_probability']:.4f} | {one['share']:.4f} | "
        f"{one['ece']:.4f} |"
        for name, one in found.items()
    ]
    head = "| category | denied | mean probability | share of lines | ECE |\n|---|---|---|---|---|\n"
    return (
        f"Probabilities of {len(CATEGORIES)} categories that add up to the risk of the line: its risk times the "
        f"category's probability given a denial, learned from {reasons.lines} denied lines ({how} shares by payer, "
        f"family and code; sharpness {reasons.sharpness:.2f}). The CARCs beneath are those of the practice's own "
        "remittances.\n\n" + (f"Over all lines of the replay:\n\n{head}" + "\n".join(rows) if rows else "Not measured.")
    )
