"""A daily refresh with ten times the history behind it.

Two homes end at the same date and hold the same cases of each date; one begins 180 days before it, the other 1,800. Then
both live through the same days: planning, the runs, publishing, the reports, as `opsla refresh` does it. What a refresh
makes anew is the same in both, so whatever takes longer is what grows with history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from benchmarks.desk import desk_settings
from benchmarks.measure import NOTHING, Asked, Cost, Figure, compared, cost_of, taking_turns
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.reporting.record import write_reports
from opsla_dagster.running import run_windows
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.window import ONE_DAY, Window

ASKED = Asked(at_most=1.5)
#: Of the day: after the local midnight of the desk, when the schedule runs.
REFRESHED_AT = time(6)


@dataclass(frozen=True)
class HistoryScale:
    """`cases` in the simulation's 180 days fix the daily volume; `refreshes` daily refreshes follow the history."""

    cases: int
    short_days: int
    long_days: int
    refreshes: int


FULL = HistoryScale(cases=300_000, short_days=180, long_days=1_800, refreshes=3)
QUICK = HistoryScale(cases=1_000, short_days=3, long_days=10, refreshes=1)


def measure(place: Path, *, quick: bool) -> list[Figure]:
    scale = QUICK if quick else FULL
    short, long = (desk_settings(place / name, scale.cases) for name in ("short", "long"))
    end = short.sources.desk.start_date + timedelta(days=scale.long_days)
    for settings, days in ((short, scale.short_days), (long, scale.long_days)):
        _run(settings, [Window(end - timedelta(days=days), end)], datetime.combine(end, REFRESHED_AT))
    whole = [NOTHING, NOTHING]
    refreshed = 0
    for number in range(1, scale.refreshes + 1):
        as_of_at = datetime.combine(end + number * ONE_DAY, REFRESHED_AT)
        refreshed += sum(window.days for window in refresh_windows(short, build_desk(short), as_of_at))
        for home, settings in enumerate((short, long)):
            whole[home] += _refresh(settings, as_of_at)
    yesterday = Window(end, end + ONE_DAY)
    one = taking_turns(
        3,
        lambda: _run(short, [yesterday], datetime.combine(yesterday.end, REFRESHED_AT)),
        lambda: _run(long, [yesterday], datetime.combine(yesterday.end, REFRESHED_AT)),
    )
    history, than = f"{scale.long_days:,} days of history", f"{scale.short_days:,} days"
    return [
        compared(
            f"{scale.refreshes} daily refreshes ({refreshed / scale.refreshes:.0f} intake dates each), {history}",
            whole[1], than, whole[0], ASKED,
        ),
        compared(f"one intake date again, {history}", one[1], than, one[0], ASKED),
    ]


def _refresh(settings: Settings, as_of_at: datetime) -> Cost:
    return cost_of(lambda: _run(settings, refresh_windows(settings, build_desk(settings), as_of_at), as_of_at))


def _run(settings: Settings, windows: Sequence[Window], as_of_at: datetime) -> None:
    with open_instance(settings.home.root) as instance:
        finished = run_windows(settings, instance, windows, as_of_at, lambda _table, _rows: None, is_refresh=True)
        if not finished.succeeded:
            raise OpslaError(f"a run that was to be measured failed: {finished.error}")
        write_reports(instance, finished.run_ids, settings, command="make bench")
