"""What ownership adds to a run, and to a refresh of one date: its tables with their checks, beside all other tables with theirs.

Its tables are the spans and stints of who held a case, which took the place of a table of owners that clocks and backlog need as well, those that
rest on them, and links between cases. Dagster, publishing and the report are left out on both sides: they would make the share smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks.desk import LINES, Scale, bare, desk_settings, settled_at, window_of
from benchmarks.measure import NOTHING, Asked, Figure, compared, cost_of
from opsla_dagster.assets.factory import TableAsset, make_table
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import Kind
from opsla_dagster.settings import Settings
from opsla_dagster.window import Window

FULL = Scale(cases=300_000, days=180, rounds=3)
QUICK = Scale(cases=20_000, days=2, rounds=1)
ASKED = Asked(at_most=0.2)
_BESIDE_THE_AREAS = ("staging.ownership_rules", "staging.ownership_spans", "staging.ownership_stints", "staging.ownership_contradictions")


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
    """Makes the windows one after the other."""
    own, other = NOTHING, NOTHING
    for window in windows:
        with bare(settings, window, settled_at(window)) as scope:
            for line in LINES:
                cost = cost_of(lambda line=line, scope=scope: _make(line, scope))  # type: ignore[misc]
                own, other = (own + cost, other) if _is_own(line) else (own, other + cost)
    return compared(f"ownership, {what}", own, "all other tables", other, ASKED)


def _is_own(line: TableAsset) -> bool:
    return line.name in _BESIDE_THE_AREAS or line.area.name in ("ownership", "links")


def _make(line: TableAsset, scope: Scope) -> int:
    return make_table(line, replace(scope, run_dates=scope.dates, dates=scope.dates if line.table.kind is Kind.PARTITIONED else None), [])
