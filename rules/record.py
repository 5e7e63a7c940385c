"""What the record of a visit says, as far as it comes with the claim: one element of documentation for some rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rules.verdict import Asked

WORDS = {
    "doc_pain_score": "the pain score", "doc_conservative_weeks": "how many weeks of conservative care there were",
    "doc_imaging": "whether there was imaging", "doc_exam_findings": "whether findings of the examination are noted",
    "doc_relief_percent": "how much relief there was", "doc_prior_blocks": "how many blocks came before",
    "doc_muscles": "how many muscles were treated", "doc_joints": "how many joints were treated",
    "doc_image_views_saved": "how many views were saved", "doc_time_out": "whether there was a time-out",
    "doc_psych_evaluation": "whether there was a psychological evaluation",
}  # fmt: skip


@dataclass(frozen=True)
class Element:
    """values: (rows,) float64, nan where the claim does not tell; flag: whether it is yes (1) or no (0)."""

    name: str
    values: np.ndarray
    flag: bool

    @classmethod
    def of(cls, asked: Asked, name: str | None) -> Element:
        """The element of the rows; without a name one that nothing is known of."""
        if name is None:
            return cls("", np.full(len(asked), np.nan), False)
        return cls(name, asked.sheet.number(name)[asked.rows], asked.sheet.is_flag(name))

    @property
    def missing(self) -> np.ndarray:
        """(rows,) whether it is not known."""
        missing: np.ndarray = np.isnan(self.values)
        return missing

    def reaches(self, value: float) -> np.ndarray:
        """(rows,) whether it is known and reaches a number, or is not nothing where the value is true; a yes does."""
        enough: np.ndarray = self.values > 0 if self.flag or value is True else self.values >= value
        return enough

    def told(self, i: int) -> str:
        """What it says of the i-th row."""
        if np.isnan(self.values[i]):
            return "nothing"
        return ("yes" if self.values[i] else "no") if self.flag else plain(self.values[i])

    def why(self) -> str:
        """That it is not known."""
        return f"The claim does not say {WORDS[self.name]} ({self.name})."


def plain(number: float) -> str:
    """A number without decimals that say nothing."""
    return "an unknown number of" if np.isnan(number) else f"{number:.10g}"
