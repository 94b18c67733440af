"""What is said is brought to what happened: probabilities on the latest closed clocks, and intervals around the expected remaining time.

Belongs here: the two corrections, each a few numbers that a table holds. Does not belong here: which clocks they are learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opsla_dagster.risk_model.encoding import Floats

#: Nobody is told 0 or 100 %: a clock that runs may still do either.
LEAST, MOST = 0.001, 0.999
#: Tenths of the expected remaining time have errors of their own; fewer rows a group than this share the ones of all.
GROUPS, MIN_ROWS_OF_A_GROUP = 5, 100
#: `_FIXED`: a prior that nothing moves.
_STEPS, _PRIOR, _FIXED = 50, 1.0, 1e12
#: Shares of a step that are tried, the whole one first.
_SIZES = tuple(0.5**halvings for halvings in range(40))


def sigmoid(log_odds: Floats) -> Floats:
    """Log-odds as probabilities."""
    return 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))


@dataclass(frozen=True)
class Recalibration:
    """probability = sigmoid(shift + slope x log-odds of the trees + share_slope x log-odds of the share of the target used)."""

    shift: float
    slope: float
    share_slope: float

    def probabilities(self, log_odds: Floats, share_log_odds: Floats) -> Floats:
        return np.clip(sigmoid(self.shift + self.slope * log_odds + self.share_slope * share_log_odds), LEAST, MOST)


#: The trees as they are.
AS_SAID = Recalibration(0.0, 1.0, 0.0)


def to_log_odds(probabilities: Floats) -> Floats:
    """Probabilities as log-odds; none is taken for certain."""
    inside = np.clip(probabilities, LEAST, MOST)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


def recalibrated(log_odds: Floats, share_log_odds: Floats, happened: Floats) -> Recalibration:
    """The most likely one that makes trees no surer than they are: clocks that were decided lately are in part slow ones of long ago, on which trees look better than they are.

    To depart from the trees needs evidence (a prior), so that few rows do not turn things round.
    """
    told = np.column_stack([np.ones(len(log_odds)), log_odds, share_log_odds])
    prior, weights = np.array([0.0, 1.0, 0.0]), np.array([1e-9, _PRIOR, _PRIOR])
    found = _most_likely(told, happened, prior, weights)
    if found[1] > 1:
        found = _most_likely(told, happened, prior, np.where(prior == 1, _FIXED, weights))
    return Recalibration(float(found[0]), float(found[1]), float(found[2]))


def _most_likely(told: Floats, happened: Floats, prior: Floats, weights: Floats) -> Floats:
    """Coefficients of a logistic regression drawn towards `prior`, by Newton's method.

    Steps are halved until they lead downhill: where trees are far too sure of themselves, whole ones lead ever further away.
    """

    def loss(tried: Floats) -> float:
        answers = told @ tried
        return float((np.logaddexp(0, answers) - happened * answers).sum() + 0.5 * (weights * (tried - prior) ** 2).sum())

    found = prior.copy()
    for _ in range(_STEPS):
        said = sigmoid(told @ found)
        gradient = told.T @ (said - happened) + weights * (found - prior)
        curvature = (told * np.maximum(said * (1 - said), 1e-9)[:, None]).T @ told + np.diag(weights)
        step = np.linalg.solve(curvature, gradient)
        least, downhill = loss(found), float(gradient @ step)
        size = next((size for size in _SIZES if loss(found - size * step) <= least - 1e-4 * size * downhill), 0.0)
        found = found - size * step
        if np.abs(size * step).max() < 1e-10:
            break
    return found


@dataclass(frozen=True)
class Spread:
    """Errors of the expected remaining time, as differences of logarithms: of each group of expectations the low and the high one of an 80 % interval.

    `bounds` are the expectations (log) at which the next group begins.
    """

    bounds: tuple[float, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]

    def around(self, expected: Floats) -> tuple[Floats, Floats, Floats]:
        """p10, p50 and p90 (log) of expectations (log)."""
        group = np.searchsorted(np.array(self.bounds), expected, side="right")
        return expected + np.array(self.low)[group], expected + np.array(self.middle)[group], expected + np.array(self.high)[group]


def spread(expected: Floats, actual: Floats) -> Spread:
    """Split-conformal errors of rows that the trees have not seen (log of minutes)."""
    groups = GROUPS if len(expected) >= GROUPS * MIN_ROWS_OF_A_GROUP else 1
    bounds = np.unique(np.quantile(expected, np.arange(1, groups) / groups)) if groups > 1 else np.array([])
    group = np.searchsorted(bounds, expected, side="right")
    errors = [actual[group == number] - expected[group == number] for number in range(len(bounds) + 1)]
    low, high = (tuple(_conformal(part, share) for part in errors) for share in (0.1, 0.9))
    # The expectation is the median, unless the errors say that nine in ten lie on one side of it: desks change after the trees were learnt.
    middle = tuple(min(max(0.0, least), most) for least, most in zip(low, high, strict=True))
    return Spread(bounds=tuple(map(float, bounds)), low=low, middle=middle, high=high)


def _conformal(errors: Floats, share: float) -> float:
    """The quantile with the correction for few rows: of the next row, too, `share` of the possible errors lie below."""
    count = len(errors)
    if not count:
        return 0.0
    rank = (count + 1) * share
    position = min(max(int(np.floor(rank)) if share < 0.5 else int(np.ceil(rank)), 1), count) - 1
    return float(np.sort(errors)[position])
