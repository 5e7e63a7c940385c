"""Which earlier submission a submission repeats: resubmissions and the chains they form (DESIGN section 4).

One class, `Earlier`, answers for a whole store (`chains`) and for one claim about to be sent (`ChainIndex`). A link
leads to a strictly earlier submitted_date and rests on nothing known later. Text that is null or "" counts as absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from claims.keys import NEVER, Hashes, Ints, Keys, days_of, hashes_of, keys_of, mixed
from claims.match import match_submissions


def chains(lines: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """submission_id, chain_id, resubmission_of (nullable), is_resubmission: one row a submission, in order of time.

    A submission is a resubmission when its frequency is 7 or 8, it names an original_reference_number, the same
    claim_id went to the same payer before, or every line of it repeats a line of one earlier submission (patient,
    payer, date, code, modifiers in any order, units, rendering provider). resubmission_of is the latest submission it
    is linked to by the last three (ties: the largest submission_id); a number leads to the submission whose outcome,
    known by then, carries it. chain_id is the first submission of the chain. `outcomes`: as stored or as matched.
    """
    named = lines.select(payer_claim_control_number="original_reference_number").unique()
    keys = keys_of(lines)
    order = _Order.of(keys, lines)
    earlier = order.earlier(keys, lines, outcomes.join(named, on="payer_claim_control_number", how="semi"))
    asked = _asked_of(keys)
    parent = np.empty(len(asked.first), np.int64)
    parent[order.ranks[asked.first]] = earlier.parents(asked)
    root = np.where(parent < 0, np.arange(len(parent)), parent)
    while not np.array_equal(further := root[root], root):
        root = further
    ids = order.submissions["submission_id"]
    return order.submissions.select(
        "submission_id",
        chain_id=ids.gather(root),
        resubmission_of=ids.gather(pl.Series(parent).replace(-1, None)),
        is_resubmission=pl.col("says_so") | pl.Series(parent >= 0),
    )


class Chains(Protocol):
    """Knows which chain a line belongs to."""

    def chain_of(self, lines: pl.DataFrame) -> Ints:
        """(lines,) the chain's number; -1: none that is known."""
        ...

    def holds(self, lines: pl.DataFrame) -> np.ndarray:
        """(lines,) whether the submission is known."""
        ...

    def began(self, chain: Ints) -> Ints:
        """(chains,) the day of the first submission of each, of -1 NEVER."""
        ...


@dataclass(frozen=True)
class ChainIndex:
    """The chain of a few new lines, against stored ones, without touching the stored ones again.

    codes: (lines,) the chain's number for each stored line, in their order; of_rank: (submissions + 1,) by rank, the
    last entry answers for -1; first: (chains + 1,) the day of each chain's first submission.
    """

    earlier: Earlier
    codes: npt.NDArray[np.int32]
    of_rank: Ints
    first: Ints

    @classmethod
    def of(cls, lines: pl.DataFrame, outcomes: pl.DataFrame) -> ChainIndex:
        """`lines` with their chain_id (from `chains`), `outcomes` as stored or as matched."""
        order = _Order.of(keys := keys_of(lines), lines)
        earlier = order.earlier(keys, lines, outcomes)
        number = lines.select("chain_id").unique(maintain_order=True).with_row_index("code")
        codes = lines.select("chain_id").join(number, on="chain_id", how="left", maintain_order="left")["code"]
        of_line = codes.to_numpy().astype(np.int32)
        of_rank = np.full(earlier.size + 1, -1, np.int64)
        of_rank[order.ranks] = of_line
        first = np.full(number.height + 1, NEVER, np.int64)
        first[of_rank[-2::-1]] = earlier.days[::-1]  # of a chain's submissions the first is put last
        return cls(earlier, of_line, of_rank, first)

    def chain_of(self, lines: pl.DataFrame) -> Ints:
        """The chain's number for each of `lines` (lines,): its own if it is stored, else the one that it would join.

        -1: it begins a chain. Equal to what `chains` says of the stored lines and this submission together.
        """
        rank = self._stored(lines)
        new = rank < 0
        if new.any():
            asked = _asked_of(keys_of(lines.filter(pl.Series(new)) if not new.all() else lines))
            rank[new] = self.earlier.parents(asked)[asked.submission]
        return self.of_rank[rank]

    def holds(self, lines: pl.DataFrame) -> np.ndarray:
        """Whether the submission of each of `lines` (lines,) is stored."""
        return np.greater_equal(self._stored(lines), 0)

    def began(self, chain: Ints) -> Ints:
        """The day of the first stored submission of each chain (chains,); NEVER for -1, and where it has no day."""
        return self.first[chain]

    def _stored(self, lines: pl.DataFrame) -> Ints:
        """(lines,) the rank of its submission; -1: it is not stored."""
        return self.earlier.own(hashes_of([lines["submission_id"]])[0]) if len(lines) else np.empty(0, np.int64)


