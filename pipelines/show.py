"""The answers of the verbs as tables for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipelines.terminal import say, table

if TYPE_CHECKING:
    from claims.ingest import IngestReport
    from claims.settings import Settings
    from pipelines.doctor import Check
    from serving.batch import Written
    from training.run import TrainResult

SHOWN_FILES = 20
METRICS = {
    "auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score", "ece": "ECE, ten equal bins",
    "recall_at_p95": "Recall at 95 % prec.", "dollars_at_budget": "Denied dollars in the budget",
}  # fmt: skip


def ingested(report: IngestReport) -> None:
    """Files, accepted and rejected rows, and the reasons."""
    rows = [
        (f.file, f.kind or "not read", f.accepted, f.rejected, f.new, f.already_present, f.new_versions)
        for f in report.files
    ]
    table("Files", ("file", "kind", "accepted", "rejected", "new", "known", "changed"), rows[:SHOWN_FILES], left=2)
    if len(rows) > SHOWN_FILES:
        say(f"... and {len(rows) - SHOWN_FILES} more files; --json lists them all.")
    reasons: Counter[str] = Counter()
    for file in report.files:
        if file.kind is None:
            say(f"Not read: {next(iter(file.reasons))}")
        else:
            reasons.update(file.reasons)
        if file.unknown_columns:
            say(f"{file.file}: columns that are not used: {', '.join(file.unknown_columns)}")
    if reasons:
        table("Rejected", ("reason", "rows"), reasons.most_common(SHOWN_FILES))


def trained(result: TrainResult, settings: Settings, ceilings: dict[str, float] | None = None) -> None:
    """Counts, metrics beside the baselines (and the ceilings of a world), the gate, and what comes next."""
    say(f"Model {result.model_version} as of {result.as_of}: learned from {result.lines_used:,} mature lines, "
        f"{result.lines_immature:,} are too young to learn from.")  # fmt: skip
    _measured(result, ceilings or {})
    table("Gate", ("check", "outcome", "detail"), [(a["code"], a["outcome"], a["detail"]) for a in result.gate], left=3)
    for note in result.notes:
        say(note)
    if result.run_id:
        say("Next: denials promote" if result.passed else "The gate failed: this model cannot be promoted.")
        say(f"MLflow: {mlflow_command(settings)}")


def _measured(result: TrainResult, ceilings: dict[str, float]) -> None:
    """Metrics of the replay, the baselines beside them; ceilings (AUROC) where the truth is known."""
    names = list(result.baselines)
    rows: list[tuple[Any, ...]] = []
    for metric, words in METRICS.items():
        value = result.metrics.get(metric)
        low, high = result.metrics.get(f"{metric}_low"), result.metrics.get(f"{metric}_high")
        interval = f"{low:.3f}-{high:.3f}" if low is not None and high is not None else None
        rows.append((words, value, interval, *(result.baselines[name].get(metric) for name in names)))
    rows += [(f"AUROC of {name}", value, None, *([None] * len(names))) for name, value in ceilings.items()]
    table("Replay of the last quarter", ("metric", "model", "95 %", *(n.replace("_", " ") for n in names)), rows)


def mlflow_command(settings: Settings) -> str:
    """How to look at the runs."""
    return f".venv/bin/mlflow ui --backend-store-uri sqlite:///{settings.mlruns / 'mlflow.db'}"


def scored(written: Written) -> None:
    """Where the answer is, and how many claims are in each band."""
    bands = {band: written.bands.get(band, 0) for band in ("high", "medium", "low")}
    say(f"{written.scored:,} of {written.rows:,} lines are scored, in {written.out}: {bands['high']:,} claims to hold, "
        f"{bands['medium']:,} to review, {bands['low']:,} to submit.")  # fmt: skip
    if written.scored < written.rows:
        say("Why the others are not stands in the column error.")
    if written.unknown_columns:
        say(f"Columns that are not used: {', '.join(written.unknown_columns)}")


def explained(answer: dict[str, Any]) -> None:
    """Claims, dearest first, each line with what drives it."""
    for claim in answer["claims"]:
        say(f"Claim {claim['claim_id']}: risk {claim['claim_denial_risk']:.0%} ({claim['band']}), "
            f"expected loss {claim['expected_loss']} USD, decision: {claim['decision']}")  # fmt: skip
        for line in claim["lines"]:
            say(f"  line {line['claim_line_number']} {line['hcpcs_code']}: risk {line['denial_risk']:.0%}")
            for driver in filter(lambda d: d["sentence"], line["drivers"]):
                say(f"    {'+' if driver['shap'] > 0 else '-'} {driver['sentence']}")
        say()


def examined(checks: list[Check]) -> None:
    """What the doctor found."""
    word = {True: "well", False: "NOT WELL", None: "-"}
    rows = [(c.name, word[c.well], c.found, "" if c.well else c.remedy) for c in checks]
    table("Doctor", ("what", "state", "found", "remedy"), rows, left=4)
