"""docs/features.md, made from the catalog: `python -m features.page > docs/features.md`; a test holds the two equal."""

from __future__ import annotations

import sys
from itertools import groupby

from features.catalog import CATALOG, WEIGHT, Feature
from rules.authorization import AUTHORIZATION_STATES

HEAD = f"""# Features

{len(CATALOG)} columns, declared in `features/catalog.py` and made by `features.build(lines, history)`. This page is made from
the catalog (`make docs`).

- A row looks only at its claim's own lines and at what was known **strictly before** the claim was submitted. A claim's
  own chain (what it is sent again for) never counts as its history.
- Rates are smoothed: (denied + {WEIGHT:g} x what the rate leans on) / (known + {WEIGHT:g}). A short window leans on the longer one
  of the same key, the longest on the parent key, the root on the published initial denial rate (rules/tables/base_rates.csv).
  The weight of {WEIGHT:g} outcomes is ours.
- Only first outcomes of original submissions in the target count. Windows count days between the day on which an outcome
  became known and the day of submission. Sessions are days of service, 1 to 365 days before this one, already submitted.
- The usual charge and units of a code are means over original lines submitted in the year before.
- authorization_match is one of {", ".join(f"`{state}`" for state in AUTHORIZATION_STATES)}: the gravest first.
- A model is not offered the rates and counts of all lines together, nor counts over all time: they tell the day
  (decision 7). They are built for what explanations say.
- Columns of the site (`x_*`) stand beside these: each training finds them, as a number or a category, behind a guard
  (decision 16); their concept is "columns of the site", their types and levels are those of the model's folder.
- Missing: nan for a number, null for a category; a category that is carried and empty is `none`.
"""


def page() -> str:
    """The whole page."""
    ordered = sorted(CATALOG, key=lambda feature: feature.concept)
    parts = [_section(concept, list(group)) for concept, group in groupby(ordered, key=lambda f: f.concept)]
    return "\n".join([HEAD, *parts])


def _section(concept: str, features: list[Feature]) -> str:
    rows = [f"| `{f.name}` | {f.dtype} | {f.unit} | {f.sentence} |" for f in features]
    return "\n".join([f"## {concept}", "", "| feature | type | unit | sentence |", "|---|---|---|---|", *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(page())
