"""How good probabilities and intervals were: AUC, Brier, calibration by decile, coverage.

Belongs here: the arithmetic, on arrays. Does not belong here: which rows they are asked of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opsla_dagster.risk_model.encoding import Floats

DECILES = 10


def auc(probabilities: Floats, happened: Floats) -> float | None:
    """How often one of those that happened was given more than one that did not, ties half; None where all or none happened."""
    positives = happened.sum()
    negatives = len(happened) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((middle_ranks[inverse][happened == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def brier(probabilities: Floats, happened: Floats) -> float | None:
    """Mean squared difference between what was said, 0-1, and what happened; None without rows."""
    return float(np.mean((probabilities - happened) ** 2)) if len(happened) else None


@dataclass(frozen=True)
class Decile:
    """Predictions between two tenths: how many, what was said on average, what share of them happened (0-1)."""

    decile: int
    predictions: int
    predicted: float
    happened: float


def calibration(probabilities: Floats, happened: Floats) -> list[Decile]:
    """By tenths of the probability, 1: below 0.1; tenths without predictions are left out."""
    tenths = np.minimum((probabilities * DECILES).astype(int), DECILES - 1)
    return [
        Decile(number + 1, int(chosen.sum()), float(probabilities[chosen].mean()), float(happened[chosen].mean()))
        for number in range(DECILES)
        if (chosen := tenths == number).any()
    ]
