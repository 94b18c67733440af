"""The first screen: how the desk, or one queue of it, stands at an instant, and what to look at next.

Belongs here: the page. Does not belong here: what a figure means (sql/mart/backlog/).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opsla_dagster.center.drawings import HALF, in_two_sizes
from opsla_dagster.center.model import Column, Drawing, Figure, Grid, Page, Row
from opsla_dagster.center.pages.standing import AGES, LIGHTS, PACE, TONES, simulated, to_green
from opsla_dagster.center.view import View
from opsla_dagster.queueing.orders import BY_DUE_DATE
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.backlog import AT_THIS_PACE, DAYS_COMPARED, NEW_CASES, NO_NEW_CASES, green_days_words
from opsla_dagster.reporting.charts import Chart, Line, date_ticks, positions
from opsla_dagster.reporting.next_tickets import (
    POLICIES,
    RISK_AND_CHANCE,
    TICKETS,
    UNTIL_NOW,
    defers,
    due_reason,
    first_tickets,
    policies,
    promise,
    replays,
    why_by_due_date,
)
from opsla_dagster.reporting.promises import metric_title, policy_title
from opsla_dagster.reporting.sections.common import FEWEST_DAYS, heat

NEXT_SHOWN, TREND_DAYS = 12, DAYS_COMPARED
#: What the last column of the next tickets is.
DEFERS = "Defers: the weightiest case of the queue that has to wait for it, and what speaks for that one; what a priority counts is in worklist.yml."
#: What no case of is open has no row in mart.queue_health.
_NOTHING_OPEN: Row = {
    "open_cases": 0, "active_cases": None, "waiting_cases": None, "breached_open_cases": 0, "breached_open_clocks": 0, "debt_seconds": 0,
    "due_in_2_hours_cases": 0, "due_next_business_day_cases": 0, "to_green_business_minutes": 0.0, "to_green_reason": "green now", "health": "green",
    "age_p50_calendar_minutes": None, "age_max_calendar_minutes": None,
}  # fmt: skip


def now_page(view: View) -> Page:
    """The desk, or the queue of the address, at the instant of the address."""
    queue = view.require_queue()
    dimension = view.dimension
    health = next((row for row in view.rows_at("health", dimension=dimension["dimension"]) if row["dimension_value"] == dimension["dimension_value"]), _NOTHING_OPEN)
    days = view.rows("days", last_day=view.last_whole_day, days=TREND_DAYS, **dimension)
    ages = view.rows_at("age_by_priority", queue=queue)
    is_promised = bool(view.promised)
    return Page(
        template="now.html.j2",
        title="Now" if view.state.at is None else "Then",
        figures=list(_figures(view, health, days)),
        grids=[_next(view, queue), _ages(view, ages), *_budget(view), *_followed(view, queue), *_replays(view, queue), *_queues(view)],
        drawings=[*_trends(days)],
        context={
            "health": health, "tone": TONES[health["health"]] if is_promised else "", "is_promised": is_promised, "is_held": len(view.queues) > 1, "lights": LIGHTS, "pace_words": PACE, "ages": _heat(view, ages), "age_titles": list(AGES.values()),
            "standing": _sentence(health, is_promised=is_promised), **_until_green(health, days, simulated(view, dimension["dimension"]).get(dimension["dimension_value"])),
        },
    )  # fmt: skip


def _sentence(health: Row, *, is_promised: bool) -> str:
    """How the desk stands, in words."""
    if not health["open_cases"]:
        return "No case is open."
    if not is_promised:
        return f"{wording.counted(health['open_cases'], 'case is open', 'cases are open')}; no promise covers any case."
    past = wording.counted(health["breached_open_cases"], "is past due", "are past due")
    return f"{wording.counted(health['open_cases'], 'case is open', 'cases are open')}, {'none is past due' if not health['breached_open_cases'] else past}."


def _until_green(health: Row, days: Sequence[Row], by_simulation: str | None) -> dict[str, Any]:
    """Of a desk that is not green: a line that says when it is, what it says more where there is room, and sentences that say how that is known."""
    if not health["breached_open_cases"]:
        return {"to_green": None}
    minutes, reason = health["to_green_business_minutes"], health["to_green_reason"]
    is_of_queue = minutes is not None and reason != AT_THIS_PACE
    if minutes is None:
        bound = f"When the desk is green cannot be told: {reason}."
    else:
        at = f"{reason} (the desk is green once every queue is)" if is_of_queue else reason
        bound = f"Without new cases: {wording.time_taken(minutes)} of open time at least, {at}, if everybody works on what is past due first."
    sentences = [bound, f"With new cases, simulated at the pace while work waits, half of the runs to nine in ten: {by_simulation}." if by_simulation else "", _pace(health, is_of_queue), _green_days(days)]
    return {
        "to_green": "To green: not known" if minutes is None else f"To green: {wording.time_taken(minutes)} if nothing new comes in",
        "with_new_cases": f"; with new cases: {by_simulation}" if by_simulation else "",
        "how_known": [sentence for sentence in sentences if sentence],
    }  # fmt: skip


def _pace(health: Row, is_of_all: bool) -> str:
    """What the time to green rests on; empty where no pace is known."""
    pace, arrived, due = (health.get(f"{what}_cases_per_business_hour") for what in ("left", "arrived", "due"))
    if pace is None:
        return ""
    whose = "Of all queues together: " if is_of_all else ""
    falling_due = f"; {wording.rate(due)} fall due by the end of the next business day" if due is not None else ""
    past_due = wording.counted(health["breached_open_cases"], "case")
    return wording.sentence(f"{whose}{past_due} past due; per open hour {wording.rate(pace)} leave and {wording.rate(arrived)} come in, nights and closed days included{falling_due}.")


def _green_days(days: Sequence[Row]) -> str:
    """At the ends of how many of the days nothing was past due; empty where there are too few."""
    loaded = [row for row in days if row["is_loaded"]]
    return green_days_words(sum(not row["breached_open_cases"] for row in loaded), len(loaded), len(days)) if len(days) >= FEWEST_DAYS else ""


def _figures(view: View, health: Row, days: Sequence[Row]) -> Iterator[Figure]:
    def opened(**filters: Any) -> str:
        return view.state.url("/open", **filters)

    is_promised = bool(view.promised)
    unknown = ["no promise covers a case: sla_policies.yml says what is promised to whom"]
    # Where nothing is open, nothing went well either.
    good = "good" if health["open_cases"] and is_promised else ""
    waits = [f"{wording.count(health['active_cases'])} wait for us, {wording.count(health['waiting_cases'])} for others"] if health["active_cases"] is not None else []
    yield Figure("open_cases", "Open cases", health["open_cases"], href=opened(), notes=waits)
    yield Figure(
        "breached_open_cases", "Past due cases", health["breached_open_cases"] if is_promised else None, href=opened(standing="past_due") if is_promised else None,
        notes=[wording.counted(health["breached_open_clocks"], "clock") + " of theirs past target"] if is_promised else unknown,
        tone="bad" if health["breached_open_cases"] else good,
    )
    yield Figure(
        "due_in_2_hours_cases", "Due within 2 hours", health["due_in_2_hours_cases"] if is_promised else None,
        href=opened(standing="due_in_2_hours") if is_promised else None,
        notes=["by the clock on the wall"] if is_promised else [], tone="warn" if health["due_in_2_hours_cases"] else "",
    )
    yield Figure(
        "due_next_business_day_cases", "Due by the end of the next business day", health["due_next_business_day_cases"] if is_promised else None,
        href=opened(standing="due_next_business_day") if is_promised else None,
    )
    yield Figure(
        "debt_seconds", "SLA debt", health["debt_seconds"] if is_promised else None, "seconds", href=opened(standing="past_due") if is_promised else None,
        notes=[_debt_trend(health, days)] if is_promised else [], tone="bad" if health["debt_seconds"] else good,
    )
    yield Figure(
        "age_max_calendar_minutes", "Oldest open case", health["age_max_calendar_minutes"], "calendar_minutes", href=view.state.url("/flow") + "#drawing-ages",
        notes=[f"half are younger than {wording.calendar_time(health['age_p50_calendar_minutes'])}"] if health["age_p50_calendar_minutes"] is not None else [],
    )


def _debt_trend(health: Row, days: Sequence[Row]) -> str:
    """Where the debt comes from: against the end of the day a week before."""
    before = [row for row in days if (days[-1]["calendar_date"] - row["calendar_date"]).days >= 7]
    if not before:
        return "beyond the targets of the open clocks"
    if not all(row["is_loaded"] for row in days if row["calendar_date"] >= before[-1]["calendar_date"]):
        return "no trend: dates of the week before are not loaded"
    then, at = before[-1]["debt_seconds"], wording.day(before[-1]["calendar_date"])
    if then == health["debt_seconds"]:
        return f"as at the end of {at}"
    return f"{'up' if health['debt_seconds'] > then else 'down'} from {wording.time_taken(then / 60)} at the end of {at}"


def _next(view: View, queue: str | None) -> Grid:
    """The next tickets by the policy in force; of an instant of the past, for which no order was made, what fell due first."""
    return _next_tickets(view, queue) if view.is_now and view.has(TICKETS, POLICIES) else _next_due(view, queue)


def _next_tickets(view: View, queue: str | None) -> Grid:
    rows = [
        {**row, "why": f"{promise(view.settings, row)}: {row['next_reason']}" if row["due_metric"] else row["next_reason"], "defers": defers(row),
         "breach_pct": None if row["breach_probability"] is None else 100 * row["breach_probability"],
         # Of what is past its target, why it is next says it already.
         "risk_reason": None if row["probability_source"] == "certain" else row["reason_1"],
         "ticket": "open" if view.ticket_url(row["source"], row["case_id"]) else None}
        for row in first_tickets(view.connection, queue, NEXT_SHOWN)
    ]  # fmt: skip
    has_tickets, has_risk = any(row["ticket"] for row in rows), any(row["breach_pct"] is not None for row in rows)
    # Where all are past their target, a risk of 100 % says nothing.
    is_risk_open = any(row["breach_pct"] is not None and row["probability_source"] != "certain" for row in rows)
    is_all = queue is None and len(view.queues) > 1
    return Grid(
        key="next",
        title="Next tickets",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])),
            Column("position_in_queue", "Place in queue", "count", is_shown=not is_all),
            *([Column("queue", "Queue", "value", href=lambda row: view.state.url("/", queue=row["queue"]))] if is_all else []),
            Column("priority", "Priority"),
            Column("due_at", "Due", "due", css=lambda row: "bad" if row["probability_source"] == "certain" else ""),
            Column("why", "Why it is next"),
            *([Column("breach_pct", "Risk", "pct", is_shown=is_risk_open), Column("risk_reason", "because", is_shown=is_risk_open), Column("reason_1", "Strongest reason for the risk", is_shown=False)] if has_risk else []),
            Column("defers", "Defers"),
            *([Column("picking_policy", "Policy")] if is_all and len({row["picking_policy"] for row in rows}) > 1 else []),
            *([Column("ticket", "Ticket", href=lambda row: view.ticket_url(row["source"], row["case_id"]))] if has_tickets else []),
        ],
        rows=rows,
        note=_policy_note(view, queue, is_all),
        reading=" ".join(filter(None, (DEFERS, _why_by_due_date(view) if is_all else "", RISK_AND_CHANCE if has_risk else "", UNTIL_NOW if rows else ""))),
        empty="No open case waits for us.",
        is_read_by_row=True,
    )


def _policy_note(view: View, queue: str | None, is_all: bool) -> str:
    """Which policy is in force, and of one queue why."""
    in_force = policies(view.connection)
    if not is_all:
        found = in_force.get(queue) if queue is not None else next(iter(in_force.values()), None)
        return f"By {found['picking_policy']}: {found['picking_policy_reason']}." if found else ""
    by_index = [name for name, row in in_force.items() if row["picking_policy"] != BY_DUE_DATE]
    if not in_force:
        return ""
    if not by_index:
        return "The first of each queue, by earliest due date. Choose a queue for the rest of its order, and why it goes by that."
    elsewhere = "; elsewhere by earliest due date" if len(by_index) < len(in_force) else ""
    return f"The first of each queue. By the guarded index, since due dates cannot be kept: {', '.join(by_index)}{elsewhere}. Choose a queue for the rest of its order, and why it goes by that."


def _why_by_due_date(view: View) -> str:
    """Of all queues: in how many the earliest due date goes first, for which reason."""
    found = why_by_due_date(policies(view.connection))
    return f"By earliest due date: {found}." if found else ""


def _replays(view: View, queue: str | None) -> list[Grid]:
    """What happened in each queue, beside what a simulation of it makes of the same days."""
    if not view.is_now or not view.has(TICKETS, POLICIES):
        return []
    rows = [row for row in replays(policies(view.connection)) if queue is None or row["queue"] == queue]
    if not any(row["past_due_cases"] for row in rows):
        return []
    return [Grid(
        key="replay",
        title="Does a simulation reproduce the queue?",
        columns=[
            Column("queue", "Queue", "value", href=lambda row: view.state.url("/", queue=row["queue"])), Column("replayed_days", "Business days", "count"),
            Column("past_due_cases", "Fell due", "count"), Column("past_breached_pct", "Breached", "pct"), Column("replayed_breached_pct", "Breached when replayed", "pct"),
            Column("replay_difference_points", "Points apart, by day", "decimal"), Column("replay_allowed_difference_points", "Points let pass", "decimal"),
            Column("is_replay_believed", "Believed", "flag"),
        ],
        rows=rows,
        note="The last business days again, with the cases that came and the queue's heads and pace. Only a simulation that breaches as often as what happened, day by day, and tells who was late no worse than the "
        "usual times do, may choose the guarded index. One that does not shows that something else than busy heads makes cases late, and then nobody can say which order keeps more.",
        empty="",
        is_read_by_row=True,
    )]  # fmt: skip


def _followed(view: View, queue: str | None) -> list[Grid]:
    """What was done of what was shown over the last 30 days, and what became of both."""
    if not view.is_now or not view.has("mart.next_best_followed"):
        return []
    rows = view.rows("followed", queue=queue)
    followed = next((row["share_pct"] for row in rows if row["followed"] == "followed"), 0.0)
    return [Grid(
        key="followed",
        title="Was the order followed?",
        columns=[
            Column("followed", "What was shown"), Column("tickets", "Tickets", "count"), Column("met_tickets", "Kept", "count"),
            Column("breached_tickets", "Broken", "count"), Column("running_tickets", "Still run", "count"),
            Column("unknown_tickets", "Unknown", "count"), Column("nothing_tickets", "Nothing to keep", "count"), Column("kept_pct", "Kept of both", "pct"),
        ],
        rows=rows,
        note=f"{wording.percent(followed, 1)} of what was shown first in the last 30 days was worked on first. That a ticket was kept does not say that the order did it." if rows else "",
        empty="Nothing to judge yet: what is shown within a day of its instant is compared with what is done by the next refresh; the lists of a replay, of a log that has ended and of the trial of opsla init "
        "nobody saw while they held.",
    )]  # fmt: skip


def _next_due(view: View, queue: str | None) -> Grid:
    rows = [
        {**row, "why": due_reason(view.settings, row), "ticket": "open" if view.ticket_url(row["source"], row["case_id"]) else None}
        for row in view.page_at("next_due", limit=NEXT_SHOWN, offset=0, queue=queue)
    ]
    has_tickets = any(row["ticket"] for row in rows)
    return Grid(
        key="next",
        title="Next to fall due",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])),
            Column("next_due_at", "Due", "due"),
            Column("why", "Why it is next"),
            *([Column("queue", "Queue", "value")] if queue is None and len(view.queues) > 1 else []),
            Column("priority", "Priority"),
            *([Column("ticket", "Ticket", href=lambda row: view.ticket_url(row["source"], row["case_id"]))] if has_tickets else []),
        ],
        rows=rows,
        is_read_by_row=True,
        empty="Nothing is known to fall due: no open clock is within its target, or a pause keeps its due time from being known.",
    )


def _trends(days: Sequence[Row]) -> Iterator[Drawing]:
    if sum(row["is_loaded"] for row in days) < FEWEST_DAYS:
        return
    dates = [row["calendar_date"] for row in days]
    span = f"the {len(dates)} days up to {wording.day(dates[-1])}"

    def drawing(key: str, title: str, lines: Sequence[Line], legend: Sequence[tuple[str, str]], note: str, columns: Sequence[Column], unit: str = "") -> Drawing:
        chart = Chart(
            key=key, title=title, description=f"{title}, by day, over {span}; the last values are {', '.join(f'{line.label} {_shown(line.values[-1], 0, unit)}' for line in lines)}.",
            xs=positions(dates), x_ticks=date_ticks(dates, 5), lines=lines, unit=unit,
            tooltips=["\n".join([wording.day(date), *(f"{line.label} {_shown(line.values[number], 1, unit)}" for line in lines)]) for number, date in enumerate(dates)],
        )  # fmt: skip
        grid = Grid(key.replace("-", "_"), f"{title} by day", [Column("calendar_date", "Date", "day"), *columns], list(days))
        return Drawing(key.replace("-", "_"), title, *in_two_sizes(chart, date_ticks(dates, 4), HALF), legend=legend, note=note, grid=grid)

    yield drawing(
        "arrivals", "Arrivals against completions",
        [Line("arrived", [row["arrived_cases"] for row in days], "tone-a"), Line("gone", [row["gone_cases"] for row in days], "tone-b")],
        [("tone-a", "arrived: came in, came back, moved in"), ("tone-b", "gone: ended, cancelled, moved on")], "",
        [Column("arrived_cases", "Arrived", "count"), Column("gone_cases", "Gone", "count"), Column("open_cases", "Open at its end", "count")],
    )  # fmt: skip
    yield drawing(
        "debt", "SLA debt at the end of the day", [Line("debt", [row["debt_hours"] for row in days], "tone-ink", "area")],
        [("tone-ink", "hours of open time beyond the targets of the clocks that were open then")], "",
        [Column("debt_seconds", "Debt", "seconds"), Column("debt_accrued_seconds", "Accrued", "seconds"), Column("debt_repaid_seconds", "Repaid", "seconds"),
         Column("breached_open_cases", "Past due at its end", "count")],
        " h",
    )  # fmt: skip


def _shown(value: float | None, digits: int, unit: str) -> str:
    return "not loaded" if value is None else f"{wording.decimal(value, digits)}{unit}"


def _ages(view: View, ages: Sequence[Row]) -> Grid:
    return Grid(
        key="age_by_priority",
        title="Age of the open cases by priority",
        columns=[
            Column("priority", "Priority"),
            *(Column(name, title, "count", href=_to_cell(view, name)) for name, title in AGES.items()),
            Column("breached_open_cases", "Past due", "count", href=lambda row: view.state.url("/open", priority=row["priority"], standing="past_due") if row["breached_open_cases"] else None),
        ],
        rows=list(ages),
        empty="No case is open.",
    )


def _to_cell(view: View, age: str) -> Any:
    return lambda row: view.state.url("/open", priority=row["priority"], age=age) if row[age] else None


def _heat(view: View, ages: Sequence[Row]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The same as cells: the stronger the colour, the more cases."""
    highest = max((row[age] for row in ages for age in AGES), default=0)
    return [
        (
            wording.told(row["priority"]),
            [
                {"count": wording.count(row[age]), "css": heat(row[age], highest) if row[age] else "none", "href": _to_cell(view, age)(row)}
                for age in AGES
            ],
        )
        for row in ages
    ]  # fmt: skip


