"""Promises: every policy and metric with its title, and how its clocks stand.

Belongs here: this one section, which is there for every desk. Does not belong here: what it looks like (templates/promises.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.run_summary import Headline, PromiseFigures
from opsla_dagster.reporting.sections.common import MOST_TABLE_ROWS, Section, Table

#: How a clock can stand, from the best: (count of a promise, colour of its share, words).
STANDS = (
    ("met_clocks", "met", "met"),
    ("breached_clocks", "past", "breached"),
    ("open_breached_clocks", "open", "breached, still open"),
    ("running_clocks", "later", "running"),
    ("unknown_clocks", "unknown", "unknown"),
)
#: The columns beside the bars: (count of a promise, words). Breached clocks are one number, as in every other list of promises.
COLUMNS = (
    ("met_clocks", "met"), ("all_breached_clocks", "breached"), ("open_breached_clocks", "of these open"), ("running_clocks", "running"),
    ("unknown_clocks", "unknown"),
)  # fmt: skip
#: Promises drawn one by one; where there are more, those of one metric are drawn together and the table has each.
MOST_PROMISES = 12
DEFINITION = (
    "Attainment = met / (met + breached), breached clocks that are still open included. Clocks running within their target and clocks "
    "whose outcome is unknown are in no percentage. A case can have several clocks, or none."
)


def promises(headline: Headline) -> Section:
    """Every promise beside its clocks."""
    because = ("mart.unknown_clocks",) if wording.unknown_note(headline.promises) else ()
    section = partial(Section, key="promises", title="Promises", tables=("mart.sla_overview", *because))
    if not headline.promises:
        return section(finding="Nothing is promised: sla_policies.yml has no policy.")
    is_crowded = len(headline.promises) > MOST_PROMISES
    drawn = headline.by_metric()[:MOST_PROMISES] if is_crowded else headline.promises
    shows_policy = headline.has_several_policies()
    stands = [stand for stand in STANDS if any(getattr(promise, stand[0]) for promise in headline.promises)]
    return section(
        finding=finding(headline),
        how_to_read=" ".join([
            f"Bars: all clocks of a promise by outcome. Open clocks are judged as of {wording.instant(headline.as_of_at)}.",
            *(["The policies of a metric are drawn together; the table lists each."] if is_crowded else []),
            *wording.promise_notes(headline),
        ]),
        definition=DEFINITION,
        data={
            "stands": [(css, words) for _, css, words in stands],
            "columns": [words for _, words in _columns(stands)],
            "rows": [_row(promise, stands, shows_policy=shows_policy) for promise in drawn],
        },
        table=_table(headline.promises) if is_crowded else None,
    )


def finding(headline: Headline) -> str:
    """The promise that was met least often."""
    worst = headline.worst_promise()
    if worst is None:
        return "No clock of any promise has a verdict yet."
    if not worst.all_breached_clocks:
        return "No clock has breached its target."
    whose = f" of {worst.policy_title}" if headline.has_several_policies() else ""
    least = "was met in" if len(headline.promises) == 1 else "was met least often: in"
    return (
        f"“{worst.title}”{whose} {least} {wording.percent(worst.kept_pct, 1)} of the "
        f"{wording.counted(worst.judged_clocks, 'clock')} with a verdict."
    )


def _row(promise: PromiseFigures, stands: Sequence[tuple[str, str, str]], *, shows_policy: bool) -> Mapping[str, Any]:
    counts = {column: getattr(promise, column) for column, _, _ in stands}
    return {
        "title": promise.title,
        "detail": ", ".join(filter(None, (promise.policy_title if shows_policy else "", _target(promise)))),
        "kept": wording.percent(promise.kept_pct),
        "parts": [(css, counts[column]) for column, css, _ in stands if counts[column]],
        "figures": [(words, wording.count(getattr(promise, column))) for column, words in _columns(stands)],
    }


def _columns(stands: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """The columns with a clock in them, of any promise."""
    held = {column for column, _, _ in stands}
    if held & {"breached_clocks", "open_breached_clocks"}:
        held.add("all_breached_clocks")
    return [(column, words) for column, words in COLUMNS if column in held]


def _target(promise: PromiseFigures) -> str:
    if not promise.policy:  # several policies together: each has its own
        return ""
    return f"target {promise.target}" if promise.target else "targets of the source"


def _table(found: Sequence[PromiseFigures]) -> Table:
    largest = sorted(found, key=lambda promise: (-promise.clocks, promise.title, promise.policy))
    return Table(
        head=["Promise", "Policy", "Target", "Attainment", *(wording.sentence(words) for _, words in COLUMNS)],
        rows=[
            [
                promise.title, promise.policy_title, promise.target or "of the source", wording.percent(promise.kept_pct),
                *(wording.count(getattr(promise, column)) for column, _ in COLUMNS),
            ]
            for promise in largest[:MOST_TABLE_ROWS]
        ],
        names=3,
        note=f"The {MOST_TABLE_ROWS} of most clocks of {len(found):,} promises; all are in mart.sla_overview." if len(found) > MOST_TABLE_ROWS else "",
    )
