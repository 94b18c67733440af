"""The ways in which a source's verdict compares with our clock, in words.

Belongs here: the words. Does not belong here: comparing (sql/staging/agreement/source_clock_comparison.sql).
"""

from __future__ import annotations

from opsla_dagster.reporting import wording

#: Each way of comparing, from the best: what it is, and where the difference comes from.
WAYS = {
    "agrees": ("agrees", "The same verdict, and the same time to the second where the source tells one."),
    "whole_minutes": ("less than a minute apart", "The same verdict; the source counts whole minutes, opsla seconds."),
    "time_differs": (
        "another time",
        "The same verdict, but the times are a minute or more apart: another schedule, another start or stop, or a pause that only one of the two knows.",
    ),
    "verdict_differs": (
        "another verdict",
        "One says kept, the other broken. Look first at the target, the schedule and the event that stopped the clock.",
    ),
    "still_running": (
        "still running",
        "The source has judged what for opsla has not stopped yet: a running clock is judged at each look (mart.open_clocks).",
    ),
    "unknown": ("no verdict of opsla", "Opsla’s clock ended without what would have stopped it, or lies beyond the calendar: no verdict to compare."),
    "no_clock": ("no clock of opsla", "The source judged what opsla has no clock of: nothing that it knows was promised of it, or it never started."),
    "nothing_compared": ("nothing compared", "The source tells no verdict here, and no time of the same hours: nothing says whether the two agree."),
}


def way(comparison: str) -> tuple[str, str]:
    """What it is, and where the difference comes from; of one that has no words yet, its name."""
    return WAYS.get(comparison, (wording.name(comparison), ""))