def _budget(view: View) -> list[Grid]:
    """The error budgets of all, or of the queue of the address, and how fast they burn."""
    if not view.has("mart.error_budget", "mart.burn_rates"):
        return []
    policies, is_all = view.settings.sla_policies, view.state.queue is None
    rows = [
        {**row, "title": metric_title(policies, row["metric"]), "policy_title": policy_title(policies, row["policy"]),
         "burn": "burning" if row["is_burning"] else "calm" if row["due_clocks"] else None}
        for row in view.rows_at("budget", **view.dimension)
    ]  # fmt: skip
    has_policies = len({row["policy"] for row in rows}) > 1
    since = f"Of what fell due since {wording.due(rows[0]['period_from_at'], view.zone)}. " if rows and rows[0]["period_from_at"] else ""
    meaning = (
        "Burn 1 uses the budget up exactly in its period of 20 business days; 2 h, 1 day and 5 days are open time where a day has 10 hours of it. Burning: a window is over its "
        "threshold (2 h: 10; 1 day: 2; 5 days: 1), still goes on, and at least 10 clocks fell due in it. Budget left: amber below 25 %, red where it is overspent."
    ) + ("" if is_all else " A clock counts for the queue that held its case when it was stopped in time or reached its target; alerts are sent of all queues together.")
    return [Grid(
        key="budget",
        title="Error budgets" if is_all else "Error budgets of the queue",
        columns=[
            Column("title", "Promise"), *([Column("policy_title", "Policy")] if has_policies else []), Column("objective_pct", "Objective", "pct"),
            Column("due_clocks", "Fell due", "count"), Column("kept_pct", "Met", "pct"), Column("budget_left_pct", "Budget left", "pct", css=lambda row: _budget_tone(row["budget_left_pct"])),
            Column("page_burn", "Burn, 2 h", "decimal"), Column("ticket_burn", "1 day", "decimal"), Column("slow_burn", "5 days", "decimal"),
            Column("burn", "Now", css=lambda row: "bad" if row["is_burning"] else ""),
        ],
        rows=rows,
        note=since + meaning if rows else "",
        empty="No promise has an objective. Write one in sla_policies.yml, such as objective: 95%, and the budget of breached clocks and how fast it burns stand here.",
    )]  # fmt: skip