# Looking up ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """Some submissions to be looked up, and their lines in order of submission."""

    submission: Ints  # (lines,) its number, 0, 1, ... for each line, in the order the lines were given
    first: Ints  # (submissions,) a line of it
    content: Hashes  # (lines,) grouped by submission
    start: Ints  # (submissions,) where its group begins
    day: Ints
    claim: Hashes
    named: Hashes  # (submissions,)


def _asked_of(keys: Keys) -> _Asked:
    _, first, submission = np.unique(keys.submission, return_index=True, return_inverse=True)
    order = np.argsort(submission)
    named = np.maximum.reduceat(keys.named[order], start := np.searchsorted(submission[order], np.arange(len(first))))
    return _Asked(submission, first, keys.content[order], start, keys.day[first], keys.claim[first], named)


@dataclass(frozen=True)
class Postings:
    """For each key the submissions that carry it, by rank: sorted arrays, asked by binary search.

    size: submissions; places: group of the key x size + rank; known: the day on which that was known, where it matters.
    """

    size: int
    keys: Hashes
    places: Ints
    known: Ints | None

    @classmethod
    def of(cls, keys: Hashes, ranks: npt.NDArray[np.integer[Any]], size: int, known: Ints | None = None) -> Postings:
        """From one key and rank an entry, in any order; equal ones count once."""
        different, group = np.unique(keys, return_inverse=True)
        places = group * np.int64(size) + ranks
        order = np.argsort(places, kind="stable")
        first = np.ones(len(order), bool)
        first[1:] = places[order][1:] != places[order][:-1]
        return cls(size, different, places[order][first], None if known is None else known[order][first])

    def latest(self, keys: Hashes, before: Ints, day: Ints | None = None) -> Ints:
        """The highest rank below `before` that carries the key (and was known before `day`); -1 for none."""
        if not len(self.places):
            return np.full(len(keys), -1, np.int64)
        at, floor = self._at(keys, before)
        found = self._ranks(at, floor)
        while day is not None and self.known is not None and (late := (found >= 0) & (self.known[at] >= day)).any():
            at = np.where(late, at - 1, at)
            found = np.where(late, self._ranks(at, floor), found)
        return found

    def _at(self, keys: Hashes, before: Ints) -> tuple[Ints, Ints]:
        """Places just below `before` and where the key's own begin (past the end for a key that nobody carries)."""
        group = np.searchsorted(self.keys, keys)
        known = group < len(self.keys)
        known[known] = self.keys[group[known]] == keys[known]
        floor = np.where(known, group * np.int64(self.size), np.iinfo(np.int64).max)
        at = np.searchsorted(self.places, np.where(known, floor, 0) + before) - 1
        return at, floor

    def _ranks(self, at: Ints, floor: Ints) -> Ints:
        place = self.places[at]
        return np.where((at >= 0) & (place >= floor), place - floor, -1)


