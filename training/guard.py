"""Which columns of the site (x_*) a model is offered, and why the others are not: docs/decisions/0016.

A refusal's words hold numbers, never a value of the column. `[features]` of denials.toml allows and denies by name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from claims.settings import FeatureSettings
from claims.snapshot import Snapshot
from features.catalog import Feature
from features.extra import Extra, Tally, filled, number, opened, tallied
from features.site import feature
from training.cohort import KEY, ORDER, Cohort
from training.matrix import IDENTIFIERS
from training.profile import MOST_TEXTS, Levels, Lines, alone, fill, of_one_person, patients_of

MOSTLY = 0.95  # of the filled cells make the type
LONGEST_NAME = 60
AGAIN = 20  # lines that came again with the column filled at last
SHOWN = 5  # names of those beyond the bound
DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?|\d{1,2}[./-]\d{1,2}[./-](\d{2}|\d{4})|(19|20)\d{2}[01]\d[0-3]\d")
WEIGHED = ("mature", "immature", "pending", "no_response", "out_of_target")


@dataclass(frozen=True)
class Offered:
    """features: of the columns offered, by name; levels: of those that are categories; refused: name -> reason.

    odd: of numbers, how many filled cells of how many are none and count as empty.
    """

    features: tuple[Feature, ...] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    odd: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def within(self, others: Offered | None) -> Offered:
        """Without what others refuse: a column that leaks may still look honest in what was known on an earlier day."""
        if others is None:
            return self
        names = {feature.name for feature in others.features}
        return replace(self, features=tuple(feature for feature in self.features if feature.name in names))

    def told(self) -> list[str]:
        """A line of words for each column."""
        return [
            *(self._words(f) for f in self.features),
            *(f"{n} is refused: {why}" for n, why in self.refused.items()),
        ]

    def _words(self, offered: Feature) -> str:
        if offered.dtype == "category":
            return f"{offered.name} is offered as a category of {len(self.levels[offered.name])} levels"
        wrong, told = self.odd.get(offered.name, (0, 0))
        odd = f"; {wrong:,} of {told:,} values are no numbers and count as empty" if wrong else ""
        return f"{offered.name} is offered as a number{odd}"


NOTHING = Offered()


def offered_of(snapshot: Snapshot, cohort: Cohort, settings: FeatureSettings) -> Offered:
    """What becomes of the columns of the site in these lines; NOTHING at once where there are none."""
    if snapshot.lines["extra"].null_count() == len(snapshot.lines):
        return NOTHING
    frame = _weighed(snapshot, cohort)
    extra = Extra.of(frame["extra"])
    if extra is None:
        return NOTHING
    tallies = tallied(extra, DAY.fullmatch)
    chosen, refused = _chosen(tallies, settings)
    kinds = {name: _is_number(tallies[name]) for name in chosen}
    texts = {name: Levels() for name in chosen if not kinds[name]}
    values = extra.read({name: number if kinds[name] else texts[name].judge for name in chosen})
    later = _filled_later(snapshot, set(chosen))
    columns = (
        _Column(name, tallies[name], values[:, at], texts.get(name), later.get(name, (0, 0)))
        for at, name in enumerate(chosen)
    )
    return _judged(columns, _lines_of(frame), settings, refused)


def _weighed(snapshot: Snapshot, cohort: Cohort) -> pl.DataFrame:
    """Dated original lines in ORDER: what they say, and what is known of them."""
    own = cohort.lines.filter(pl.col("state").is_in(WEIGHED)).select(*ORDER, "state", "y", "known_date")
    held = snapshot.lines.select(*KEY, "extra", "patient_id")
    return own.join(held, on=KEY, how="left", maintain_order="left")


def _lines_of(frame: pl.DataFrame) -> Lines:
    person = pl.coalesce("patient_id", "submission_id").rank("dense").cast(pl.Int64)
    patient = pl.col("patient_id").rank("dense").cast(pl.Int64).fill_null(-1)
    persons, patients = frame.select(person.alias("person"), patient.alias("patient"))
    rows = np.flatnonzero((frame["state"] == "mature").to_numpy())
    return Lines(
        frame["submitted_date"].to_physical().to_numpy().astype(np.int64), persons.to_numpy(), patients.to_numpy(),
        frame["known_date"].is_not_null().to_numpy(), rows, frame["y"].gather(rows).to_numpy().astype(np.float64),
    )  # fmt: skip


def _is_number(tally: Tally) -> bool:
    return tally.numbers >= MOSTLY * tally.filled


def _chosen(tallies: Mapping[str, Tally], settings: FeatureSettings) -> tuple[list[str], dict[str, str]]:
    """The columns that are looked at, by name, and what is refused unseen: what is allowed comes first."""
    allowed = [name for name in sorted(tallies) if name in settings.allow]
    others = [name for name in sorted(tallies, key=lambda n: (-tallies[n].filled, n)) if name not in allowed]
    refused = {name: why for name in sorted(others) if (why := _by_name(name, settings))}
    others = [name for name in others if name not in refused]
    most = max(0, settings.max_columns - len(allowed))
    if beyond := sorted(others[most:]):
        more = f" and {len(beyond) - SHOWN:,} more" if len(beyond) > SHOWN else ""
        told = f"beyond the {settings.max_columns} columns that are filled on the most lines (features.max_columns)"
        refused[", ".join(beyond[:SHOWN]) + more] = told
    return sorted(allowed + others[:most]), refused


def _by_name(name: str, settings: FeatureSettings) -> str | None:
    if name in settings.deny:
        return "denials.toml denies it"
    if name.lower().endswith(IDENTIFIERS):
        return "its name says that it identifies a provider, a patient or a claim"
    return f"its name is longer than {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else None


def _filled_later(snapshot: Snapshot, names: set[str]) -> dict[str, tuple[int, int]]:
    """Per column, of lines that came again and in the end had it: how many had it empty at first, and how many all.

    Only lines that came with a column of the site at first count: else it is the export that has changed.
    """
    if snapshot.again is None or snapshot.again.is_empty():
        return {}
    first = snapshot.lines.filter(pl.col("extra").is_not_null()).select(*KEY, "extra")
    both = first.join(snapshot.again.group_by(KEY).agg(again="extra"), on=KEY)
    late, whole = Counter[str](), Counter[str]()
    for at_first, again in both.select("extra", "again").iter_rows():
        then = _filled_in([at_first])
        last = _filled_in(again) | then
        whole.update(last & names)
        late.update((last - then) & names)
    return {name: (late[name], whole[name]) for name in whole}


def _filled_in(texts: Iterable[str | None]) -> set[str]:
    return {name for text in texts for name, value in opened(text).items() if filled(value)}


@dataclass(frozen=True)
class _Column:
    """One column over the lines: codes of `texts`, or numbers where there are none."""

    name: str
    tally: Tally
    values: np.ndarray
    texts: Levels | None
    later: tuple[int, int]

    def reasons(self, lines: Lines, settings: FeatureSettings) -> Iterator[str]:
        """Why the guard refuses it; the gravest first."""
        mature = self.values[lines.rows]
        if self.tally.days >= MOSTLY * self.tally.filled:
            yield "it holds dates, which tell the day: give a number of days instead"
        if self.texts and len(self.texts.codes) > settings.max_values:
            more = "or more " if len(self.texts.codes) == MOST_TEXTS else ""
            yield f"{len(self.texts.codes):,} {more}different texts (features.max_values {settings.max_values:,})"
        share = of_one_person(mature, lines.person[lines.rows]) if self.texts or _whole(mature) else 0.0
        if share >= settings.one_person_share:
            yield f"an identifier: {share:.0%} of its lines hold a value that no second patient has"
        told = fill(~np.isnan(self.values), lines)
        if told.sure and told.waiting < told.known / 2:
            yield (
                f"filled where an outcome exists: on {told.known:.0%} of the lines whose outcome is known and on "
                f"{told.waiting:.0%} of {told.lines:,} that wait, sent in the same months"
            )
        late, whole = self.later
        if whole >= AGAIN and late >= whole / 2:
            yield f"filled afterwards: of {whole:,} lines that came again with it, {late:,} had it empty at first"
        yield from self._alone(mature, lines.y, settings)

    def _alone(self, mature: np.ndarray, y: np.ndarray, settings: FeatureSettings) -> Iterator[str]:
        by_itself = alone(mature, y, numbers=self.texts is None)
        if by_itself.lines and by_itself.denied in (0, by_itself.lines):
            told = "denied" if by_itself.denied else "paid"
            yield f"filled on {told} lines alone: {by_itself.lines:,} of the mature ones"
        elif by_itself.auroc is None:
            yield f"too few lines to judge it: filled on {by_itself.lines:,} mature lines, {by_itself.denied:,} denied"
        elif by_itself.auroc > settings.alone_auroc:
            yield f"it gives the label away: alone it ranks later lines with AUROC {by_itself.auroc:.2f}"

    def unfit(self, lines: Lines, levels: tuple[str, ...]) -> str | None:
        """Why nothing could be learned from it, allowed or not."""
        mature = self.values[lines.rows]
        if np.isnan(mature).all():
            return "no mature line holds a value"
        if not np.isnan(mature).any() and mature.min() == mature.max():
            return "it says the same on every line"
        return None if self.texts is None or levels else "no text of it is shared by enough patients"

    def levels(self, lines: Lines, settings: FeatureSettings) -> tuple[str, ...]:
        """The texts of a category that enough patients share, at most so many, by name."""
        if self.texts is None:
            return ()
        names = list(self.texts.codes)
        mature = self.values[lines.rows]
        patients = patients_of(mature, lines.patient[lines.rows], len(names))
        held = np.bincount(mature[~np.isnan(mature)].astype(np.int64), minlength=len(names))
        shared = np.flatnonzero(patients >= settings.min_patients).tolist()
        most = sorted(shared, key=lambda code: (-held[code], names[code]))[: settings.max_levels]
        return tuple(sorted(names[code] for code in most))


def _whole(values: np.ndarray) -> bool:
    """Whether numbers are mostly whole ones: a measure with decimals is no identifier."""
    there = values[~np.isnan(values)]
    return bool(len(there)) and float((there == np.rint(there)).mean()) >= MOSTLY


def _judged(columns: Iterator[_Column], lines: Lines, settings: FeatureSettings, refused: dict[str, str]) -> Offered:
    features, levels, odd = [], {}, {}
    for column in columns:
        own = column.levels(lines, settings)
        reasons = () if column.name in settings.allow else column.reasons(lines, settings)
        if why := next(iter(reasons), None) or column.unfit(lines, own):
            refused[column.name] = why
            continue
        features.append(feature(column.name, "category" if column.texts else "number"))
        if column.texts:
            levels[column.name] = own
        elif wrong := column.tally.filled - column.tally.numbers:
            odd[column.name] = wrong, column.tally.filled
    return Offered(tuple(features), levels, dict(sorted(refused.items())), odd)
