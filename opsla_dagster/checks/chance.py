"""How often chance alone shows so much: tails of the binomial distribution.

Belongs here: the arithmetic. Does not belong here: what is judged by it (gates.py).
"""

from __future__ import annotations

from math import exp, lgamma, log

#: Terms of a tail that no longer change its sum.
_NEGLIGIBLE = 1e-12


def chance_of_at_least(hits: int, rows: int, share: float) -> float:
    """The probability of `hits` or more among `rows`, each a hit with probability `share` (0 < share < 1)."""
    if hits <= 0:
        return 1.0
    if hits <= rows * share:  # the terms of the other tail are the ones that get smaller
        return 1.0 - chance_of_at_most(hits - 1, rows, share)
    total = 0.0
    for count in range(hits, rows + 1):
        term = _exactly(count, rows, share)
        total += term
        if term < _NEGLIGIBLE * total or total == 0.0:
            break
    return min(total, 1.0)


def chance_of_at_most(hits: int, rows: int, share: float) -> float:
    """The probability of `hits` or fewer among `rows`, each a hit with probability `share` (0 < share < 1)."""
    return chance_of_at_least(rows - hits, rows, 1.0 - share)


def _exactly(hits: int, rows: int, share: float) -> float:
    ways = lgamma(rows + 1) - lgamma(hits + 1) - lgamma(rows - hits + 1)
    return exp(ways + hits * log(share) + (rows - hits) * log(1.0 - share))
