"""Random streams to draw jobs from, drawn once and given to every plan that is compared (common random numbers).

Belongs here: arrivals by step and works, from a generator that the caller seeds. Does not belong here: what the rates are.

One stream for arrivals and one for works (`streams`), so that a plan that changes the works still sees the same arrivals.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from opsla_dagster.queueing.jobs import Floats


def streams(seed: int, count: int) -> list[np.random.Generator]:
    """`count` generators that are independent of each other and always the same for a seed."""
    return [np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(count)]


def arrivals(
    generator: np.random.Generator, from_seconds: npt.ArrayLike, step_seconds: float, expected: npt.ArrayLike, overdispersion: float = 0.0
) -> Floats:
    """Arrivals in ascending order: in each step of `step_seconds` a number with mean `expected`, anywhere within it.

    `overdispersion` 0: Poisson. Above 0 the rate of each step is itself drawn (gamma, mean `expected`), so that the number's variance is
    expected + overdispersion x expected squared (negative binomial), as busy days come.
    """
    begins = np.atleast_1d(np.asarray(from_seconds, dtype=np.float64))
    rates = np.broadcast_to(np.asarray(expected, dtype=np.float64), begins.shape)
    if overdispersion > 0:
        rates = rates * generator.gamma(1.0 / overdispersion, overdispersion, begins.shape)
    numbers = generator.poisson(rates)
    return np.sort(np.repeat(begins, numbers) + generator.random(int(numbers.sum())) * step_seconds)


def works(generator: np.random.Generator, mean_seconds: npt.ArrayLike, variation: float) -> Floats:
    """One work a job, lognormal with the mean given for it; `variation`: standard deviation / mean (0: always the mean)."""
    means = np.asarray(mean_seconds, dtype=np.float64)
    spread = np.sqrt(np.log1p(variation**2))
    drawn: Floats = means * np.exp(spread * generator.standard_normal(means.shape) - spread**2 / 2.0)
    return drawn
