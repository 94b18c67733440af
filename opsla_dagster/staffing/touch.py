"""What a case takes a head, as far as the waits of a log tell it, and how long cases take though a head is free.

Belongs here: fitting the touch time to the days of some weeks. Does not belong here: touch times that somebody measured or wrote down (inputs.py).

A log without measured times tells two things. **At most**: in its leanest week the desk finished a case with so many minutes of staff; nobody who
needs more could have done that. **From waits**: were heads the reason for waits, more cases would be late on days with more work per head. The
touch time is the one with which the queue explains the days best, if it does so beyond chance; if it does not, waits in this log do not come from
too few heads, and it tells no touch time but the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from opsla_dagster.queueing.jobs import Floats, Ints, jobs, pool
from opsla_dagster.queueing.policies import earliest_due_date
from opsla_dagster.queueing.simulation import simulate
from opsla_dagster.staffing.desk_log import Clocks, DeskLog
from opsla_dagster.staffing.made_from import MOST_SERVED
from opsla_dagster.staffing.outcome import AT_ONCE, PARTS_OF_TARGET, OwnDelays, workload_starts

#: Touch times that are tried, from the largest down, each so much of the one before.
_GRID_RATIO, _GRID_STEPS, _COARSE = 0.97, 60, 4
#: A fit must leave so much less unexplained than chance would (F of one parameter, about 1 in 1,000).
_FEWEST_F = 11.0
#: A case that waits no longer found a free head.
_AT_ONCE_SECONDS = 1.0
_FEWEST_CASES, _FEWEST_DAYS, _FEWEST_A_DAY = 30, 15, 5
#: Of more cases than MOST_SERVED, which are served by the event loop for every touch time that is tried, so many are followed.
_MOST_FOLLOWED = 20_000
#: Clocks that a fit looks at: every so many of more.
_MOST_FITTED = 6_000


@dataclass(frozen=True)
class Fit:
    """What some weeks tell. `touch_seconds` is 0 where their waits do not come from too few heads. `own`: while open, and of cases of closed hours.

    `allowed`: the shortest and the longest touch time with which a queue explains the days no worse than the best account does, beyond chance; the
    shortest is 0 where "heads do not matter" is such an account. None where there are too few days.
    """

    touch_seconds: float
    own: tuple[OwnDelays, OwnDelays]
    #: Of both kinds of cases together; None where too few of them found a free head and ended.
    all_own: OwnDelays | None = None
    allowed: tuple[float, float] | None = None


@dataclass
class Waits:
    """How long each case of a log would have waited for a head, by touch time, with the heads that there were. Computed when asked for."""

    log: DeskLog
    touch_seconds: Floats
    _found: dict[int, Floats] = field(default_factory=dict)

    @staticmethod
    def of(log: DeskLog) -> Waits:
        """The grid begins at the most that any week allows."""
        most = max((bound for bound in weekly_bounds(log).tolist() if np.isfinite(bound)), default=0.0)
        grid = most * np.power(_GRID_RATIO, np.arange(_GRID_STEPS, dtype=np.float64)) if most > 0 else np.zeros(0)
        return Waits(log, np.asarray(grid, dtype=np.float64))

    def nearest(self, touch_seconds: float) -> Floats:
        """Seconds each case waits with the touch time of the grid that is nearest; 0 for all where it is 0."""
        return self.at(int(np.argmin(np.abs(self.touch_seconds - touch_seconds))) if touch_seconds > 0 else -1)

    def at(self, number: int) -> Floats:
        """Seconds each case waits with touch_seconds[number]; 0 for all with -1."""
        if number < 0:
            return np.zeros(len(self.log.arrival_seconds))
        if number not in self._found:
            longer = [known for known in self._found if known < number]
            # With less work nobody waits longer, so where nobody waits there is nothing to compute.
            if longer and not self._found[max(longer)].any():
                self._found[number] = self._found[max(longer)]
            else:
                self._found[number] = waits(self.log, float(self.touch_seconds[number]))
        return self._found[number]


def weekly_bounds(log: DeskLog) -> Floats:
    """Staffed seconds per finished case, by week; NaN where staff or cases are missing, or dates of the week are not loaded."""
    staffed = np.array([log.staff.seconds_of(np.array([week])) for week in range(log.weeks)])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where((staffed > 0) & (log.ended_cases > 0) & log.is_loaded, staffed / log.ended_cases, np.nan))


def waits(log: DeskLog, touch_seconds: float) -> Floats:
    """How long each case waits for a head with the heads of the log, earliest due date first; infinite where no head comes to it."""
    heads = np.nan_to_num(log.staff.heads)
    # A log does not tell which case took long: works drawn at random would only blur the days.
    work = np.full(len(log.arrival_seconds), touch_seconds)
    if len(work) > MOST_SERVED:
        # Of very many every so many are followed, with the work of all; those between them wait what lies between.
        firsts = np.arange(0, len(work), -(-len(work) // _MOST_FOLLOWED))
        followed = log.arrival_seconds[firsts]
        waited = workload_starts(followed, np.add.reduceat(work, firsts), log.staff.begins, heads, touch_seconds) - followed
        start = log.arrival_seconds + np.interp(np.arange(len(work)), firsts, waited)
    else:
        due = jobs(log.arrival_seconds, work, target_seconds=_least_target(log))
        start = simulate(due, pool(np.round(heads), log.staff.begins), earliest_due_date(due)).start_seconds
    waited = start - log.arrival_seconds
    return np.asarray(np.where(waited < _AT_ONCE_SECONDS, 0.0, waited))


def _least_target(log: DeskLog) -> Floats:
    """The target of each case that it reaches first; infinite where nothing is promised."""
    least = np.full(len(log.arrival_seconds), np.inf)
    for clocks in log.clocks.values():
        np.minimum.at(least, clocks.case, clocks.target_seconds)
    return least


def fit(waits_of: Waits, clocks: Clocks, weeks: Sequence[int], *, with_allowed: bool = False) -> Fit:
    """The touch time that explains the days of these weeks best, by the clocks of one metric; `with_allowed` those that the days allow as well."""
    log = waits_of.log
    chosen = np.flatnonzero(np.isin(log.week[clocks.case], list(weeks)))
    chosen = chosen[:: -(-len(chosen) // _MOST_FITTED) or 1]
    days = _Days.of(log, clocks, chosen)
    without, own_without = _unexplained(waits_of, -1, clocks, chosen, days)
    if not len(waits_of.touch_seconds) or days.count < _FEWEST_DAYS:
        return Fit(0.0, own_without)
    tried: dict[int, tuple[float, tuple[OwnDelays, OwnDelays]]] = {}

    def unexplained(number: int) -> float:
        if number not in tried:
            tried[number] = _unexplained(waits_of, number, clocks, chosen, days)
        return tried[number][0]

    best = min(range(0, _GRID_STEPS, _COARSE), key=lambda number: (unexplained(number), -number))
    near = range(max(0, best - _COARSE + 1), min(_GRID_STEPS, best + _COARSE))
    best = min(near, key=lambda number: (unexplained(number), -number))
    left = unexplained(best)
    # No account is better than chance lets it be: shares of days differ from what they are the mean of.
    beyond_chance = max(min(left, without), days.chance) * _FEWEST_F / max(days.count - 2, 1)
    allowed = _allowed(waits_of.touch_seconds, unexplained, without, min(left, without) + beyond_chance, best) if with_allowed else None
    if without - left < beyond_chance:
        return Fit(0.0, own_without, allowed=allowed)
    return Fit(float(waits_of.touch_seconds[best]), tried[best][1], allowed=allowed)


def _allowed(touch_seconds: Floats, unexplained: Callable[[int], float], without: float, most: float, best: int) -> tuple[float, float]:
    """The shortest and the longest touch time of the grid that leave no more than `most` unexplained; see Fit."""
    enough = most + 1e-9
    inside = [number for number in sorted({*range(0, _GRID_STEPS, _COARSE), best}) if unexplained(number) <= enough]
    if not inside:  # shorter ones than the shortest of the grid were not tried
        return 0.0, float(touch_seconds[-1])
    longest = next(number for number in range(max(0, inside[0] - _COARSE + 1), inside[0] + 1) if unexplained(number) <= enough)
    if without <= enough:
        return 0.0, float(touch_seconds[longest])
    shortest = next(number for number in range(min(_GRID_STEPS - 1, inside[-1] + _COARSE - 1), inside[-1] - 1, -1) if unexplained(number) <= enough)
    return float(touch_seconds[shortest]), float(touch_seconds[longest])


@dataclass(frozen=True)
class _Days:
    """The days on which clocks began: which of them each clock is of, how many clocks, and the share that was kept."""

    number: Ints
    clocks: Floats
    kept: Floats
    weight: Floats
    count: int
    #: What an account that is right leaves unexplained by chance alone.
    chance: float

    @staticmethod
    def of(log: DeskLog, clocks: Clocks, chosen: Ints) -> _Days:
        _, number = np.unique(log.day[clocks.case[chosen]], return_inverse=True)
        many = np.bincount(number).astype(np.float64)
        kept = np.bincount(number, clocks.is_met[chosen]) / np.maximum(many, 1)
        is_large = many >= _FEWEST_A_DAY
        share = (kept * many + 0.5) / (many + 1)
        chance = float((share * (1 - share))[is_large].sum())
        return _Days(np.asarray(number, dtype=np.int64), many, kept, np.where(is_large, many, 0.0), int(is_large.sum()), chance)


def _unexplained(waits_of: Waits, number: int, clocks: Clocks, chosen: Ints, days: _Days) -> tuple[float, tuple[OwnDelays, OwnDelays]]:
    """Squares that the days' shares lie off, each by its clocks, and the delays of those that found a free head."""
    waited = waits_of.at(number)[clocks.case[chosen]]
    own = own_delays(waits_of.log, clocks, chosen, waited)
    predicted = predict(waits_of.log, clocks, chosen, waited, own)
    share = np.bincount(days.number, predicted, len(days.clocks)) / np.maximum(days.clocks, 1)
    return float((days.weight * (share - days.kept) ** 2).sum()), own


