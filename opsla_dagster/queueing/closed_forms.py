"""What queueing theory says of queues simple enough for a formula: the witnesses of the simulation, and the figures that people compare with.

Belongs here: M/M/c (Erlang B and C), M/G/1 and M/D/1 (Pollaczek-Khinchine), M/M/c with impatient callers (Erlang A). Does not belong here: advice.

Rates are per second, times in seconds. A queue that cannot keep up has no steady state: everybody waits, and the mean wait is infinite.
Formulas as in W. Whitt, "Engineering solution of a basic call-center model" (2005), and A. Mandelbaum and S. Zeltyn, "The Palm/Erlang-A queue" (2004).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def erlang_b(offered_load: float, heads: int) -> float:
    """P(all heads are busy) where nobody waits; `offered_load` in heads (arrival rate x mean work)."""
    _require_not_negative(offered_load=offered_load, heads=heads)
    blocked = 1.0
    for head in range(1, heads + 1):
        blocked = offered_load * blocked / (head + offered_load * blocked)
    return blocked


def erlang_c(offered_load: float, heads: int) -> float:
    """P(a job waits) in M/M/c; 1 where the heads cannot keep up."""
    if offered_load >= heads:
        return 1.0
    blocked = erlang_b(offered_load, heads)
    return heads * blocked / (heads - offered_load * (1.0 - blocked))


def mmc_wait_within(wait_seconds: float, arrival_rate: float, work_seconds: float, heads: int) -> float:
    """P(wait <= wait_seconds) in M/M/c, first in first out: what "80/20" of a phone desk means; 0 where the heads cannot keep up."""
    spare = heads / work_seconds - arrival_rate
    if spare <= 0:
        return 0.0
    return 1.0 - erlang_c(arrival_rate * work_seconds, heads) * math.exp(-spare * wait_seconds)


def mmc_mean_wait_seconds(arrival_rate: float, work_seconds: float, heads: int) -> float:
    """Of all jobs, those that do not wait included; infinite where the heads cannot keep up."""
    spare = heads / work_seconds - arrival_rate
    return erlang_c(arrival_rate * work_seconds, heads) / spare if spare > 0 else math.inf


def mg1_mean_wait_seconds(arrival_rate: float, work_seconds: float, variation: float) -> float:
    """Pollaczek-Khinchine, one head; `variation`: standard deviation of the work / its mean (0: M/D/1, 1: M/M/1)."""
    _require_not_negative(arrival_rate=arrival_rate, work_seconds=work_seconds, variation=variation)
    load = arrival_rate * work_seconds
    return load * work_seconds * (1.0 + variation**2) / (2.0 * (1.0 - load)) if load < 1 else math.inf


@dataclass(frozen=True)
class ErlangA:
    """M/M/c whose callers hang up after an exponential patience: it has a steady state however many call.

    `waits`: P(not served at once). `abandons`: P(hangs up). `mean_wait_seconds`: of all callers, those that hang up included.
    """

    waits: float
    abandons: float
    mean_wait_seconds: float


def erlang_a(arrival_rate: float, work_seconds: float, patience_seconds: float, heads: int) -> ErlangA:
    """From the steady state of the birth-death chain of callers present. Raises ValueError on rates and times that are not positive."""
    _require_positive(arrival_rate=arrival_rate, work_seconds=work_seconds, patience_seconds=patience_seconds)
    present, share = _callers_present(arrival_rate, work_seconds, patience_seconds, heads)
    waiting = float((np.maximum(present - heads, 0) * share).sum())
    return ErlangA(
        waits=float(share[present >= heads].sum()),
        abandons=waiting / patience_seconds / arrival_rate,
        mean_wait_seconds=waiting / arrival_rate,
    )


def erlang_a_answered_within(wait_seconds: float, arrival_rate: float, work_seconds: float, patience_seconds: float, heads: int) -> float:
    """P(answered after at most wait_seconds) of all callers: those that hang up before count as not answered.

    An infinitely patient caller would wait v seconds with density arrival_rate x P(heads - 1 present) x exp(arrival_rate x patience x
    (1 - exp(-v / patience)) - v x heads / work); a caller is still there after v with probability exp(-v / patience).
    """
    _require_positive(arrival_rate=arrival_rate, work_seconds=work_seconds, patience_seconds=patience_seconds)
    _require_not_negative(wait_seconds=wait_seconds)
    present, share = _callers_present(arrival_rate, work_seconds, patience_seconds, heads)
    at_once = float(share[present < heads].sum())
    if heads == 0 or wait_seconds == 0:
        return at_once
    # Gauss-Legendre on parts short against the fastest rate, from 0 to the wait or to where nobody is left.
    fastest = heads / work_seconds + arrival_rate + 1.0 / patience_seconds
    end = min(wait_seconds, 40.0 * patience_seconds)
    parts = min(20_000, max(1, math.ceil(end * fastest / 4.0)))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    length = end / parts
    waits = (np.arange(parts)[:, None] + (nodes + 1.0) / 2.0) * length
    exponent = -arrival_rate * patience_seconds * np.expm1(-waits / patience_seconds) - waits * heads / work_seconds - waits / patience_seconds
    # The largest exponent is kept out of the exponential: with many heads its terms exceed what a float holds.
    last_free = math.log(float(share[heads - 1])) if share[heads - 1] > 0 else -math.inf
    density = arrival_rate * np.exp(exponent + last_free)
    return at_once + float((density * weights).sum() * length / 2.0)


def _callers_present(
    arrival_rate: float, work_seconds: float, patience_seconds: float, heads: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """How many callers are present, 0 and up, and the share of time that so many are. In logarithms, as factorials overflow."""
    _require_not_negative(heads=heads)
    # Beyond this many the chain falls at every step by more than half; 200 such steps are nothing.
    most = heads + math.ceil(2.0 * arrival_rate * patience_seconds) + 200
    present = np.arange(most + 1)
    leaving = np.minimum(present, heads) / work_seconds + np.maximum(present - heads, 0) / patience_seconds
    logs = np.concatenate(([0.0], np.cumsum(np.log(arrival_rate) - np.log(leaving[1:]))))
    share = np.exp(logs - logs.max())
    return present, share / share.sum()


def _require_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (number > 0 and math.isfinite(number)):
            raise ValueError(f"{name}: {number} found, a finite number above 0 expected")


def _require_not_negative(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (number >= 0 and math.isfinite(number)):
            raise ValueError(f"{name}: {number} found, a finite number, 0 or more, expected")
