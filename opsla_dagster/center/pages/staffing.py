"""Staffing: which heads keep a promise, what rosters bring, and what other heads, arrivals and touch times would do.

Belongs here: the page. Does not belong here: planning (staffing/), and what is said of it (reporting/staffing.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsla_dagster.center.address import RefusedAddress
from opsla_dagster.center.drawings import in_two_sizes
from opsla_dagster.center.levers import LEAST, MOST, STEP, Changes
from opsla_dagster.center.model import Column, Drawing, Figure, Grid, Page, Row
from opsla_dagster.center.view import View
from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line
from opsla_dagster.reporting.promises import metric_title
from opsla_dagster.reporting.staffing import (
    NAME_ONE,
    WEEKDAYS,
    Asked,
    PastHeads,
    ask_of,
    block_hours,
    blocks,
    bound_sentences,
    headline,
    input_sentences,
    promise_sentence,
    read_inputs,
    replayed_rows,
    roster_heads,
    shown_roster,
    told_of,
)

if TYPE_CHECKING:  # numpy and the simulation come along, which other pages do without
    from opsla_dagster.staffing.inputs import DeskInputs
    from opsla_dagster.staffing.outcome import Outcome
    from opsla_dagster.staffing.planning import Answer, Ask

_TONES = {"plan": "tone-a", "as_staffed": "tone-p", "fluid": "tone-soft"}


def staffing_page(view: View, promise: str, queue: str | None, what_if: Changes) -> Page:
    """A promise of the desk or of a queue; `promise` empty: that of a first answer. Raises RefusedAddress for what is not there."""
    try:
        desk = read_inputs(view.connection)
    except OpslaError as error:
        return _nothing_planned(str(error), [])
    if queue is not None and queue not in desk.queues:
        known = [name for name in desk.queues if name != "all"]
        raise RefusedAddress(f"queue={queue}: too few cases in the last weeks, or no such queue; known: {', '.join(known[:20]) or 'none'}", 404)
    choices = list(dict.fromkeys(each.metric for each in desk.promises[queue or "all"]))
    if promise and promise not in choices:
        raise RefusedAddress(f"promise={promise}: nothing to plan for; known: {', '.join(choices)}", 404)
    titled = [(name, metric_title(view.settings.sla_policies, name)) for name in choices]
    try:
        ask = _ask(view, desk, promise, queue)
    except OpslaError as error:
        return _nothing_planned(str(error), titled)
    found = _planned(view, desk, ask)
    asked = _what_if(desk, found, what_if) if what_if.is_asked and found.is_explained else None
    told = told_of(view.connection, view.settings, desk, found)
    return Page(
        template="staffing.html.j2",
        title="Staffing",
        figures=list(_figures(told)),
        grids=[
            *([_reason(f"{wording.sentence(found.refusal or '')}.")] if found.plan is None else []), _rosters(view, told, what_if, asked), _plan(found),
            _replay(view, told), _inputs(view),
        ],
        drawings=list(_drawings(found)),
        context={
            "problem": None if found.plan is not None or found.rosters else found.refusal,
            "promise": promise_sentence(told), "inputs": list(input_sentences(told)), "bounds": list(bound_sentences(found)),
            "answer": _answer(told), "trust": _trust(told), "margin": told.margin_sentence(), "is_explained": found.is_explained, "metric": ask.metric, "levers": what_if.levers({"heads": "of the plan" if found.plan is not None else "as staffed"}), "asked": asked is not None,
            "asked_sentence": _asked_sentence(told, what_if, asked), "choices": titled,
            "plan_queues": [name for name in desk.queues if name != "all"], "least": LEAST, "most": MOST, "step": STEP,
        },
    )  # fmt: skip


def _nothing_planned(problem: str, choices: Sequence[tuple[str, str]]) -> Page:
    """The page where no plan is asked for: why, and the promises (metric, title) that can be asked for one by one."""
    problem = wording.sentence(problem.removesuffix(NAME_ONE))
    return Page("staffing.html.j2", "Staffing", grids=[_reason(problem)], context={"problem": problem, "promise": None, "choices": choices})


def _reason(problem: str) -> Grid:
    """A grid, so that programs are told too: JSON is made of a page's tables."""
    return Grid(key="reason", title="Why there is no plan", columns=[Column("reason", "Reason")], rows=[{"reason": problem}])


