"""Scenarios: what would have been, had a lever been pulled.

Belongs here: this one section. Does not belong here: what it looks like (templates/scenarios.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.run_summary import Headline, ScenarioFigures
from opsla_dagster.reporting.sections.common import Axis, Section


def scenarios(headline: Headline) -> Section | None:
    """Breaches and hours of each scenario beside what was; None where no scenario acts on a case."""
    section = partial(Section, key="scenarios", title="Scenarios", tables=("mart.scenario_results",))
    best = headline.best_scenario()
    if best is None:
        return None
    name = headline.sla_names()["sla_a_incl_wait"]
    levels = [level for row in headline.telling_scenarios() for level in _levels(row) if level is not None]
    axis = Axis.up_to(max(levels, default=0.0), "%")
    measures = sorted({wording.name(row.rework_measure) for row in headline.telling_scenarios() if row.rework_measure})
    return section(
        finding=_finding(best, name, headline),
        how_to_read="Ring: the breach percentage as it was; dot: as it would have been (a dot alone: the same). Hours are open time of the calendars.",
        definition=(
            f"Each case is judged again with the levers applied ({name}). Eligible cases are those a lever "
            "acts on: a shorter stage can avoid breaches; avoided rework of reopened cases saves hours, but comes after the first resolution."
            + (f" Rework is measured as: {wording.listed(measures)}." if measures else "")
        ),
        data={"axis": axis, "rows": [_row(row, axis) for row in headline.telling_scenarios()]},
    )


def _finding(best: ScenarioFigures, name: str, headline: Headline) -> str:
    hours = wording.hours_saved(best.hours_saved, headline)
    lever = f"{wording.scenario(best.scenario)} ({best.description.rstrip('.')})"
    if not best.breaches_avoided:
        return f"No scenario would have avoided a breach ({name}); {lever} would have saved {hours}."
    return (
        f"{lever} would have avoided {wording.count(best.breaches_avoided)} of the {wording.count(best.breaches_before)} "
        f"breaches among its cases ({name}), and saved {hours}."
    )


def _levels(row: ScenarioFigures) -> tuple[float | None, float | None]:
    return row.breach_pct_before, row.breach_pct_after


def _row(row: ScenarioFigures, axis: Axis) -> Mapping[str, Any]:
    return {
        "name": wording.scenario(row.scenario),
        "description": row.description,
        "eligible": wording.count(row.eligible_cases),
        "avoided": wording.count(row.breaches_avoided),
        "hours": wording.hours(row.hours_saved),
        "rates": [wording.percent(level) for level in _levels(row)],
        "marks": [None if level is None else axis.place(level) for level in _levels(row)],
    }
