"""Which release a file of CMS is of, for which days it speaks, and which part of it it is: told by names and preamble.

A release of edits is a calendar quarter (2026Q4); one of the fee schedule is named by CMS (RVU26D: A to D, a letter a
quarter) and, until the next is loaded, is taken to hold for the rest of its year, which is then our reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from claims.errors import RuleBookError, UsageError
from rules.manifest import NO_END

_MONTHS = {"jan": 1, "apr": 2, "jul": 3, "oct": 4}
_QUARTERS = (
    r"(?<!\d)(?P<year>20\d\d)[-_ ]?q(?P<quarter>[1-4])(?!\d)",
    r"q(?P<quarter>[1-4])[-_ ]?(?P<year>20\d\d)(?!\d)",
    r"eff[a-z]*[-_.: ]*(?P<month>\d\d?)[-_/]\d\d?[-_/](?P<year>20\d\d)(?!\d)",
)
_SCHEDULES = (
    r"pprrvu(?:20)?(?P<year>\d\d)[-_ ]?(?P<word>jan|apr|jul|oct)",
    r"rvu(?P<year>\d\d)(?P<letter>[a-d])(?![a-qs-z])",
    r"20(?P<year>\d\d) national physician fee schedule relative value file (?P<word>jan|apr|jul|oct)",
)
_VERSION = r"cci(?:pra|oph)-v(?P<version>\d\d)(?P<quarter>\d)r"  # 30.0 was the first quarter of 2024
_ASKED = (r"rvu(?P<year>\d\d)(?P<letter>[a-d])", r"(?P<year>20\d\d)q(?P<quarter>[1-4])")
_PART = r"-f(\d)(?!\d)"
_OTHERS = r"ccioph|outpatient|hospital|facility|durable|(?<![a-z])dme"
_OURS = r"ccipra|practitioner"
_MEDICAID = r"medicaid|(?<![a-z])mcd(?![a-z])"


@dataclass(frozen=True)
class Quarter:
    """A release: year and quarter; `inferred` where only the version number in the file's name tells."""

    year: int
    quarter: int
    inferred: bool = False

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.quarter - 2, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        following = date(self.year + self.quarter // 4, self.quarter % 4 * 3 + 1, 1)
        return following - timedelta(days=1)

    def name(self, table: str) -> str:
        """As the manifest names it."""
        return (
            f"RVU{self.year % 100:02}{'ABCD'[self.quarter - 1]}" if table == "mpfs" else f"{self.year}Q{self.quarter}"
        )

    def periods(self, table: str) -> Iterator[tuple[date, date, str]]:
        """The first and last days for which it speaks, with their standing."""
        yield self.first, NO_END if table == "add_on" else self.last, "stated"
        if table == "mpfs" and self.quarter < 4:
            yield self.last + timedelta(days=1), date(self.year, 12, 31), "assumed"


def table_of(table: str, header: str, name: str, preamble: str) -> str:
    """The table that a file goes to; the first of its texts that says whose it is counts.

    Raises RuleBookError for a file that is not the practitioners'.
    """
    told = [text.lower() for text in (header, name, preamble)]
    if table in ("ncci_ptp", "ncci_mue"):
        voice = next((text for text in told if re.search(f"{_OTHERS}|{_OURS}", text)), "")
        if re.search(_OTHERS, voice) or not voice:
            what = "is for hospitals or suppliers" if voice else "does not say whether it is the practitioners'"
            raise RuleBookError(
                f"{name} {what}; professional claims are judged by CMS's practitioner files. Nothing was changed; "
                "give the practitioner file under the name CMS gave it"
            )
    if not any(re.search(_MEDICAID, text) for text in told):
        return table
    if table != "ncci_mue":
        raise RuleBookError(f"{name} is of Medicaid, of which only the unit limits are read. Nothing was changed")
    return "medicaid_mue"


def part_of(name: str) -> str:
    """The number of a part of a release that CMS splits over files; "" where the name tells none."""
    found = re.findall(_PART, name.lower())
    return found[-1] if found else ""


def quarter_of(table: str, name: str, preamble: str, asked: str | None = None) -> Quarter:
    """The release that a file is of. Raises RuleBookError where it cannot be told or two are."""
    patterns = _SCHEDULES if table == "mpfs" else _QUARTERS
    told = set(_told(patterns, name.lower())) or set(_told(patterns, preamble.lower()))
    told |= {_wanted(table, asked)} if asked else set()
    if len(told) > 1:
        names = ", ".join(sorted(one.name(table) for one in told))
        raise RuleBookError(f"{name}: which release, of {names}? Nothing was changed; ask for its own, or rename it")
    if told:
        return told.pop()
    version = re.search(_VERSION, name.lower())
    if version and version["quarter"] in "0123":
        return Quarter(1994 + int(version["version"]), int(version["quarter"]) + 1, inferred=True)
    raise RuleBookError(f"{name} does not tell its release; nothing was changed. {remedy(table)}")


def remedy(table: str) -> str:
    """How a user says which release a file is of."""
    return f"Say which it is, such as --release {'RVU26D' if table == 'mpfs' else '2026Q4'}"


def _wanted(table: str, asked: str) -> Quarter:
    found = [re.fullmatch(pattern, asked.strip().lower()) for pattern in _ASKED]
    matched = next(filter(None, found), None)
    if matched is None:
        raise UsageError(f"{asked!r} names no release. {remedy(table)}")
    return _quarter(matched)


def _told(patterns: tuple[str, ...], text: str) -> Iterator[Quarter]:
    for pattern in patterns:
        yield from map(_quarter, re.finditer(pattern, text))


def _quarter(found: re.Match[str]) -> Quarter:
    groups = {name: value for name, value in found.groupdict().items() if value}
    if "month" in groups:
        quarter = (int(groups["month"]) + 2) // 3
    elif "word" in groups:
        quarter = _MONTHS[groups["word"]]
    else:
        quarter = "abcd".index(groups["letter"]) + 1 if "letter" in groups else int(groups["quarter"])
    return Quarter(int(groups["year"]) % 100 + 2000, quarter)
