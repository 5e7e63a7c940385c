"""What the status of an authorization says, in the words of payers' portals, Medicare contractors and the X12 278."""

from __future__ import annotations

import re

from claims.texts import Level

REFUSED, UNCLEAR, GRANTED = range(3)
# What is granted in part or modified lists what it grants: its codes, units and days.
_GRANTED = """
    approved; approve; approval; authorized; authorised; active; granted; certified; certified in total;
    certified partial; certified in part; certified as modified; affirmed; affirmation; affirm; provisionally affirmed;
    provisional affirmation; provisional affirmed; partially affirmed; partial affirmation; partially approved;
    partial approval; approved in part; approved with modifications; approved as modified; modified; auto approved;
    a1; a2; a6
"""
_REFUSED = """
    denied; deny; denial; pending; pend; pended; cancelled; canceled; cancel; withdrawn; expired; void; voided;
    rejected; refused; declined; disapproved; not approved; not authorized; not authorised; not certified;
    not affirmed; not granted; non affirmed; nonaffirmed; non affirmation; non affirm; unapproved; unauthorized;
    non certified; noncertified; inactive; terminated; revoked; rescinded; closed; submitted; requested; received;
    open; draft; new; in review; in process; in progress; under review; pending review; in clinical review;
    awaiting review; more information needed; deferred; dismissed; incomplete; a3; a4; c; ct
"""


def _words(told: str) -> dict[str, None]:
    return dict.fromkeys(" ".join(words.split()) for words in told.split(";"))


_MEANING = dict.fromkeys(_words(_GRANTED), GRANTED) | dict.fromkeys(_words(_REFUSED), REFUSED)


def approval(status: Level) -> int:
    """REFUSED (or not decided yet), GRANTED, or UNCLEAR: empty, or a word that is not known.

    Null is GRANTED: a source without a status lists what was granted.
    """
    if status is None:
        return GRANTED
    return _MEANING.get(" ".join(re.findall(r"[a-z0-9]+", status.casefold())), UNCLEAR)
