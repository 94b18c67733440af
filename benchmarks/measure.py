"""Measuring: what a piece of work costs, and a figure beside what it is compared with.

Belongs here: stop watches and the row of a result. Does not belong here: any one bench.

Wall time is what a person waits and what is judged; processor time (of all threads) is beside it because it hardly
changes when other programs compute at the same time. Compared works take turns, so that both see the same weather.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What a piece of work took, in seconds; `cpu` adds up the threads."""

    wall: float
    cpu: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu)


NOTHING = Cost(0.0, 0.0)


def cost_of(work: Work) -> Cost:
    """Does the work once, in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def taking_turns(rounds: int, *works: Work) -> list[Cost]:
    """The cheapest of `rounds` turns of each work: what is above it is other programs' doing."""
    costs = [[cost_of(work) for work in works] for _ in range(rounds)]
    return [cheapest([turn[number] for turn in costs]) for number in range(len(works))]


def cheapest(costs: list[Cost]) -> Cost:
    return Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs))


@dataclass(frozen=True)
class Asked:
    """The bound a ratio (or, without one, a figure) is to keep. `at_any_scale`: also judged in a --quick run."""

    at_most: float | None = None
    at_least: float | None = None
    at_any_scale: bool = False

    def __str__(self) -> str:
        return f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"

    def holds(self, value: float) -> bool:
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


@dataclass(frozen=True)
class Figure:
    """One row of the results: a figure, what it is compared with, and the bound it is to keep."""

    what: str
    figure: float
    unit: str
    compared_with: str = ""
    other: float | None = None
    ratio: float | None = None
    cpu_ratio: float | None = None
    asked: Asked | None = None

    def is_met(self, *, quick: bool) -> bool | None:
        """None where nothing is asked, or the scale is too small to judge."""
        if self.asked is None or (quick and not self.asked.at_any_scale):
            return None
        return self.asked.holds(self.figure if self.ratio is None else self.ratio)

    def to_json(self, *, quick: bool) -> dict[str, Any]:
        return {**asdict(self), "asked": str(self.asked) if self.asked else None, "is_met": self.is_met(quick=quick)}


def compared(what: str, cost: Cost, compared_with: str, other: Cost, asked: Asked | None = None) -> Figure:
    """How many times as long `cost` is as `other`."""
    return Figure(
        what, cost.wall, "s", compared_with, other.wall, ratio=cost.wall / other.wall, cpu_ratio=cost.cpu / other.cpu,
        asked=asked,
    )


def alone(what: str, cost: Cost) -> Figure:
    """A cost that is compared with nothing."""
    return Figure(what, cost.wall, "s")
