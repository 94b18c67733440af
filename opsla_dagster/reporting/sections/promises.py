"""Promises: every policy and metric with its title, and how its clocks stand.

Belongs here: this one section, which is there for every desk. Does not belong here: what it looks like (templates/promises.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.run_summary import Headline, PromiseFigures
from opsla_dagster.reporting.sections.common import Section

#: How a clock can stand, from the best: (count of a promise, colour of its share, words).
STANDS = (
    ("met_clocks", "met", "met"),
    ("breached_clocks", "past", "breached"),
    ("open_breached_clocks", "open", "open past target"),
    ("running_clocks", "later", "running"),
    ("unknown_clocks", "unknown", "unknown"),
)


def promises(headline: Headline) -> Section:
    """Every promise beside its clocks."""
    section = partial(Section, key="promises", title="Promises", tables=("mart.sla_overview",))
    if not headline.promises:
        return section(finding="Nothing is promised: sla_policies.yml has no policy.")
    return section(
        finding=_finding(headline),
        how_to_read=f"Bars: all clocks of a promise by how they stand. Open clocks are judged as of {wording.instant(headline.as_of_at)}.",
        definition=(
            "Kept % = met / (met + breached + open past target). A clock that runs within its target, or of which nothing can be "
            "known, is in no percentage. A case can have several clocks, or none."
        ),
        data={
            "stands": [(css, words) for _, css, words in STANDS],
            "rows": [_row(promise, shows_policy=headline.has_several_policies()) for promise in headline.promises],
        },
    )


def _finding(headline: Headline) -> str:
    worst = headline.worst_promise()
    if worst is None:
        return "No clock of any promise has a verdict yet."
    if not worst.broken_clocks:
        return "Every promise was kept."
    whose = f" of {worst.policy_title}" if headline.has_several_policies() else ""
    least = "was kept in" if len(headline.promises) == 1 else "was kept least often: in"
    return (
        f"“{worst.title}”{whose} {least} {wording.percent(worst.kept_pct, 1)} of the "
        f"{wording.counted(worst.judged_clocks, 'clock')} with a verdict."
    )


def _row(promise: PromiseFigures, *, shows_policy: bool) -> Mapping[str, Any]:
    counts = {column: getattr(promise, column) for column, _, _ in STANDS}
    return {
        "title": promise.title,
        "detail": ", ".join(filter(None, (promise.policy_title if shows_policy else "", _target(promise)))),
        "kept": wording.percent(promise.kept_pct),
        "parts": [(css, counts[column]) for column, css, _ in STANDS if counts[column]],
        "figures": [(words, wording.count(counts[column])) for column, _, words in STANDS],
    }


def _target(promise: PromiseFigures) -> str:
    return f"target {promise.target}" if promise.target else "targets of the source"