@dataclass(frozen=True)
class Earlier:
    """Submissions in order of time, `size` of them: their days, and what each carries."""

    size: int
    days: Ints
    submissions: Postings
    claims: Postings
    contents: Postings
    numbers: Postings

    def own(self, submissions: Hashes) -> Ints:
        """The rank of each submission that is stored, else -1."""
        return self.submissions.latest(submissions, np.full(len(submissions), self.size))

    def parents(self, asked: _Asked) -> Ints:
        """The rank of the latest submission, strictly earlier by its day, that each is linked to; -1 for none."""
        before = np.searchsorted(self.days, asked.day) * (asked.day != NEVER)
        number = self.numbers.latest(asked.named, before, asked.day)
        claim = self.claims.latest(asked.claim, before)
        return np.maximum(np.maximum(number, claim), self._repeated(asked, before))

    def _repeated(self, asked: _Asked, before: Ints) -> Ints:
        """The latest earlier submission that holds every line's content.

        Each line names its latest holder; until all lines of a submission agree, the search goes on at the earliest.
        """
        group = np.repeat(np.arange(len(before)), np.diff(asked.start, append=len(asked.content)))
        found, open_ = np.full(len(before), -1, np.int64), np.ones(len(before), bool)
        content, bound = asked.content, before.copy()
        while len(content):
            holder = self.contents.latest(content, bound[group])
            start = np.flatnonzero(np.diff(group, prepend=-1))
            lowest, highest = np.minimum.reduceat(holder, start), np.maximum.reduceat(holder, start)
            who = group[start]
            agreed = lowest == highest
            found[who[agreed]] = lowest[agreed]
            bound[who] = lowest + 1
            open_[who] = ~agreed & (lowest >= 0)
            content, group = content[open_[group]], group[open_[group]]
        return found


@dataclass(frozen=True)
class _Order:
    """Submissions in order of time (rank: day, then submission_id; without a day last); ranks: (lines,) of each line.

    submissions: submission_id, submitted_date and whether it says itself that it is not the first.
    """

    submissions: pl.DataFrame
    ranks: npt.NDArray[np.int32]

    @classmethod
    def of(cls, keys: Keys, lines: pl.DataFrame) -> _Order:
        """Of all lines of all submissions."""
        _, first, group = np.unique(keys.submission, return_index=True, return_inverse=True)
        says_so = np.bincount(group, lines.select(_says_so()).to_series().to_numpy(), minlength=len(first)) > 0
        table = lines.select("submission_id", "submitted_date")[first]
        table = table.with_columns(says_so=pl.Series(says_so), group=pl.int_range(pl.len()))
        table = table.sort("submitted_date", "submission_id", nulls_last=True)
        rank_of = np.empty(len(first), np.int64)
        rank_of[table["group"].to_numpy()] = np.arange(len(first))
        return cls(table.drop("group"), rank_of[group].astype(np.int32))

    def earlier(self, keys: Keys, lines: pl.DataFrame, outcomes: pl.DataFrame) -> Earlier:
        """What can be asked of them."""
        size, told = self.submissions.height, keys.content != 0
        return Earlier(
            size=size,
            days=days_of(self.submissions["submitted_date"]).astype(np.int64),
            submissions=Postings.of(keys.submission, self.ranks, size),
            claims=Postings.of(keys.claim, self.ranks, size),
            contents=Postings.of(keys.content[told], self.ranks[told], size),
            numbers=self._numbered(lines, outcomes),
        )

    def _numbered(self, lines: pl.DataFrame, outcomes: pl.DataFrame) -> Postings:
        """The payers' control numbers, each with the submission it was given to and the day that was known."""
        rank = self.submissions.select("submission_id").with_row_index("rank")
        table = control_numbers(lines, outcomes).join(rank, on="submission_id")
        payers = lines.select("submission_id", "payer_id").unique("submission_id", keep="any")
        table = table.join(payers, on="submission_id")
        payer, number = hashes_of([table["payer_id"], table["payer_claim_control_number"]])
        return Postings.of(
            mixed([payer, number]), table["rank"].to_numpy().astype(np.int64), self.submissions.height,
            days_of(table["known_date"]).astype(np.int64),
        )  # fmt: skip


CONTROLS = {"submission_id": pl.String, "payer_claim_control_number": pl.String, "known_date": pl.Date}


def control_numbers(lines: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """submission_id, payer_claim_control_number, known_date (the first): what the payer called each submission."""
    given = outcomes.filter(pl.col("payer_claim_control_number") != "")
    matched = given if "submission_id" in given.columns else match_submissions(lines, given)
    named = matched.filter(pl.col("submission_id").is_not_null())
    return named.group_by("submission_id", "payer_claim_control_number").agg(pl.col("known_date").min())


def _says_so() -> pl.Expr:
    """Whether a line's submission says itself that it is not the first."""
    replaces = pl.col("claim_frequency_code").is_in(["7", "8"])
    return (replaces | (pl.col("original_reference_number") != "")).fill_null(False)
