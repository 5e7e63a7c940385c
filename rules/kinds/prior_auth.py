"""An authorization that covers the line: its code, day, units, place and provider, as known when the claim is sent."""

from __future__ import annotations

import numpy as np

from rules.authorization import STATE
from rules.on_file import OnFile
from rules.verdict import Asked, Verdict, three
from rules.words import code

WHY = {
    STATE["not_known"]: "The claim does not say whether it has an authorization.",
    STATE["number_only"]: "A number is on the claim; no authorization on file says what it covers.",
}


def prior_auth(asked: Asked) -> Verdict:
    """Broken where there is none, or the one on file does not fit; unknown where nothing on file says what it covers.

    Suggests the number of another authorization on file that would fit the line.
    """
    sheet, rows = asked.sheet, asked.rows
    state = sheet.authorization[rows, 0].astype(np.int64)
    file = OnFile(sheet.past.authorizations, sheet.lines, sheet.chain)
    return Verdict(
        three(state != STATE["exact"], np.isin(state, list(WHY))),
        told={"authorization": lambda i: file.fault(int(rows[i]), sheet.authorization[rows[i]]), "code": code(asked)},
        why=lambda i: WHY[int(state[i])],
        suggested=lambda i: file.fitting(int(rows[i])),
    )