def _budget_tone(left_pct: float | None) -> str:
    return "" if left_pct is None else "bad" if left_pct < 0 else "warn" if left_pct < 25 else "good"


def _queues(view: View) -> list[Grid]:
    """Each queue in a line, on the screen of all."""
    if view.state.queue is not None or len(view.queues) < 2:
        return []
    return [standing_grid(view, "queue", view.rows_at("health", dimension="queue"))]


def standing_grid(view: View, dimension: str, rows: Sequence[Row]) -> Grid:
    """How each value of a dimension stands, the worst first, with a way to its cases."""

    def to_value(row: Row) -> str:
        if dimension == "queue":
            return view.state.url("/", queue=row["dimension_value"])
        return view.state.url("/open", **{dimension: row["dimension_value"]})

    def to_cases(standing: str, figure: str) -> Any:
        return lambda row: view.state.url("/open", **{dimension: row["dimension_value"]}, standing=standing) if row[figure] else None

    is_status_told = any(row["active_cases"] is not None for row in rows)
    by_simulation = simulated(view, dimension)
    return Grid(
        key=f"by_{dimension}",
        title=f"How each {dimension} stands, the worst first",
        columns=[
            Column("dimension_value", dimension.capitalize(), "value", href=to_value),
            Column("to_green", wording.sentence(NO_NEW_CASES), css=lambda row: TONES[row["health"]]),
            Column("breached_open_cases", "Past due", "count", href=to_cases("past_due", "breached_open_cases")),
            Column("debt_seconds", "Debt", "seconds"),
            Column("due_in_2_hours_cases", "Due in 2 h", "count", href=to_cases("due_in_2_hours", "due_in_2_hours_cases")),
            Column("open_cases", "Open", "count", href=to_cases("", "open_cases")),
            *([Column("active_cases", "Wait for us", "count", href=lambda row: view.state.url("/open", **{dimension: row["dimension_value"]}, waits_for="us") if row["active_cases"] else None)] if is_status_told else []),
            *([Column("to_green_simulated", wording.sentence(NEW_CASES))] if by_simulation else []),
            Column("left_cases_per_business_hour", "Pace: leave per open hour, nights included", "rate"),
            Column("age_p50_calendar_minutes", "p50 age", "calendar_minutes"),
            Column("age_max_calendar_minutes", "Oldest", "calendar_minutes"),
        ],
        reading=PACE,
        rows=[{**row, "to_green": to_green(row), "to_green_simulated": by_simulation.get(row["dimension_value"])} for row in rows],
        empty=f"No open case has a {dimension}, or no source provides it.",
    )
