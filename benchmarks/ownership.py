"""What ownership adds to a run, and to a refresh of one date: the seconds of its steps, checks included, beside those of all others.

Its steps are the spans and stints of who held a case, which took the place of a table of owners that clocks and backlog need as well, the
tables that rest on them, and links between cases. The published copy is one step of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.desk import Scale, desk_settings, settled_at, window_of
from benchmarks.measure import Asked, Figure
from opsla_dagster.assets.graph import TABLE_ASSETS
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.running import run_windows
from opsla_dagster.settings import Settings
from opsla_dagster.window import Window

FULL = Scale(cases=300_000, days=180, rounds=3)
QUICK = Scale(cases=20_000, days=2, rounds=1)
ASKED = Asked(at_most=0.2)
_BESIDE_THE_AREAS = ("staging.ownership_rules", "staging.ownership_spans", "staging.ownership_stints", "staging.ownership_contradictions")
#: The steps of ownership, by the names of their tables.
_STEPS = {"__".join(line.table.asset_key) for line in TABLE_ASSETS.values() if line.name in _BESIDE_THE_AREAS or line.area.name in ("ownership", "links")}


def measure(place: Path, *, quick: bool) -> list[Figure]:
    scale = QUICK if quick else FULL
    settings = desk_settings(place / "desk", scale.cases)
    window = window_of(settings, scale.days)
    last_date = Window(window.end - timedelta(days=1), window.end)
    return [
        _share(f"{scale.days} intake dates", settings, [window]),
        _share(f"one intake date again, runs: {scale.rounds}", settings, [last_date] * scale.rounds),
    ]


def _share(what: str, settings: Settings, windows: Sequence[Window]) -> Figure:
    """Runs the windows one after the other."""
    with open_instance(settings.home.root) as instance:
        before = {run.run_id for run in instance.get_runs()}
        for window in windows:
            finished = run_windows(settings, instance, [window], settled_at(window), lambda _table, _rows: None, is_refresh=False)
            if not finished.succeeded:
                raise OpslaError(f"the run that was to be measured failed: {finished.error}")
        own = other = 0.0
        for run in instance.get_runs():
            for step in instance.get_run_step_stats(run.run_id) if run.run_id not in before else ():
                seconds = (step.end_time or 0.0) - (step.start_time or 0.0)
                own, other = (own + seconds, other) if step.step_key in _STEPS else (own, other + seconds)
    return Figure(f"ownership, {what}", own, "s", "all other steps", other, own / other, asked=ASKED)
