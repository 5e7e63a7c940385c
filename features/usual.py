"""What a code usually costs and how many units it usually has: means over lines submitted in the year before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.chain import ChainEvents
from features.ledger import Ledger, stamps

YEAR = 365


@dataclass(frozen=True)
class Usual:
    """Means by code of one amount in whole numbers: (lines, sum) by the day of submission."""

    book: Ledger
    code: np.ndarray
    amounts: np.ndarray
    chain: np.ndarray
    own: ChainEvents

    @classmethod
    def of(cls, code: np.ndarray, day: np.ndarray, amount: np.ndarray, chain: np.ndarray, chains: int) -> Usual:
        """From (lines,) arrays; amount is whole, nan where the line does not say."""
        said = ~np.isnan(amount)
        whole = amount[said].astype(np.int64)
        own = ChainEvents.of(chain[said], day[said], chains)
        return cls(
            Ledger.of(stamps(code[said], day[said]), _counted(whole)),
            code[said].astype(np.int32),
            whole,
            chain[said].astype(np.int32),
            own,
        )

    def plus(self, code: np.ndarray, day: np.ndarray, amount: np.ndarray, chain: np.ndarray, chains: int) -> Usual:
        """With further (lines,), described as in `of`."""
        return Usual.of(
            np.append(self.code, code), np.append(self.own.day, day), np.append(self.amounts, amount),
            np.append(self.chain, chain), chains,
        )  # fmt: skip

    def mean(self, code: np.ndarray, day: np.ndarray, chain: np.ndarray) -> np.ndarray:
        """(lines,) mean amount of the code over the year before the day, the own chain left out; nan if none."""
        totals = self.book.within(stamps(code, day), (YEAR,))[0][0]
        lines, events = self.own.pairs(chain, day)
        inside = (self.code[events] == code[lines]) & (self.own.day[events] >= day[lines] - YEAR)
        np.subtract.at(totals, lines[inside], _counted(self.amounts[events[inside]]))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(totals[:, 0] > 0, totals[:, 1] / totals[:, 0], np.nan)


def _counted(amounts: np.ndarray) -> np.ndarray:
    """(lines, 2) a one and the amount of each."""
    return np.stack([np.ones_like(amounts), amounts], axis=1)
