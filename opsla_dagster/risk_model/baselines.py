"""What a model has to beat, and what serves where there is none: how like clocks came out, counted.

Belongs here: counting, by priority and by the share of the target that is used. Does not belong here: which of them serves (model.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from opsla_dagster.risk_model.encoding import Floats

#: Shares of the target from which on clocks are like each other; what is past its target has the last one.
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
#: Rows that the mean of all weighs beside those of a value: few rows of it say little.
_WEIGHT_OF_ALL = 10
#: Rows that remaining times are told from: those of a share, and where it has fewer, of the shares next to it as well.
_MIN_ROWS = 30
_QUANTILES = (0.1, 0.5, 0.9)


def by_value(values: Sequence[str | None], happened: Floats) -> dict[str, float]:
    """Value -> share that happened, drawn towards that of all; `` is no value and every value that is not known."""
    overall = float(happened.mean()) if len(happened) else 0.0
    told = np.array([value or "" for value in values], dtype=object)
    shares = {"": overall}
    for value in sorted(set(told)):
        found = happened[told == value]
        shares[str(value)] = (float(found.sum()) + _WEIGHT_OF_ALL * overall) / (len(found) + _WEIGHT_OF_ALL)
    return shares


def said_by_value(shares: Mapping[str, float], values: Sequence[str | None]) -> Floats:
    """The probabilities that `by_value` gives to rows."""
    return np.array([shares.get(value or "", shares[""]) for value in values], dtype=np.float64)


@dataclass(frozen=True)
class ByShare:
    """Of clocks by the share of their target that is used: how many broke, and what they had left (p10, p50, p90, open minutes; NaN: unknown)."""

    clocks: int
    rows: tuple[int, ...]
    broke: tuple[float, ...]
    left: tuple[tuple[float, ...], ...]

    def probabilities(self, used: Floats) -> Floats:
        return np.asarray(np.array(self.broke)[_groups(used)], dtype=np.float64)

    def remaining(self, used: Floats) -> Floats:
        """A line a row: p10, p50, p90."""
        return np.asarray(np.array(self.left)[_groups(used)], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> ByShare:
        return cls(told["clocks"], tuple(told["rows"]), tuple(told["broke"]), tuple(map(tuple, told["left"])))


def _groups(used: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.clip(np.searchsorted(np.array(SHARES), np.nan_to_num(used), side="right") - 1, 0, len(SHARES) - 1)


def by_share(used: Floats, happened: Floats, remaining: Floats, clocks: int) -> ByShare:
    """Counted over rows of `clocks` clocks; `remaining` is NaN of one that has not stopped."""
    group = _groups(used)
    overall = float(happened.mean())
    found = [happened[group == number] for number in range(len(SHARES))]
    timed = [remaining[(group == number) & ~np.isnan(remaining)] for number in range(len(SHARES))]
    return ByShare(
        clocks=clocks,
        rows=tuple(len(part) for part in found),
        broke=tuple((float(part.sum()) + _WEIGHT_OF_ALL * overall) / (len(part) + _WEIGHT_OF_ALL) for part in found),
        left=tuple(_left(timed, number) for number in range(len(SHARES))),
    )


def _left(timed: Sequence[Floats], number: int) -> tuple[float, ...]:
    """p10, p50 and p90 of the share at `number`, with as many of the shares on either side as it takes; NaN where all together are too few."""
    for width in range(len(timed)):
        near = np.concatenate(timed[max(number - width, 0) : number + width + 1])
        if len(near) >= _MIN_ROWS:
            return tuple(float(each) for each in np.quantile(near, _QUANTILES))
    return (np.nan,) * len(_QUANTILES)