def _ask(view: View, desk: DeskInputs, promise: str, queue: str | None) -> Ask:
    if promise and not any(each.objective_pct is not None for each in desk.promises[queue or "all"] if each.metric == promise):
        return ask_of(desk, view.settings, f"{promise} 95%", queue)[0]
    return ask_of(desk, view.settings, promise or None, queue)[0]


def _planned(view: View, desk: DeskInputs, ask: Ask) -> Answer:
    """The answer of the published inputs, once a publication: the same plan as in mart.staffing_plan, and those that a run does not make."""
    from opsla_dagster.staffing.planning import answer

    found: Answer = view.publication.once(
        f"staffing {ask.metric} {ask.queue}", lambda: answer(desk, replace(ask, rosters=roster_heads(view.settings, None, ask.queue)))
    )
    return found


def _what_if(desk: DeskInputs, found: Answer, what_if: Changes) -> Outcome | None:
    """What the plan's heads, or those as staffed, bring when something changes; None where neither is known."""
    from opsla_dagster.staffing.planning import judge_roster

    base = found.plan.heads if found.plan is not None else next((each.heads for each in found.rosters if each.name == "as_staffed"), None)
    if base is None:
        return None
    ask = replace(found.ask, arrivals_factor=1 + what_if.arrivals / 100, touch_factor=1 + what_if.handling / 100)
    return judge_roster(desk, ask, base * (1 + what_if.heads / 100))


def _figures(told: Asked) -> Iterator[Figure]:
    found, objective = told.answer, told.answer.ask.objective_pct
    if found.plan is not None:
        outcome = found.plan.outcome
        employ = found.rostered(outcome.head_hours)
        yield Figure(
            "head_hours", "Head-hours a week", outcome.head_hours, "count",
            notes=["head-hours to employ: " + ("not known without shrinkage" if employ is None else wording.count(employ))],
        )  # fmt: skip
        most = float(found.plan.heads.max())
        yield Figure("most_heads", "Heads in the busiest hour", most, "decimal", notes=[f"{wording.decimal(float(found.plan.heads[found.plan.heads > 0].min()))} in the quietest"])
        more = [] if found.more is None else [f"{wording.percent(found.more.weeks_kept_pct(objective), 0)} with {wording.percent(100 * found.queue.arrivals_margin, 0)} more cases"]
        yield Figure(
            "weeks_kept_pct", "Weeks that reach the objective", outcome.weeks_kept_pct(objective), "pct", tone="good",
            notes=[f"of {found.weeks} simulated, with the plan's heads", *more],
        )  # fmt: skip
    staffed = next((each.outcome for each in found.rosters if each.name == "as_staffed"), None)
    if staffed is not None:
        kept = staffed.weeks_kept_pct(objective)
        yield Figure(
            "as_staffed_pct", "Weeks as staffed now", kept, "pct", notes=[f"{wording.percent(staffed.attainment_pct, 1)} kept on average"],
            tone="good" if kept >= 95 else "bad",
        )  # fmt: skip
    if found.plan is None and not found.rosters and told.past is not None:
        yield from _past_figures(told.past)
    if found.plan is not None and told.replay is not None and told.replay.mean_points is not None:
        yield Figure("error_points", "Off in replayed weeks", told.replay.mean_points, "decimal", notes=[f"points on average, {told.replay.weeks} weeks"])


def _past_figures(past: PastHeads) -> Iterator[Figure]:
    """What the weeks that were tell of heads, where there is no plan."""
    half = f"whole desk, {past.weeks // 2} of {past.which}"
    yield Figure("most_heads_pct", "Kept with the most heads for the cases", past.most_heads_pct, "pct", notes=[half])
    yield Figure("fewest_heads_pct", "Kept with the fewest", past.fewest_heads_pct, "pct", notes=[half])
    yield Figure("fewest_head_hours", "Fewest head-hours in a week", past.fewest_hours, "count", notes=[f"whole desk; {wording.count(past.most_hours)} at most"])


