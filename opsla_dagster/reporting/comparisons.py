"""The ways in which a source's verdict compares with our clock, in words.

Belongs here: the words. Does not belong here: comparing (sql/staging/agreement/source_clock_comparison.sql).
"""

from __future__ import annotations

from opsla_dagster.reporting import wording

#: Each way of comparing, from the best: what it is, and where the difference comes from.
WAYS = {
    "agrees": ("agrees", "The same verdict and, where the source gives a time, the same time to the second."),
    "whole_minutes": ("less than a minute apart", "The same verdict; the source counts whole minutes, opsla seconds."),
    "time_differs": (
        "another time",
        "The same verdict, but the times are a minute or more apart: another schedule, another start or stop, or a pause that only one of them has.",
    ),
    "verdict_differs": (
        "another verdict",
        "One says met, the other breached. Look first at the target, the schedule and the event that stopped the clock.",
    ),
    "still_running": (
        "still open",
        "The source has judged a clock that has not stopped yet for opsla: an open clock is judged anew by each run (mart.open_clocks).",
    ),
    "unknown": ("no verdict of opsla", "Opsla’s clock ended without its stop signal, or lies beyond the calendar: there is no verdict to compare."),
    "no_clock": ("no clock of opsla", "The source judged a clock that opsla does not have: no promise that opsla knows covers it, or the clock never started."),
    "nothing_compared": ("nothing compared", "The source gives no verdict here and no time on the same calendar, so whether the two agree is unknown."),
}


def way(comparison: str) -> tuple[str, str]:
    """What it is, and where the difference comes from; of one that has no words yet, its name."""
    return WAYS.get(comparison, (wording.name(comparison), ""))
