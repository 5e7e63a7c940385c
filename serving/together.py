"""Several requests scored in one pass, each answered with the numbers that it would get alone.

Claims of one call see each other only where one was submitted earlier than another, or where two are one submission.
Requests are put together only where neither can be: all lines of one day, no submission in two of them (decision 14).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TypeVar

import polars as pl

from claims.batch import Batch, check_lines
from claims.dated import dated
from serving.answer import Json, add_rejects
from serving.body import read
from serving.current import Current
from serving.score import Scorer

T = TypeVar("T")
Keep = Callable[[Json], None]
MOST = 256  # lines of a pass, unless one request has more


@dataclass(frozen=True)
class Asked:
    """A request: its kind (one of body.KINDS) and its body."""

    kind: str
    body: bytes


@dataclass(frozen=True)
class Read:
    """A request as it was read, every line with a day. alone: as add_rejects has it."""

    batch: Batch
    alone: Collection[int]

    @classmethod
    def of(cls, asked: Asked, current: Current) -> Read:
        """Raises ProblemError and UnreadableFileError for what is no request with claim lines."""
        batch, alone = read(asked.kind, asked.body, current.settings)
        check_lines(batch)
        return cls(replace(batch, lines=dated(batch.lines, current.settings.today())), alone)

    @property
    def days(self) -> frozenset[date]:
        """The days on which its lines are submitted."""
        return frozenset(self.batch.lines.get_column("submitted_date").to_list())

    @property
    def submissions(self) -> frozenset[str]:
        """What its lines are lines of."""
        return frozenset(self.batch.lines.get_column("submission_id").to_list())

    @property
    def claims(self) -> list[int]:
        """The places of its claims that have lines, in order."""
        return sorted(set(self.batch.lines.get_column("claim_index").to_list()))


@dataclass
class Group:
    """Requests that are scored in one pass: places among those that were asked together."""

    members: list[tuple[int, Read]] = field(default_factory=list)
    days: frozenset[date] = frozenset()
    submissions: frozenset[str] = frozenset()
    lines: int = 0

    def takes(self, place: int, one: Read) -> bool:
        """Takes it in, where that changes no number of any; one without lines stays alone."""
        own, count, days = one.submissions, one.batch.lines.height, one.days | self.days
        room = min(count, self.lines) > 0 and self.lines + count <= MOST
        if self.members and (not room or len(days) > 1 or own & self.submissions):
            return False
        self.members.append((place, one))
        self.days, self.submissions, self.lines = days, self.submissions | own, self.lines + count
        return True


def answers(current: Current, asked: Sequence[Asked], keep: Keep) -> list[Json | Exception]:
    """The response of each, in order; what one raises that cannot be read, scored or kept stands in its place.

    keep: called before anything is answered, with a response, or with one that has the claims of several.
    """
    reads = [_tried(partial(Read.of, one, current)) for one in asked]
    told: dict[int, Json | Exception] = {}
    for group in _groups(reads):
        made = _tried(partial(_scored, current, [one for _, one in group.members], keep))
        for at, (place, one) in enumerate(group.members):
            if not isinstance(made, Exception):
                told[place] = made[at]
            elif len(group.members) == 1:
                told[place] = made
            else:  # one of them is at fault: alone it fails alone
                alone = _tried(partial(_scored, current, [one], keep))
                told[place] = alone if isinstance(alone, Exception) else alone[0]
    return [one if isinstance(one, Exception) else told[place] for place, one in enumerate(reads)]


def _groups(reads: Sequence[Read | Exception]) -> list[Group]:
    groups: list[Group] = []
    for place, one in enumerate(reads):
        if not isinstance(one, Exception) and not any(group.takes(place, one) for group in groups):
            groups.append(Group())
            groups[-1].takes(place, one)
    return groups


def _scored(current: Current, reads: Sequence[Read], keep: Keep) -> list[Json]:
    scorer = current.get()
    if len(reads) > 1:
        return _together(scorer, reads, keep)
    answer = scorer.answer(reads[0].batch, reads[0].alone)
    keep(answer)
    return [answer]


def _together(scorer: Scorer, reads: Sequence[Read], keep: Keep) -> list[Json]:
    """One answer for all lines, taken apart again: it tells the claims in the order of claim_index."""
    lines, first = [], 0
    for one in reads:
        lines.append(one.batch.lines.with_columns(pl.col("claim_index") + first))
        first += max(one.claims, default=0) + 1
    batch = reads[0].batch
    whole = scorer.answer(replace(batch, lines=pl.concat(lines), rejects=batch.rejects.clear()))
    keep(whole)
    claims, told = iter(whole["claims"]), []
    for one in reads:
        own = {index: next(claims) for index in one.claims}
        rejected = add_rejects(own, one.batch, one.alone)
        told.append(whole | {"claims": list(own.values()), "rejected": rejected})
    return told


def _tried(make: Callable[[], T]) -> T | Exception:
    try:
        return make()
    except Exception as error:  # any: told to whom it concerns, and to nobody else
        return error