def _answer(told: Asked) -> str:
    """The answer in one sentence: what to do, or that there is no plan."""
    found = told.answer
    if found.plan is None:
        return f"No plan: {headline(found)}."
    heads = found.plan.heads[found.plan.heads > 0]
    few, many = float(heads.min()), float(heads.max())
    span = wording.decimal(many) if few == many else f"{wording.decimal(few)} to {wording.decimal(many)}"
    sentence = f"{span} heads at a time, {wording.count(found.plan.outcome.head_hours)} head-hours a week, keep it in {wording.percent(found.plan.outcome.weeks_kept_pct(found.ask.objective_pct), 0)} of simulated weeks"
    staffed = next((each.outcome for each in found.rosters if each.name == "as_staffed"), None)
    if staffed is None:
        return f"{sentence}."
    return f"{sentence}; the {wording.count(staffed.head_hours)} of the latest weeks do in {wording.percent(staffed.weeks_kept_pct(found.ask.objective_pct), 0)}."


def _trust(told: Asked) -> str:
    """How far the past bears it out; without a plan why there is none, and what the past tells of heads."""
    found = told.answer
    if found.plan is not None:
        return told.trust_sentence()
    rest = (found.refusal or "").partition(": ")[2]
    # Without a roster to show, the figures say the same.
    past = told.past.sentence() if told.past is not None and found.rosters else ""
    return f"{f'{wording.sentence(rest)}.' if rest else ''} {past}".strip()


def _asked_sentence(told: Asked, what_if: Changes, asked: Outcome | None) -> str:
    if asked is None:
        return ""
    objective = told.answer.ask.objective_pct
    kept = asked.weeks_kept_pct(objective)
    verdict = "the objective holds" if kept >= 95 else "the objective does not hold"
    return (
        f"With {what_if.words}: {verdict}. {wording.percent(kept, 0)} of weeks reach {wording.percent(objective, 0)}, "
        f"{wording.percent(asked.attainment_pct, 1)} are kept on average, at {wording.decimal(asked.head_hours, 0)} head-hours a week."
    )


def _rosters(view: View, told: Asked, what_if: Changes, asked: Outcome | None) -> Grid:
    found = told.answer

    def row(name: str, outcome: Outcome) -> Row:
        return {
            "roster": name, "weeks_kept_pct": outcome.weeks_kept_pct(found.ask.objective_pct), "attainment_pct": outcome.attainment_pct,
            "lean_week_pct": outcome.lean_week_pct, "busy_pct": outcome.busy_pct, "wait_p90": outcome.wait_p90_seconds / 60,
            "head_hours": outcome.head_hours, "rostered_head_hours": found.rostered(outcome.head_hours),
        }  # fmt: skip

    rows = [row("the plan", found.plan.outcome)] if found.plan is not None else []
    rows += [row("what if", asked)] if asked is not None else []
    rows += [row(shown_roster(each.name, view.settings), each.outcome) for each in found.rosters]
    return Grid(
        key="rosters",
        title="What rosters bring",
        columns=[
            Column("roster", "Roster"),
            Column("weeks_kept_pct", "Weeks kept", "pct", css=lambda row: "good" if row["weeks_kept_pct"] >= 95 else "bad"),
            Column("attainment_pct", "Kept on average", "pct"), Column("lean_week_pct", "In a lean week", "pct"), Column("busy_pct", "Busy", "pct"),
            Column("wait_p90", "p90 wait", "minutes"), Column("head_hours", "Head-hours a week", "count"), Column("rostered_head_hours", "Head-hours to employ", "count"),
        ],
        rows=rows,
        note="A lean week: 95% of the simulated weeks are no worse. Waits are open time until a head takes the case up. A roster of your own: rosters in staffing.yml.",
        empty="No roster can be judged: nobody knows how long a case takes.",
    )  # fmt: skip


def _plan(found: Answer) -> Grid:
    rows: list[Row] = []
    if found.plan is not None:
        open_seconds = found.queue.week.open_seconds.tolist()
        rows = [
            {"day": WEEKDAYS[weekday], "hours": block_hours(open_seconds, weekday, first, end), "heads": heads, "rostered_heads": found.rostered(heads)}
            for weekday, first, end, heads in blocks(found.plan.heads.tolist())
        ]
    return Grid(
        key="plan", title="The plan by weekday and hour",
        columns=[Column("day", "Day"), Column("hours", "Hours"), Column("heads", "Heads there", "decimal"), Column("rostered_heads", "Heads to employ", "decimal")],
        rows=rows, note=f"{wording.sentence(found.plan.shape)}; cases are {found.basis}." if found.plan is not None else "",
        empty=f"No plan: {found.refusal}.",
    )  # fmt: skip