def own_delays(log: DeskLog, clocks: Clocks, chosen: Ints, waited: Floats) -> tuple[OwnDelays, OwnDelays]:
    """Of the clocks that found a free head: those of open hours, and of closed ones; of all where one kind has too few, none at all without any."""
    found_free = (waited <= 0) & (clocks.elapsed_seconds[chosen] >= 0)
    share = clocks.elapsed_seconds[chosen] / clocks.target_seconds[chosen]
    is_closed = log.is_closed[clocks.case[chosen]]
    everybody = _within(share[found_free]) or AT_ONCE
    return _within(share[found_free & ~is_closed]) or everybody, _within(share[found_free & is_closed]) or everybody


def _within(share: Floats) -> OwnDelays | None:
    """Of shares of the target that cases took; None where they are too few."""
    if len(share) < _FEWEST_CASES:
        return None
    q0, q1, q2, q3, q4 = (float(np.mean(share <= part)) for part in PARTS_OF_TARGET)
    return OwnDelays((q0, q1, q2, q3, q4))


def fit_of(waits_of: Waits, clocks: Clocks, weeks: Sequence[int], guided: Fit) -> Fit:
    """The delays of the clocks of one metric that found a free head, with the touch time that those of another told."""
    log = waits_of.log
    chosen = np.flatnonzero(np.isin(log.week[clocks.case], list(weeks)))
    waited = waits_of.nearest(guided.touch_seconds)[clocks.case[chosen]]
    free = chosen[(waited <= 0) & (clocks.elapsed_seconds[chosen] >= 0)]
    everything = _within(clocks.elapsed_seconds[free] / clocks.target_seconds[free])
    return Fit(guided.touch_seconds, own_delays(log, clocks, chosen, waited), everything, guided.allowed)


def predict(log: DeskLog, clocks: Clocks, chosen: Ints, waited: Floats, own: tuple[OwnDelays, OwnDelays]) -> Floats:
    """P(kept) of each clock: its wait for a head, and then what cases take that found a free one."""
    left = 1.0 - np.where(np.isfinite(waited), waited, np.inf) / clocks.target_seconds[chosen]
    left = np.where(np.isfinite(left), left, -1.0)
    return np.where(log.is_closed[clocks.case[chosen]], own[1].share_done(left), own[0].share_done(left))
