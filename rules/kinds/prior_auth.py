"""An authorization that covers the line: its code, day, units, place and provider, as known when the claim is sent."""

from __future__ import annotations

import numpy as np

from rules.authorization import NOT_COMPARED, STATE
from rules.on_file import OnFile
from rules.verdict import Asked, Verdict, three
from rules.words import code

WHY = {
    STATE["not_known"]: "The claim does not say whether it has an authorization.",
    STATE["number_only"]: "A number is on the claim; no authorization on file says what it covers.",
}
SILENT = {
    "status": "The authorization on file does not say that it was approved.",
    "patient": "The claim does not say whose it is; the authorization names its patient.",
    "units": "The units under the authorization are not all known, which it limits.",
    "place": "The claim does not say the place of service; the authorization names one.",
    "provider": "The claim does not say who rendered the service; the authorization names a provider.",
}


def prior_auth(asked: Asked) -> Verdict:
    """Broken where there is none, or the one on file does not fit; unknown where nothing on file says what it covers.

    Nor where it names what the claim does not say. Suggests the number of another authorization on file that would fit.
    """
    sheet, rows = asked.sheet, asked.rows
    state, silent = (sheet.authorization[rows, column].astype(np.int64) for column in (0, 4))
    file = OnFile(sheet.past.authorizations, sheet.lines, sheet.chain)
    return Verdict(
        three(state != STATE["exact"], np.isin(state, list(WHY)) | ((state == STATE["exact"]) & (silent > 0))),
        told={"authorization": lambda i: file.fault(int(rows[i]), sheet.authorization[rows[i]]), "code": code(asked)},
        why=lambda i: _why(int(state[i]), int(silent[i])),
        suggested=lambda i: file.fitting(int(rows[i])),
    )


def _why(state: int, silent: int) -> str:
    told = [words for name, words in SILENT.items() if silent & NOT_COMPARED[name]]
    return " ".join(told) or WHY[state]