def _replay(view: View, told: Asked) -> Grid:
    past, plan = told.replay, told.answer.plan
    rows = [row for row in replayed_rows(view.connection) if row["metric"] == told.answer.ask.metric]
    return Grid(
        key="replay",
        title="Past weeks of the whole desk, predicted and as they were",
        columns=[
            Column("week_date", "Week of", "day"), Column("clocks", "Clocks", "count"), Column("actual_pct", "Kept", "pct"),
            Column("predicted_pct", "Predicted", "pct"), Column("error_points", "Off by, points", "decimal"), Column("head_hours", "Head-hours", "count"),
            *([Column("reason", "Why not")] if any(row["reason"] for row in rows) else []),
        ],
        rows=rows,
        note="Each week is predicted from the 8 weeks before it, with the arrivals and the heads that it had."
        + (" The touch time of the plan above had no part in it: this tests the reading of arrivals and heads, and not the plan." if past is not None and past.mean_points is None and rows and plan is not None else ""),
        empty="Nothing was replayed: the log has no whole week before now.",
    )  # fmt: skip


def _inputs(view: View) -> Grid:
    rows = [
        {**row, "title": metric_title(view.settings.sla_policies, row["metric"])}
        for row in view.fetch("select * from mart.staffing_inputs order by queue = 'all' desc, cases_per_week desc, queue, metric, policy, target_seconds", {})
    ]
    return Grid(
        key="inputs", title="What plans start from",
        columns=[
            Column("queue", "Queue", "value"), Column("title", "Promise"), Column("target_seconds", "Target", "seconds"), Column("objective_pct", "Objective", "pct"),
            Column("cases_per_week", "Cases a week", "count"), Column("touch_business_minutes", "Touch time", "minutes"), Column("touch_basis", "Known from"),
            Column("workload_heads", "Work in heads", "decimal"), Column("shrinkage_pct", "Shrinkage", "pct"), Column("reason", "Why no plan"),
        ],
        rows=rows,
    )  # fmt: skip


def _drawings(found: Answer) -> Iterator[Drawing]:
    week = found.queue.week
    slots = [slot for slot in range(168) if week.is_open[slot]]
    lines: list[tuple[str, Sequence[float]]] = []
    if found.plan is not None:
        lines.append(("plan", [float(found.plan.heads[slot]) for slot in slots]))
    staffed = next((each.heads for each in found.rosters if each.name == "as_staffed"), None)
    if staffed is not None:
        lines.append(("as_staffed", [float(staffed[slot]) for slot in slots]))
    if not lines or len(slots) < 3:
        return
    lines.append(("fluid", [float(found.fluid_heads[slot]) for slot in slots]))
    names = {"plan": "plan", "as_staffed": "as staffed", "fluid": "work spread over the target"}
    firsts = [(float(number), WEEKDAYS[slot // 24]) for number, slot in enumerate(slots) if number == 0 or slot // 24 != slots[number - 1] // 24]
    chart = Chart(
        key="heads", title="Heads by open hour of the week",
        description="By open hour of the week: " + "; ".join(f"{names[name]} {wording.decimal(min(values))} to {wording.decimal(max(values))}" for name, values in lines) + ".",
        xs=[float(number) for number in range(len(slots))], x_ticks=firsts, lines=[Line(names[name], values, _TONES[name]) for name, values in lines],
        tooltips=[
            "\n".join([f"{WEEKDAYS[slot // 24]} {slot % 24:02d}:00", *(f"{names[name]} {wording.decimal(values[number])}" for name, values in lines)])
            for number, slot in enumerate(slots)
        ],
    )  # fmt: skip
    grid = Grid(
        "heads", chart.title, [Column("hour", "Hour"), *(Column(name, names[name].capitalize(), "decimal") for name, _ in lines)],
        [_slot_row(slot, number, lines) for number, slot in enumerate(slots)],
    )  # fmt: skip
    yield Drawing("heads", chart.title, *in_two_sizes(chart, firsts), legend=[(_TONES[name], names[name]) for name, _ in lines],
                  note="Heads that are there to work, by open hour in the desk's time; hours in which its calendar is closed are left out.", grid=grid)


def _slot_row(slot: int, number: int, lines: Sequence[tuple[str, Sequence[float]]]) -> dict[str, Any]:
    return {"hour": f"{WEEKDAYS[slot // 24]} {slot % 24:02d}:00", **{name: values[number] for name, values in lines}}
