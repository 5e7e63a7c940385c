"""The manager's page as one file that needs nothing else: `render` makes the text, `write_report` writes it.

Scripts and styles are inlined; a content policy lets only those two scripts run and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from claims.errors import ModelMismatchError, NoModelError, OutOfReachError
from claims.label import load_classes
from claims.settings import Settings
from claims.snapshot import Snapshot, snapshot_of, take_snapshot
from claims.store import Store
from claims.table import Authorization, Line, Outcome
from dashboard import captions, charts, tables, views, words
from dashboard.card import Quality, quality_of
from dashboard.drivers import Drivers, drivers_of
from dashboard.facts import Facts, facts_of
from features.history import History
from rules.ruleset import rules_of
from training.model import DenialModel

NO_MODEL = "No model serves yet. Train one with denials train, then denials promote; the figures of the past need none."
SECTIONS = (
    ("time", "Over time"), ("payers", "Payers"), ("codes", "Services"), ("reasons", "Reasons"),
    ("hot", "Hot combinations"), ("drivers", "What drives the risk"), ("model", "The model"),
    ("counted", "What is counted"),
)  # fmt: skip
BESIDE = 14  # codes beside their chart; the rest in a table that opens
SYNTHETIC = "SYN"  # payers of the synthetic world, and no others, have ids that begin so


@dataclass(frozen=True)
class Chart:
    """A chart of the page: its figure as JSON that is safe inside a script element, and what it says."""

    id: str
    title: str
    caption: str
    json: Markup

    @classmethod
    def of(cls, id: str, title: str, caption: str, figure: go.Figure) -> Chart:
        """A chart from a figure."""
        text = figure.to_json()
        assert isinstance(text, str)
        return cls(id, title, caption, Markup(text))  # Plotly escapes what could end a script element


def champion(settings: Settings) -> tuple[DenialModel | None, str]:
    """The model that serves, or None and words that say what to do."""
    try:
        return DenialModel.load(settings.models / "champion"), ""
    except ModelMismatchError as error:
        return None, f"The model does not fit this version of the code: {error}"
    except NoModelError:
        return None, NO_MODEL


def page_of(settings: Settings, synthetic: bool = False, as_of: date | None = None) -> str:
    """The page of the site's store and champion, as of a day (default: today).

    A site without a store gets an empty page and no store. OutOfReachError where the store cannot be read.
    """
    model, problem = champion(settings)
    return render(_known(settings), settings, model=model, model_problem=problem, as_of=as_of, synthetic=synthetic)


def _known(settings: Settings) -> Snapshot:
    if not settings.store.exists():
        return snapshot_of(*(schema.create_empty() for schema in (Line, Outcome, Authorization)))
    return take_snapshot(Store.open(settings), classes=load_classes(settings.ingest.carc_classes))


def write_report(settings: Settings, out: Path, synthetic: bool = False, as_of: date | None = None) -> Path:
    """Write the page of a day (default: today) whole or not at all, with the permissions that a new file gets here.

    OutOfReachError where the store or `out` is out of reach.
    """
    if out.is_dir():
        raise OutOfReachError(f"{out} cannot be written: it is a folder")
    page = page_of(settings, synthetic, as_of)
    draft = out.resolve().with_name(f".{out.name}-{secrets.token_hex(8)}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(page)
        os.replace(draft, out)
    except OSError as error:
        raise OutOfReachError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return out


def render(
    snapshot: Snapshot, settings: Settings, *, model: DenialModel | None = None, model_problem: str = NO_MODEL,
    history: History | None = None, as_of: date | None = None, synthetic: bool = False,
) -> str:  # fmt: skip
    """The page. as_of: what is not known before that day is not seen (default: the snapshot's day, else today).

    history: of the same snapshot, where it is at hand; else it is made, which takes most of the time.
    """
    facts = facts_of(snapshot, as_of or snapshot.as_of or settings.today(), settings.maturity)
    seen = views.overview(facts)
    driven = _drivers(snapshot, facts, model, history, settings)
    quality = quality_of(model) if model else None
    context = _figures(facts, seen) | _explained(driven) | {
        "seen": seen, "as_of": facts.as_of, "any_lines": len(facts.lines) > 0,
        "synthetic": synthetic or _invented(snapshot),
        "claim_rate": _share(seen.denied_claims, seen.claims), "waiting": _share(seen.pending, seen.sent),
        "unanswered": _share(seen.no_response, seen.sent), "unmatched": facts.unmatched,
        "store_lines": len(facts.lines),
        "quality": quality, "reliability_chart": _reliability(quality),
        "model_problem": "" if model else model_problem,
        "data_version": facts.data_version, "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "sections": _sections(facts, seen),
        "lean": views.LEAN,
    }  # fmt: skip
    return str(_template().render(context | _assets()))


def _figures(facts: Facts, seen: views.Overview) -> dict[str, Any]:
    """Tables and charts that need no model."""
    months, payers, hot = views.by_month(facts), views.by_payer(facts), views.hot_combinations(facts)
    families, codes, reasons = views.by_family(facts), views.by_code(facts), views.by_category(facts)
    found: dict[str, Any] = {
        "months": tables.months(months) if len(months) else None, "coverage": tables.coverage(views.coverage(facts)),
        "payers": tables.payers(payers), "families": tables.families(families), "codes": tables.codes(codes, BESIDE),
        "all_codes": tables.codes(codes, len(codes)) if len(codes) > BESIDE else None,
        "reasons": tables.reasons(reasons) if len(reasons) else None, "carcs": tables.carcs(reasons),
        "hot": tables.combinations(hot),
        "hot_caption": captions.combinations(hot, seen.denied_cents),
        "looks": captions.first_looks(seen, payers, codes, hot, reasons),
    }  # fmt: skip
    if len(months):
        found["month_charts"] = [
            Chart.of("months", "Denial rate by month sent", captions.months(months), charts.months(months)),
            Chart.of("dollars", "Denied dollars by month sent", captions.dollars(months), charts.dollars(months)),
        ]
    if len(reasons):
        caption = captions.reasons(reasons, seen.denied_cents)
        found["reason_chart"] = Chart.of("reason", "Denied dollars by reason", caption, charts.reasons(reasons))
    if seen.lines:
        families_named = [words.family_words(family) for family in families["family"]]
        found["payer_chart"] = _rates("payer", payers, payers["label"].to_list(), seen)
        found["family_chart"] = _rates("family", families, families_named, seen)
        found["code_chart"] = _rates("code", codes, codes["code"].to_list(), seen)
    return found


def _sections(facts: Facts, seen: views.Overview) -> list[tuple[str, str]]:
    """The sections that the page will have."""
    if facts.lines.is_empty():
        return [section for section in SECTIONS if section[0] == "model"]
    counted = ("payers", "codes", "reasons", "hot")
    return [section for section in SECTIONS if seen.lines or section[0] not in counted]


def _rates(what: str, table: pl.DataFrame, labels: list[str], seen: views.Overview) -> Chart:
    caption = captions.rates(table, labels, what, seen.rate, seen.denied_cents)
    return Chart.of(f"{what}-rates", f"Denial rate by {what}", caption, charts.rates(table, labels, seen.rate))


def _drivers(
    snapshot: Snapshot, facts: Facts, model: DenialModel | None, history: History | None, settings: Settings
) -> Drivers | None:
    if model is None:
        return None
    labels = dict(facts.payers.select("payer_id", "label").iter_rows())
    return drivers_of(snapshot.lines, history or History.of(snapshot, rules_of(settings)), model, labels)


def _explained(found: Drivers | None) -> dict[str, Any]:
    if found is None:
        return {"concept_chart": None}
    chart = Chart.of("concepts", "Weight of billing concepts", captions.concepts(found), charts.concepts(found))
    return {"concept_chart": chart, "concepts": tables.concepts(found), "drivers": tables.drivers(found)}


def _reliability(found: Quality | None) -> Chart | None:
    if found is None or found.reliability.is_empty():
        return None
    table = found.reliability
    return Chart.of(
        "reliability", "Risks told and lines denied", captions.reliability(table), charts.reliability(table)
    )


def _invented(snapshot: Snapshot) -> bool:
    """Whether the claims say themselves that they are synthetic."""
    payers = snapshot.lines["payer_id"]
    return len(payers) > 0 and bool(payers.str.starts_with(SYNTHETIC).all())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@cache
def _template() -> Any:
    """The page's template, everything escaped that is not marked safe."""
    loader = PackageLoader("dashboard", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    shown: tuple[Callable[..., str], ...] = (words.count, words.dollars, words.percent, words.between, words.day)
    environment.filters |= {show.__name__: show for show in shown}
    return environment.get_template("page.html.j2")


@cache
def _assets() -> dict[str, Markup | str]:
    """Scripts, styles and the policy that lets only these scripts run."""
    static = files("dashboard") / "static"
    plotly, script = get_plotlyjs(), (static / "page.js").read_text(encoding="utf-8")
    hashes = " ".join(_hash(text) for text in (plotly, script))
    return {
        "plotly": Markup(plotly),
        "script": Markup(script),
        "css": Markup((static / "page.css").read_text(encoding="utf-8")),
        "policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src {hashes}",
    }


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
