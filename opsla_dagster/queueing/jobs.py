"""What a simulation is given and what it answers.

Belongs here: jobs, pools of heads, what was served, and the refusal of input that has no meaning. Does not belong here: simulating.

All arrays of one `Jobs` or `Served` have one entry a job, in the caller's order. Instants are business seconds since the caller's origin and
may be negative: a case that was open at the start came before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Jobs:
    """Work to be done, one entry a job; `jobs` makes one and checks it.

    `arrival_seconds`: when it comes. `work_seconds`: what it takes one head, known to the simulation and to no policy.
    `expected_work_seconds`: what a policy may know of that. `due_seconds`: when it is due, infinite where nothing is promised.
    `target_seconds`: how long it was promised to take (lateness is measured in it). `weight`: what a breach costs. `queue`: its line, from 0.
    """

    arrival_seconds: Floats
    work_seconds: Floats
    expected_work_seconds: Floats
    due_seconds: Floats
    target_seconds: Floats
    weight: Floats
    queue: Ints

    def __len__(self) -> int:
        return len(self.arrival_seconds)


def jobs(
    arrival_seconds: npt.ArrayLike,
    work_seconds: npt.ArrayLike,
    *,
    target_seconds: npt.ArrayLike = np.inf,
    due_seconds: npt.ArrayLike | None = None,
    expected_work_seconds: npt.ArrayLike | None = None,
    weight: npt.ArrayLike = 1.0,
    queue: npt.ArrayLike = 0,
) -> Jobs:
    """Jobs of arrays with one entry a job, or one number for all of them.

    Without `due_seconds` a job is due its target after it came. Without `expected_work_seconds` a policy knows what the work takes.
    Raises ValueError where lengths differ or a number has no meaning.
    """
    arrival = _floats(arrival_seconds)
    count = arrival.shape
    work, target = _filled(work_seconds, count, "work_seconds"), _filled(target_seconds, count, "target_seconds")
    made = Jobs(
        arrival_seconds=arrival,
        work_seconds=work,
        expected_work_seconds=work if expected_work_seconds is None else _filled(expected_work_seconds, count, "expected_work_seconds"),
        due_seconds=arrival + target if due_seconds is None else _filled(due_seconds, count, "due_seconds"),
        target_seconds=target,
        weight=_filled(weight, count, "weight"),
        queue=_filled(queue, count, "queue").astype(np.int64),
    )
    _refuse("arrival_seconds", made.arrival_seconds, ~np.isfinite(made.arrival_seconds), "a finite instant")
    for name in ("work_seconds", "expected_work_seconds"):
        _refuse(name, numbers := getattr(made, name), ~(np.isfinite(numbers) & (numbers >= 0)), "a finite number, 0 or more")
    _refuse("target_seconds", made.target_seconds, ~(made.target_seconds >= 0), "0 or more")
    _refuse("due_seconds", made.due_seconds, np.isnan(made.due_seconds), "an instant, or infinity where nothing is promised")
    _refuse("weight", made.weight, ~(np.isfinite(made.weight) & (made.weight >= 0)), "a finite number, 0 or more")
    _refuse("queue", made.queue, made.queue < 0, "0 or more")
    return made


@dataclass(frozen=True)
class Pool:
    """Heads that serve the same queues: `heads[i]` of them from `from_seconds[i]` until the next step, the last for ever, none before the first.

    A head of several queues takes its next job from any of them; that is how a head is shared between queues.
    """

    from_seconds: Floats
    heads: Ints
    queues: tuple[int, ...] = (0,)


def pool(heads: npt.ArrayLike, from_seconds: npt.ArrayLike = 0.0, queues: Sequence[int] = (0,)) -> Pool:
    """A pool of whole heads. Raises ValueError on steps that are not ascending, heads that are not whole, and a pool without queues.

    Fractional heads are made whole by `in_whole_heads`.
    """
    count, steps = np.atleast_1d(_floats(heads)), np.atleast_1d(_floats(from_seconds))
    if count.shape != steps.shape or not len(count):
        raise ValueError(f"heads and from_seconds: one entry a step each, found {count.shape} and {steps.shape}")
    _refuse("heads", count, ~(np.isfinite(count) & (count >= 0) & (count == np.floor(count))), "a whole number, 0 or more (in_whole_heads makes them)")
    _refuse("from_seconds", steps, ~np.isfinite(steps), "a finite instant")
    if (np.diff(steps) <= 0).any():
        raise ValueError("from_seconds: each step begins after the one before it")
    if not queues or min(queues) < 0:
        raise ValueError(f"queues: at least one, from 0; found {tuple(queues)}")
    return Pool(steps, count.astype(np.int64), tuple(sorted(set(queues))))


def in_whole_heads(heads: npt.ArrayLike, from_seconds: npt.ArrayLike, until_seconds: float, slice_seconds: float = 900.0) -> tuple[Ints, Floats]:
    """Fractional heads as whole ones in slices of at most `slice_seconds`, with the same head-seconds; then nobody from `until_seconds` on.

    Half a head is a head that is there every other slice: what is left of a fraction is carried to the next slice, so the whole heads never lag
    or lead the fractional ones by a head and a slice. Returns heads and the instants they begin, as `pool` takes them.
    """
    fractions, steps = np.atleast_1d(_floats(heads)), np.atleast_1d(_floats(from_seconds))
    _refuse("heads", fractions, ~(np.isfinite(fractions) & (fractions >= 0)), "a finite number, 0 or more")
    ends = np.append(steps[1:], until_seconds)
    if (ends <= steps).any() or slice_seconds <= 0:
        raise ValueError("from_seconds: ascending and before until_seconds, in slices of more than 0 seconds")
    slices = np.ceil((ends - steps) / slice_seconds).astype(np.int64)
    length = np.repeat((ends - steps) / slices, slices)
    begin = np.repeat(steps, slices) + length * (np.arange(slices.sum()) - np.repeat(np.cumsum(slices) - slices, slices))
    return _carried(np.repeat(fractions, slices), length), np.append(begin, until_seconds)


def _carried(fractions: Floats, length: Floats) -> Ints:
    """Whole heads a slice, then 0; what rounding took or gave is carried in head-seconds."""
    whole, owed = np.zeros(len(fractions) + 1, dtype=np.int64), 0.0
    for number, (fraction, seconds) in enumerate(zip(fractions.tolist(), length.tolist(), strict=True)):
        owed += fraction * seconds
        # A shade above a whole number is that number: sums of fractions are not exact.
        whole[number] = max(0, int(owed / seconds + 1e-9))
        owed -= float(whole[number]) * seconds
    return whole


@dataclass(frozen=True)
class Served:
    """What became of each job: `start_seconds` it was first begun, `finish_seconds` it was done, infinite where the heads never came to it."""

    start_seconds: Floats
    finish_seconds: Floats
    wait_seconds: Floats

    def is_kept(self, jobs: Jobs) -> Bools:
        """Done when due or before. `served.is_kept(jobs).mean()` is the attainment."""
        return self.finish_seconds <= jobs.due_seconds


def _floats(numbers: npt.ArrayLike) -> Floats:
    return np.asarray(numbers, dtype=np.float64)


def _filled(numbers: npt.ArrayLike, shape: tuple[int, ...], name: str) -> Floats:
    """One entry a job, whether one number was given or many."""
    given = _floats(numbers)
    if given.ndim and given.shape != shape:
        raise ValueError(f"{name}: one entry a job, found {given.shape} for {shape} jobs")
    return np.broadcast_to(given, shape).copy()


def _refuse(name: str, numbers: npt.NDArray[np.generic], is_wrong: Bools, expected: str) -> None:
    if is_wrong.any():
        first = int(np.flatnonzero(is_wrong)[0])
        raise ValueError(f"{name}[{first}]: {numbers[first]} found, {expected} expected")
