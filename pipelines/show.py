"""The answers of the verbs as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from claims.report import FileReport
from pipelines.show_check import finding
from pipelines.terminal import counted, say, table

if TYPE_CHECKING:
    from claims.report import IngestReport
    from claims.settings import Settings
    from pipelines.doctor import Check
    from serving.batch import Written
    from training.run import TrainResult

SHOWN_FILES = 20
COUNTS = ("claims", "lines", "outcomes", "matched", "unmatched", "rejected")
METRICS = {
    "auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score", "ece": "ECE, ten equal bins",
    "reason_top1": "Reason right, denied lines",
    "claim_auroc": "AUROC of claims", "claim_ece": "ECE of claims",
    "recall_at_p95": "Recall at 95 % prec.", "dollars_at_budget": "Denied dollars in the budget",
}  # fmt: skip
CEILINGS = {"reachable": "what the columns can tell", "oracle": "everything that decides"}


def ingested(report: IngestReport) -> None:
    """Files (many: by kind, and those in trouble), what became of their rows, reasons, and what was odd."""
    few = len(report.files) <= SHOWN_FILES
    told = report.files if few else sorted(_by_kind(report), key=lambda kind: kind.kind or "~")
    rows = [(f.file, f.kind or "not read", *_counts(f)) for f in told]
    whole = _sum("", (file for file in report.files if file.kind))
    if len(rows) > 1:
        rows.append((counted(len(report.files), "file"), "", *_counts(whole)))
    table("Files", ("file", "kind", *COUNTS), rows, left=2)
    say(f"Rows: {whole.new:,} new, {whole.already_present:,} known already, {whole.new_versions:,} changed.")
    beside = {
        "Refused before adjudication (no denials)": whole.rejections, "Authorizations": whole.authorizations_accepted,
        "Adjustments of payments beside claims": whole.provider_adjustments,
    }  # fmt: skip
    if any(beside.values()):
        say(" ".join(f"{what}: {count:,}." for what, count in beside.items() if count))
    _troubled(report, few)
    for file in report.files:
        if file.unknown_columns:
            say(f"{file.file}: columns that are not used: {', '.join(file.unknown_columns)}")
    for title, column, counts in (("Rejected", "reason", whole.reasons), ("Data quality", "flag", whole.quality)):
        if counts:
            table(title, (column, "rows" if title == "Rejected" else "times"), list(counts.items())[:SHOWN_FILES])


def _counts(file: FileReport) -> tuple[int, ...]:
    return (
        file.claims_accepted, file.lines_accepted, file.outcomes_accepted, file.matched, file.unmatched, file.rejected,
    )  # fmt: skip


def _sum(name: str, files: Iterable[FileReport]) -> FileReport:
    """Files as one: counts and reasons added up, the most frequent first."""
    whole, files = FileReport(name), list(files)
    for one in fields(FileReport):
        values = [getattr(file, one.name) for file in files]
        if isinstance(getattr(whole, one.name), int):
            setattr(whole, one.name, sum(values))
        elif isinstance(getattr(whole, one.name), dict):
            setattr(whole, one.name, dict(sum(map(Counter, values), Counter()).most_common()))
    return whole


def _by_kind(report: IngestReport) -> Iterator[FileReport]:
    kinds = {file.kind: [one for one in report.files if one.kind == file.kind] for file in report.files}
    for kind, files in kinds.items():
        yield replace(_sum(counted(len(files), "file"), files), kind=kind)


def _troubled(report: IngestReport, few: bool) -> None:
    """Files that could not be read; of many files, those with rejected rows, too."""
    for file in report.unread[:SHOWN_FILES]:
        say(f"Not read: {next(iter(file.reasons))}")
    if len(report.unread) > SHOWN_FILES:
        say(f"... and {counted(len(report.unread) - SHOWN_FILES, 'more file')} not read; --json lists them all.")
    faulty = [] if few else sorted((f for f in report.files if f.kind and f.rejected), key=lambda f: -f.rejected)
    if faulty:
        rows = [(f.file, f.kind, f.accepted, f.rejected) for f in faulty[:SHOWN_FILES]]
        table("Files with rejected rows", ("file", "kind", "accepted", "rejected"), rows, left=2)
    if len(faulty) > SHOWN_FILES:
        say(f"... and {counted(len(faulty) - SHOWN_FILES, 'more file')}; --json lists them all.")


def trained(
    result: TrainResult, settings: Settings, ceilings: dict[str, float] | None = None, *, chosen: bool = False,
    onward: bool = True,
) -> None:  # fmt: skip
    """Counts, metrics beside the baselines (and the ceilings of a world), the gate, and what comes next.

    chosen: the replay starts on a day that somebody chose; onward: without it nothing is said of what comes next.
    """
    say(f"Model {result.model_version} as of {result.as_of}: learned from {counted(result.lines_used, 'mature line')}; "
        f"too young to learn from: {result.lines_immature:,}.")  # fmt: skip
    if result.replayed:
        _measured(result, result.replayed.start, "" if chosen else " (the last fourth of the data)")
    for name, value in (ceilings or {}).items():
        say(f"Ceiling: {CEILINGS[name]}: AUROC {value:.3f}")
    table("Gate", ("check", "outcome", "detail"), [(a["code"], a["outcome"], a["detail"]) for a in result.gate], left=3)
    for note in result.notes:
        say(note)
    if result.run_id and onward:
        say("Next: denials promote" if result.passed else "The gate failed: this model cannot be promoted.")
        say(f"MLflow: {mlflow_command(settings)}", whole=True)


def _measured(result: TrainResult, start: date, which: str) -> None:
    """Metrics of the replay, the baselines beside them."""
    names = list(result.baselines)
    rows: list[tuple[Any, ...]] = []
    for metric, words in METRICS.items():
        value = result.metrics.get(metric)
        low, high = result.metrics.get(f"{metric}_low"), result.metrics.get(f"{metric}_high")
        interval = f"{low:.3f}-{high:.3f}" if low is not None and high is not None else None
        rows.append((words, value, interval, *(result.baselines[name].get(metric) for name in names)))
    table(f"Replay since {start}{which}", ("metric", "model", "95 %", *(n.replace("_", " ") for n in names)), rows)


def mlflow_command(settings: Settings) -> str:
    """How to look at the runs."""
    return f".venv/bin/mlflow ui --backend-store-uri sqlite:///{settings.mlruns / 'mlflow.db'}"


def scored(written: Written) -> None:
    """Where the answer is, and how many claims are in each band."""
    bands = {band: written.bands.get(band, 0) for band in ("high", "medium", "low")}
    held = counted(bands["high"], "claim")
    say(f"{written.scored:,} of {counted(written.rows, 'line')} scored, in {written.out}: {held} to hold, "
        f"{bands['medium']:,} to review, {bands['low']:,} to submit.")  # fmt: skip
    if written.scored < written.rows:
        say("Why the others are not stands in the column error.")
    if written.unknown_columns:
        say(f"Columns that are not used: {', '.join(written.unknown_columns)}")


def percent(risk: float) -> str:
    """12%; what is neither sure nor impossible is never shown as 100% or 0%."""
    if 0 < risk < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= risk < 1 else f"{risk:.0%}"


def explained(answer: dict[str, Any]) -> None:
    """Claims, dearest first, each line with its likeliest reason and what drives it."""
    for claim in answer["claims"]:
        say(f"Claim {claim['claim_id']}: risk {percent(claim['claim_denial_risk'])} ({claim['band']}), "
            f"evidence {claim['evidence']}, expected loss {claim['expected_loss']} USD, "
            f"decision: {claim['decision']}")  # fmt: skip
        for line in claim["lines"]:
            say(f"  line {line['claim_line_number']} {line['hcpcs_code']}: risk {percent(line['denial_risk'])}")
            if line["reasons"]:
                say(f"    {likeliest(line['reasons'][0])}")
            for driver in filter(lambda d: d["sentence"], line["drivers"]):
                say(f"    {'+' if driver['shap'] > 0 else '-'} {driver['sentence']}")
            for told in line["findings"]:
                finding("    breaks", told)
        say()


def likeliest(reason: dict[str, Any]) -> str:
    """The likeliest reason in words: `most likely for authorization: 12% (as CARC 197 or 15)`."""
    told = f"most likely for {reason['category'].replace('_', ' ')}: {percent(reason['probability'])}"
    return f"{told} (as CARC {' or '.join(reason['carc'])})" if reason["carc"] else told


def examined(checks: list[Check]) -> None:
    """What the doctor found."""
    word = {True: "well", False: "NOT WELL", None: "-"}
    rows = [(c.name, word[c.well], c.found, "" if c.well else c.remedy) for c in checks]
    table("Doctor", ("what", "state", "found", "remedy"), rows, left=4)
