"""Risk: the open clocks that will most probably break, why, and how far such probabilities can be trusted.

Belongs here: the page. Does not belong here: how a probability is made (risk_model/), and what to work on next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from opsla_dagster.center.model import Column, Figure, Grid, Page, Row
from opsla_dagster.center.pages.cases import MOST_CSV_ROWS, ROWS_A_PAGE
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.promises import metric_title
from opsla_dagster.reporting.sections.risk import LIKELY_PCT, SOURCES, verdict, why_unknown

#: Instants of the scorecard that are shown.
_INSTANTS = 28


def risk_page(view: View, *, is_whole: bool = False) -> Page:
    """The open clocks by their probability, the models behind it, and how the last predictions came out."""
    known = view.rows("risk", queue=view.require_queue())
    # Of the cases of the backlog, as every other page counts them; clocks that run on after the end of their case stand in a table of their own.
    found = [row for row in known if row["is_case_open"]]
    orphans = [row for row in known if not row["is_case_open"]]
    return Page(
        template="risk.html.j2",
        title="Risk",
        figures=figures(found, view.state.url("/open", standing="past_due"), len(orphans)),
        grids=[
            _shares(view, found), _clocks(view, found if is_whole else found[:ROWS_A_PAGE], len(found)), *([_orphans(view, orphans)] if orphans else []), _models(view), _rules(view),
            _calibration(view), _scorecard(view),
        ],
        context={"predicted_at": known[0]["predicted_at"] if known else view.now["now_at"], "is_now": view.is_now},
    )  # fmt: skip


def _orphans(view: View, orphans: Sequence[Row]) -> Grid:
    return Grid(
        key="ended_cases",
        title="Clocks that run although their case has ended",
        note="They are in no figure above and in no backlog, which are of open cases. Such a clock ends when its promise is kept late, or becomes unknown.",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])), Column("promise", "Promise"), Column("due_at", "Due", "due"),
            Column("source_words", "Stands"),
        ],
        rows=[{**row, "promise": _title(view, row), "source_words": SOURCES[row["probability_source"]]} for row in orphans],
    )  # fmt: skip


def figures(found: Sequence[Row], past_due_address: str, orphans: int = 0) -> list[Figure]:
    """What rows of the query `risk` come to, of the clocks of open cases. What nobody can know is a dash with its reason: 0 would say that nothing will break.

    `orphans`: clocks of ended cases, which are in no figure.
    """
    uncertain = [row for row in found if row["probability_source"] in ("model", "baseline")]
    certain = [row for row in found if row["probability_source"] == "certain"]
    unknown = [row for row in found if row["probability_source"] == "unknown"]
    likely = sum(row["breach_pct"] >= LIKELY_PCT for row in uncertain)
    within = wording.counted(len(uncertain), "open clock")
    left_out = [f"{wording.counted(len(unknown), 'clock')} without a probability not counted"] if unknown else []
    why = f"not known: {why_unknown(Counter(row['reason_1'] for row in unknown))}" if unknown else "no clock is open" if not found else "every open clock is past its target"
    cases = len({row["case_id"] for row in certain})
    return [
        Figure(
            "likely", "Likely to break", likely if uncertain else None, notes=[f"of {within} within their target: 50 % or more", *left_out] if uncertain else [why],
            tone="" if not uncertain else "warn" if likely else "good" if not unknown else "",
        ),
        Figure(
            "expected", "Expected to break", sum(row["breach_pct"] for row in uncertain) / 100 if uncertain else None, "decimal",
            notes=[f"sum of the probabilities of {within}: what to reckon with if nothing changes", *left_out] if uncertain else [why],
        ),
        Figure(
            "certain", "Clocks past their target", len(certain), href=past_due_address if certain else None,
            notes=[
                f"of {wording.counted(cases, 'past due case')}; broken already" if certain else "none of the open ones" if found else "no clock is open",
                *([f"{wording.counted(orphans, 'clock')} of ended cases not counted: see below"] if orphans else []),
            ],
            tone="bad" if certain else "good" if found else "",
        ),
        Figure("unknown", "Unknown", len(unknown), notes=[why if unknown or not found else "every open clock has a probability, or is past its target"]),
    ]  # fmt: skip


def _title(view: View, row: Row) -> str:
    return metric_title(view.settings.sla_policies, row["metric"]) or str(row["metric"])


def _tone(row: Row) -> str:
    if row["probability_source"] == "certain":
        return "bad"
    return "warn" if row["breach_pct"] is not None and row["breach_pct"] >= LIKELY_PCT else ""


def _shares(view: View, rows: Sequence[Row]) -> Grid:
    """The clocks within their target by what their probability is: those of one counted share are one row, those of a model one for each tenth."""
    groups: dict[tuple[str, str, float], list[Row]] = {}
    for row in rows:
        if row["probability_source"] in ("model", "baseline"):
            step = row["breach_pct"] if row["probability_source"] == "baseline" else min(row["breach_pct"] // 10, 9) * 10
            groups.setdefault((row["metric"], row["probability_source"], step), []).append(row)
    return Grid(
        key="risk_shares",
        title="Within target, by the chance to break",
        columns=[
            Column("promise", "Promise"), Column("breach_pct", "Breaks with", "pct", css=_tone), Column("share", "Because"), Column("clocks", "Clocks", "count"),
            Column("expected_clocks", "Will break, about", "decimal"), Column("due_at", "First due", "due"), Column("source_words", "Rests on"),
        ],
        rows=[
            {
                **of_share[0], "promise": _title(view, of_share[0]), "source_words": SOURCES[source], "clocks": len(of_share), "share": _used(of_share) if source == "baseline" else "",
                "breach_pct": sum(row["breach_pct"] for row in of_share) / len(of_share), "expected_clocks": sum(row["breach_pct"] for row in of_share) / 100,
                "due_at": min((row["due_at"] for row in of_share if row["due_at"] is not None), default=None),
            }
            for (_, source, _), of_share in sorted(groups.items(), key=lambda group: (-group[1][0]["breach_pct"], group[0]))
        ],
        reading="Counted share: of the past clocks of the promise that had used about as much of their target, how many broke; all that have used as much share it. "
        "Where a model does better (how far to trust it, below), every clock has a probability of its own; it stands in a row for each tenth, with the mean.",
        empty="No open clock within its target has a probability.",
    )  # fmt: skip


def _used(rows: Sequence[Row]) -> str:
    """Which part of their target the clocks of a share have used, from the first and the last of them."""
    told = sorted({row["reason_1"] for row in rows if row["reason_1"]}, key=lambda text: (len(text), text))
    first, last = (told[0], told[-1]) if told else ("", "")
    return first if first == last else f"{first.split(' of ')[0].removesuffix('%').strip()} to {last}"


def _clocks(view: View, rows: Sequence[Row], total: int) -> Grid:
    shown = [
        {**row, "promise": _title(view, row), "source_words": SOURCES[row["probability_source"]],
         "why": "; ".join(filter(None, (row["reason_1"], row["reason_2"], row["reason_3"]))), "left": _left(row)}
        for row in rows[:MOST_CSV_ROWS]
    ]  # fmt: skip
    return Grid(
        key="risk_clocks",
        title="Open clocks, the likeliest to break first",
        note="Stops in: open time until the clock stops, waits included, about and for four of five clocks.",
        is_read_by_row=True,
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])),
            Column("queue", "Queue", "value"),
            Column("priority", "Priority"),
            Column("due_at", "Due", "due"),
            Column("breach_pct", "Breaks with", "pct", css=_tone),
            Column("why", "Why"),
            Column("promise", "Promise"),
            Column("left", "Stops in"),
            Column("remaining_p50_business_minutes", "Left, about", "minutes", is_shown=False),
            Column("remaining_p10_business_minutes", "Earliest", "minutes", is_shown=False),
            Column("remaining_p90_business_minutes", "Latest", "minutes", is_shown=False),
            Column("source_words", "Rests on", is_shown=False),
        ],
        rows=shown,
        total=total,
        empty=f"No clock is open at {wording.due(view.now['now_at'], view.zone)}. A probability is given to every clock that runs: a case that is open, and a promise that applies to it.",
    )


def _left(row: Row) -> str | None:
    """`14.9 min (0 min to 4.1 h)`: open time until the clock stops, half of them sooner, and four of five in between; None where nothing is known."""
    middle, first, last = (row[f"remaining_{part}_business_minutes"] for part in ("p50", "p10", "p90"))
    if middle is None or row["probability_source"] == "certain":
        return None
    return f"{wording.time_taken(middle)} ({wording.time_taken(first)} to {wording.time_taken(last)})"


def _models(view: View) -> Grid:
    return Grid(
        key="risk_models",
        title="How far to trust it",
        note="Tested on the latest closed clocks, which the model had not seen. Drift: by how many points more of the latest clocks broke than of those it learnt from.",
        columns=[
            Column("promise", "Promise"),
            Column("verdict", "Serves"),
            Column("training_clocks", "Learnt from", "count"),
            Column("training_from_at", "From", "instant"),
            Column("training_to_at", "To", "instant"),
            Column("test_predictions", "Tested on", "count"),
            Column("interval_coverage_pct", "Between earliest and latest (80 % meant)", "pct"),
            Column("drift_points", "Drift", "decimal"),
        ],
        rows=[{**row, "promise": _title(view, row), "verdict": verdict(row)} for row in view.rows("risk_models")],
        empty="No model yet: no clock has stopped with a verdict. Once 30 have, a counted share serves; from 300 on a model is tried, and serves where it does better.",
    )  # fmt: skip


def _rules(view: View) -> Grid:
    names = ("model", "target_used", "priority")
    return Grid(
        key="risk_rules",
        title="Against two simple rules",
        note="Order: how often a clock that broke was given more than one that was kept; 50 % is chance. Brier: mean squared difference between probability and outcome, the smaller "
        "the better. A model that does no better than both rules does not serve.",
        columns=[
            Column("promise", "Promise"), Column("model_order", "Order: model", "pct"), Column("target_used_order", "Target used", "pct"), Column("priority_order", "Priority", "pct"),
            Column("model_brier", "Brier: model", "error"), Column("target_used_brier", "Target used", "error"), Column("priority_brier", "Priority", "error"),
        ],
        rows=[
            {**row, "promise": _title(view, row), **{f"{name}_order": None if row[f"{name}_auc"] is None else 100 * row[f"{name}_auc"] for name in names}}
            for row in view.rows("risk_models")
        ],
        empty="Nothing is tested yet.",
    )  # fmt: skip


def _calibration(view: View) -> Grid:
    return Grid(
        key="risk_calibration",
        title="What was said and what happened, on the test clocks",
        columns=[
            Column("promise", "Promise"), Column("tenth", "Said"), Column("predictions", "Predictions", "count"), Column("predicted_breach_pct", "Said on average", "pct"),
            Column("happened_pct", "Broke", "pct"),
        ],
        rows=[
            {**row, "promise": _title(view, row), "tenth": f"{10 * row['probability_decile'] - 10} to {10 * row['probability_decile']} %"}
            for row in view.rows("risk_calibration")
        ],
        empty="Nothing is tested yet: it takes 300 closed clocks of a promise, and some of them broken.",
    )  # fmt: skip


def _scorecard(view: View) -> Grid:
    rows = view.rows("risk_scorecard", most=_INSTANTS)
    kept = sum(row["pending_predictions"] for row in rows)
    if rows and not any(row["scored_predictions"] for row in rows):
        # Zeros and dashes would look like a bad score.
        return Grid(
            key="risk_scorecard", title="Yesterday's predictions, scored", columns=[Column("promise", "Promise")], rows=[],
            empty=f"Nothing to score yet: of {wording.counted(kept, 'prediction')} that {'is' if kept == 1 else 'are'} kept, no clock has stopped or broken since. The next refreshes score them.",
        )  # fmt: skip
    return Grid(
        key="risk_scorecard",
        title="Yesterday's predictions, scored",
        note="Of each date the first predictions stand. Called: 50 % or more. Missed: broke without having been called. The CSV also has what was called rightly, and what nobody could know: started and broke before the next prediction. "
        "Shares and the Brier score are told once 95 % of the clocks are decided, which takes about as long as their targets: what ends first is mostly kept.",
        columns=[
            Column("predicted_at", "Predicted", "instant"), Column("promise", "Promise"), Column("scored_predictions", "Known by now", "count"),
            Column("pending_predictions", "Not yet", "count"), Column("decided_pct", "Decided", "pct", is_shown=False), Column("breached_predictions", "Broke", "count"), Column("called_predictions", "Called", "count"),
            Column("caught_predictions", "Rightly", "count", is_shown=False), Column("missed_predictions", "Missed", "count"), Column("unseen_breached_clocks", "Nobody could know", "count", is_shown=False),
            Column("precision_pct", "Right of those called", "pct"), Column("recall_pct", "Called of those that broke", "pct"),
            Column("predicted_breach_pct", "Said on average", "pct"), Column("happened_pct", "Of them broke", "pct"), Column("brier", "Brier", "error"),
        ],
        rows=[{**row, "promise": _title(view, row)} for row in rows],
        empty="No prediction is kept yet. Each refresh keeps the first of its date, and the next ones score it.",
    )  # fmt: skip
