"""Heads and promises in words: what `opsla staffing`, the report and the command centre say of a plan.

It reads the published marts alone. Belongs here: asking for a plan, and its words. Does not belong here: planning (staffing/).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from rich.console import Console
from rich.table import Table as RichTable

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, has_table, published, rows
from opsla_dagster.reporting.promises import metric_title
from opsla_dagster.settings import Settings
from opsla_dagster.settings.staffing import Roster, read_roster
from opsla_dagster.terminal import ruled_table

if TYPE_CHECKING:  # numpy and the simulation come along
    from opsla_dagster.queueing.jobs import Floats
    from opsla_dagster.staffing.inputs import DeskInputs, QueueInputs
    from opsla_dagster.staffing.planning import Answer, Ask

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: What the rosters that are judged beside a plan are called.
ROSTERS = {"plan": "the plan", "flat": "the same heads all day", "as_staffed": "as staffed in the latest 4 weeks"}
#: How a promise is asked for on the command line, which says nothing on a page.
NAME_ONE = '; name one, such as --target "first reply 95%"'
_DESK = "all"
#: staffing.inputs.FROM_WAITS, which comes with numpy.
_FROM_WAITS = "estimated from waits"
_TABLES = ("mart.staffing_hours", "mart.staffing_inputs", "mart.staffing_replay")
_NO_INPUTS = (
    "nothing to plan from: there is no whole week of cases yet, or no promise whose clock starts as a case comes in; `opsla run` loads cases, "
    "sla_policies.yml has the promises"
)


@dataclass(frozen=True)
class Asked:
    """An answer with what it was asked for, and how well such predictions did in the weeks before."""

    answer: Answer
    desk: DeskInputs
    title: str
    remark: str | None
    replay: ReplayError | None
    past: PastHeads | None

    def margin_sentence(self) -> str | None:
        """What more cases do to the plan; None without one."""
        more = self.answer.more
        if more is None:
            return None
        objective = self.answer.ask.objective_pct
        return (
            f"It is made for {wording.percent(100 * self.answer.queue.arrivals_margin, 0)} more cases than usual, of which it reaches {wording.percent(objective, 0)} in "
            f"{wording.percent(more.weeks_kept_pct(objective), 0)} of weeks and keeps {wording.percent(more.attainment_pct, 1)} on average."
        )

    def trust_sentence(self) -> str:
        """How far the past bears the answer out: what comes before any figure."""
        from opsla_dagster.staffing.rows import caution

        answer = self.answer
        doubt = caution(answer)
        if doubt is not None:
            return f"{wording.sentence(doubt)}."
        assert answer.touch is not None
        assert answer.queue.allowed_minutes is not None
        shortest, longest = answer.queue.allowed_minutes
        if shortest > 0:
            told = (
                f"Heads explain the days of the last {wording.counted(answer.queue.weeks, 'week')}: cases of {wording.decimal(shortest)} to {wording.decimal(longest)} minutes do, "
                "and nothing else as well."
            )
        else:
            told = f"The past does not contradict it, and tells little: heads were never so few that days with fewer of them kept less (a case takes {wording.decimal(longest)} minutes at most)."
        return told if self.replay is None or self.replay.mean_points is None else f"{told} {self.replay.sentence()}"


@dataclass(frozen=True)
class ReplayError:
    """How far predicted attainment lay off in replayed weeks, in percentage points; `reason` where there are none."""

    weeks: int
    mean_points: float | None
    largest_points: float | None
    reason: str | None

    def sentence(self) -> str:
        if self.mean_points is None or self.largest_points is None:
            return f"This plan is not tested on past weeks: {self.reason}."
        return (
            f"Held against the past: in {self.weeks} replayed weeks the predicted attainment was off by {wording.decimal(self.mean_points)} points on average, "
            f"{wording.decimal(self.largest_points)} at most."
        )


@dataclass(frozen=True)
class PastHeads:
    """Replayed weeks with known heads: how many, the head-hours of the leanest and the fullest, and what the halves with most and fewest heads a case kept."""

    weeks: int
    #: The whole weeks that they are of: of the others dates are not loaded, or no source tells heads.
    of_weeks: int
    fewest_hours: float
    most_hours: float
    most_heads_pct: float
    fewest_heads_pct: float

    @property
    def which(self) -> str:
        return f"the last {self.weeks} whole weeks" if self.weeks == self.of_weeks else f"{self.weeks} of the last {self.of_weeks} whole weeks"

    def sentence(self) -> str:
        half = self.weeks // 2
        return (
            f"In {self.which} there were {wording.count(self.fewest_hours)} to {wording.count(self.most_hours)} head-hours a week; the {half} weeks with the most "
            f"of them for their cases kept {wording.percent(self.most_heads_pct, 1)}, the {half} with the fewest {wording.percent(self.fewest_heads_pct, 1)}."
        )


def past_heads(connection: duckdb.DuckDBPyConnection, metric: str) -> PastHeads | None:
    """None where fewer than four weeks have both heads and an outcome."""
    found = rows(
        connection,
        "select clocks, actual_pct, head_hours, of_weeks from (select *, count(*) over () - 1 as of_weeks from mart.staffing_replay where metric = $metric) "
        "where actual_pct is not null and head_hours > 0 order by head_hours / clocks, week_date",
        "mart.staffing_replay", parameters={"metric": metric},
    )  # fmt: skip
    if len(found) < 4:
        return None
    half = len(found) // 2

    def kept(weeks: Sequence[Row]) -> float:
        return float(sum(row["clocks"] * row["actual_pct"] for row in weeks) / sum(row["clocks"] for row in weeks))

    hours = [row["head_hours"] for row in found]
    return PastHeads(len(found), found[0]["of_weeks"], min(hours), max(hours), kept(found[-half:]), kept(found[:half]))


def read_inputs(connection: duckdb.DuckDBPyConnection) -> DeskInputs:
    """What a plan starts from. Raises OpslaError where the marts have nothing."""
    from opsla_dagster.staffing.inputs import DeskInputs

    if not all(has_table(connection, table) for table in _TABLES):
        raise OpslaError("these marts are from another version of opsla; run `opsla run` to make them anew")
    desk = DeskInputs.of(rows(connection, "select * from mart.staffing_hours"), rows(connection, "select * from mart.staffing_inputs"))
    if not desk.queues:
        raise OpslaError(_NO_INPUTS)
    return desk


def ask_of(desk: DeskInputs, settings: Settings, target: str | None, queue: str | None) -> tuple[Ask, str | None]:
    """The question that a target means, and what was understood. Raises OpslaError naming the promises that there are."""
    from opsla_dagster.staffing.planning import Ask
    from opsla_dagster.staffing.targets import parse_target

    told = desk.promises[queue if queue in desk.promises and queue is not None else next(iter(desk.promises))]
    if target is None:
        default = next((promise for promise in told if promise.objective_pct is not None and promise.is_response), None)
        default = default or next((promise for promise in told if promise.objective_pct is not None), None)
        if default is None or default.objective_pct is None:
            raise OpslaError(f"no promise of sla_policies.yml has an objective{NAME_ONE}")
        return Ask(default.metric, default.objective_pct, queue or _DESK), None
    found = parse_target(
        target,
        [(promise.metric, promise.policy) for promise in told],
        {(promise.metric, promise.policy): promise.objective_pct for promise in told},
        [promise.metric for promise in told if promise.is_response],
        settings.sla_policies,
    )
    return Ask(found.metric, found.objective_pct, queue or _DESK, found.policies, found.within_seconds), found.remark


def roster_heads(settings: Settings, name: str | None, queue: str | None) -> dict[str, Floats]:
    """The roster of a name in staffing.yml or of a file; without one those of staffing.yml for the queue. Raises OpslaError for one that is nowhere."""
    from opsla_dagster.staffing.planning import roster_slots
    from opsla_dagster.staffing.rows import rosters_of

    if name is None:
        return rosters_of(settings.staffing, queue or _DESK)
    roster = settings.staffing.rosters.get(name)
    if roster is None:
        roster = _roster_of_file(settings, name)
    if roster.queue is not None and roster.queue != queue:
        raise OpslaError(f"--roster {name}: is of queue {roster.queue!r}; ask with --queue {shlex.quote(roster.queue)}")
    return {Path(name).stem: roster_slots(roster.by_hour())}


def _roster_of_file(settings: Settings, name: str) -> Roster:
    path = Path(name)
    if not path.is_file():
        known = ", ".join(settings.staffing.rosters) or "none"
        raise OpslaError(f"--roster {name}: neither a roster of {settings.config_directory / 'staffing.yml'} (known: {known}) nor a file")
    return read_roster(path)


def asked(
    connection: duckdb.DuckDBPyConnection, settings: Settings, target: str | None, queue: str | None, roster: str | None, touch_minutes: float | None
) -> Asked:
    """The answer to `opsla staffing`. Raises OpslaError for what is not there; an answer may refuse a plan and say why."""
    from dataclasses import replace

    from opsla_dagster.staffing.inputs import as_written
    from opsla_dagster.staffing.planning import answer

    desk = as_written(read_inputs(connection), settings.staffing)
    ask, remark = ask_of(desk, settings, target, queue)
    found = answer(desk, replace(ask, touch_minutes=touch_minutes, rosters=roster_heads(settings, roster, queue)))
    return told_of(connection, settings, desk, found, remark)


def told_of(connection: duckdb.DuckDBPyConnection, settings: Settings, desk: DeskInputs, found: Answer, remark: str | None = None) -> Asked:
    """An answer with what the past says of it."""
    metric = found.ask.metric
    # Heads of the past are those of the whole desk.
    past = past_heads(connection, metric) if found.ask.queue == _DESK else None
    return Asked(found, desk, metric_title(settings.sla_policies, metric), remark, replay_error(connection, metric, _basis(found)), past)


def _basis(answer: Answer) -> str | None:
    """Where the touch time of an answer is known from."""
    return answer.touch.basis if answer.touch is not None else None


def replay_error(connection: duckdb.DuckDBPyConnection, metric: str, touch_basis: str | None) -> ReplayError | None:
    """How the replay of a metric did, where it used the touch time of the plan: one estimated from waits; None where nothing was replayed."""
    found = rows(connection, "select error_points, touch_business_minutes, reason from mart.staffing_replay where metric = $metric order by week_date", parameters={"metric": metric})
    errors = [abs(row["error_points"]) for row in found if row["error_points"] is not None and row["touch_business_minutes"] is not None]
    if any(row["error_points"] is not None for row in found) and (touch_basis != _FROM_WAITS or not errors):
        # Predicted without this touch time, in most logs without any: such weeks say nothing of a plan.
        return ReplayError(0, None, None, "they were predicted without its touch time, which the log tells no more of than what it can be at most" if touch_basis != _FROM_WAITS else "they were predicted without its touch time")
    if errors:
        return ReplayError(len(errors), sum(errors) / len(errors), max(errors), None)
    reasons = [row["reason"] for row in found[:-1] if row["reason"]]
    return ReplayError(0, None, None, reasons[-1]) if reasons else None


def shown_roster(name: str, settings: Settings) -> str:
    """What a roster is called."""
    own = settings.staffing.rosters.get(name)
    return ROSTERS.get(name) or (own.title if own is not None and own.title else name)


def promise_sentence(found: Asked) -> str:
    """What is asked, in one sentence."""
    answer = found.answer
    targets = sorted({answer.ask.within_seconds or promise.target_seconds for promise in answer.promises})
    within = wording.listed([wording.time_taken(seconds / 60) for seconds in targets])
    whose = "the desk" if answer.ask.queue == _DESK else f"queue {answer.ask.queue}"
    return f"{found.title} within {within} of open time for {wording.percent(answer.ask.objective_pct, 0)} of the cases of {whose}, in at least 95% of weeks."


def input_sentences(found: Asked) -> Iterator[str]:
    """What the answer starts from."""
    answer = found.answer
    queue = answer.queue
    yield arrivals_sentence(queue)
    if answer.touch is not None:
        at_most = "at most " if answer.touch.basis.startswith("at most") else ""
        basis = "staff that there was per finished case, in the leanest week" if at_most else answer.touch.basis
        yield f"Touch time: {at_most}{wording.decimal(answer.touch.minutes)} minutes a case ({basis})."
    if queue.shrinkage is not None:
        yield f"Shrinkage: {wording.percent(100 * queue.shrinkage, 0)} of employed heads are not there; heads are those that are."
    else:
        yield "Shrinkage: not known, so heads are those that are there; staffing.yml can say it (shrinkage: 30%)."


def arrivals_sentence(queue: QueueInputs) -> str:
    """How many cases come in, and of which weeks that is the mean."""
    if not queue.has_usual_week:
        return "Arrivals: not known, as too few whole weeks are loaded."
    over = f", days {wording.decimal(100 * queue.week.overdispersion**0.5)}% busier or quieter than chance" if queue.week.overdispersion > 0 else ""
    weeks = wording.counted(queue.weeks + queue.unloaded_weeks, "whole week")
    of_weeks = f"the last {weeks}" if not queue.unloaded_weeks else f"those {queue.weeks} of the last {weeks} of which every date is loaded"
    return f"Arrivals: {wording.decimal(queue.week.cases_a_week, 0)} cases a week (mean of {of_weeks}, without holidays){over}."


def bound_sentences(answer: Answer) -> Iterator[str]:
    """The bounds beside a plan, and why they differ."""
    if answer.workload_heads is None or not answer.weeks:
        return
    erlang = "Erlang A" if answer.is_erlang_a else "Erlang C"
    busiest = max(answer.fluid_heads.tolist())
    yield (
        f"Beside it: the work alone keeps {wording.decimal(answer.workload_heads)} heads busy; spread over the time it may wait, {wording.decimal(busiest)} in the busiest "
        f"hour; {erlang} says {wording.count(answer.erlang_heads)} on the mean hour and {wording.count(answer.erlang_opening_heads)} on the hour with most cases."
    )
    yield wording.sentence(answer.why_they_differ)


def print_staffing(
    settings: Settings, target: str | None, queue: str | None, roster: str | None, touch_minutes: float | None, console: Console
) -> None:
    """Prints a plan and what stands beside it. Raises OpslaError where there is none, saying why."""
    with published(settings.home.marts_database) as connection:
        found = asked(connection, settings, target, queue, roster, touch_minutes)
    answer = found.answer

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    if found.remark:
        say(found.remark)
    say(promise_sentence(found))
    if answer.plan is None:
        if answer.rosters:  # else the refusal follows at once, and says it
            say(f"No plan: {headline(answer)}.")
        if found.past is not None:
            say(found.past.sentence())
        if not answer.rosters:
            raise OpslaError(_no_plan(answer))
    else:
        say(found.trust_sentence())
    for sentence in input_sentences(found):
        say(sentence)
    if answer.plan is not None:
        say(f"\nHeads that are there, by weekday and hour ({answer.plan.shape}; {answer.basis}):")
        console.print(_heads_table(answer))
        shares = list(_share_sentences(found))
        for sentence in shares:
            say(sentence)
    console.print(_outcomes_table(found, settings))
    for sentence in (*([margin] if (margin := found.margin_sentence()) else []), *bound_sentences(answer)):
        say(sentence)
    if answer.plan is None:
        raise OpslaError(_no_plan(answer))


def headline(answer: Answer) -> str:
    """Why there is no plan, in a few words; what follows a colon is the rest of it."""
    return (answer.refusal or "").partition(": ")[0]


def _no_plan(answer: Answer) -> str:
    """The message that ends without a plan; a past that contradicts the model can be put aside by an assumption."""
    ask = answer.ask
    told = f"no plan: {answer.refusal}"
    if answer.is_explained or ask.touch_minutes is not None:
        return told
    return f"{told}; what heads would do if they were the reason: add --touch-minutes with what a case takes one head (an assumption, and shown as one)"


def blocks(heads: Sequence[float]) -> Iterator[tuple[int, int, int, float]]:
    """(weekday from 0, first hour, hour after the last, heads) of hours of a day that follow each other with as many heads; hours without are left out."""
    for weekday in range(7):
        hour = 0
        while hour < 24:
            value, first = heads[weekday * 24 + hour], hour
            while hour < 24 and heads[weekday * 24 + hour] == value:
                hour += 1
            if value > 0:
                yield weekday, first, hour, value


def block_hours(open_seconds: Sequence[float], weekday: int, first: int, end: int) -> str:
    """`08:30-18:00` of a block: where the desk opens or closes within an hour (`open_seconds` of each of the 168 of a week), work does, too."""
    opened = [0.0, *open_seconds[weekday * 24 : weekday * 24 + 24], 0.0]  # the hour `h` is at h + 1
    late = 3600 - opened[first + 1] if opened[first] == 0 else 0
    early = 3600 - opened[end] if opened[end + 1] == 0 and (end - first > 1 or opened[first] > 0) else 0
    begins, ends = (round((hour * 3600 + shift) / 60) for hour, shift in ((first, late), (end, -early)))
    return f"{begins // 60:02d}:{begins % 60:02d}-{ends // 60:02d}:{ends % 60:02d}"


def _heads_table(answer: Answer) -> RichTable:
    assert answer.plan is not None
    table = ruled_table()
    for heading in ("day", "hours", "heads there", "heads to employ"):
        table.add_column(heading, justify="left" if heading in ("day", "hours") else "right")
    last = -1
    for weekday, first, end, heads in blocks(answer.plan.heads.tolist()):
        table.add_row(
            WEEKDAYS[weekday] if weekday != last else "", block_hours(answer.queue.week.open_seconds.tolist(), weekday, first, end), wording.decimal(heads, 0 if heads == round(heads) else 1),
            "not known" if (employ := answer.rostered(heads)) is None else wording.decimal(employ),
        )  # fmt: skip
        last = weekday
    return table


def _share_sentences(found: Asked) -> Iterator[str]:
    """How the heads of the first open hour are shared between queues."""
    from opsla_dagster.staffing.planning import queue_shares

    shares = queue_shares(found.desk, found.answer)
    if shares and found.answer.plan is not None:
        slot = int(found.answer.plan.heads.argmax())
        told = [f"{queue} {wording.decimal(float(heads[slot]))}" for queue, heads in sorted(shares.items(), key=lambda item: -item[1][slot])]
        when = f"{WEEKDAYS[slot // 24]} {slot % 24:02d}:00"
        yield f"Of the {wording.decimal(float(found.answer.plan.heads[slot]), 0)} heads of {when}, by the work that is due: {wording.listed(told)}; a head may be shared."


def _outcomes_table(found: Asked, settings: Settings) -> RichTable:
    answer = found.answer
    table = ruled_table()
    for heading in ("roster", "objective kept in", "kept on average", "in a lean week", "busy", "p90 wait", "head-hours a week", "head-hours to employ"):
        table.add_column(heading, justify="left" if heading == "roster" else "right", no_wrap=heading == "roster")
    judged = [*([("plan", answer.plan.outcome)] if answer.plan is not None else []), *((each.name, each.outcome) for each in answer.rosters)]
    for name, outcome in judged:
        employ = answer.rostered(outcome.head_hours)
        table.add_row(
            shown_roster(name, settings), f"{wording.percent(outcome.weeks_kept_pct(answer.ask.objective_pct), 0)} of weeks",
            wording.percent(outcome.attainment_pct, 1), wording.percent(outcome.lean_week_pct, 1), wording.percent(outcome.busy_pct, 0),
            wording.time_taken(outcome.wait_p90_seconds / 60), wording.decimal(outcome.head_hours, 0), "not known" if employ is None else wording.decimal(employ, 0),
        )  # fmt: skip
    return table


def staffing_json(found: Asked) -> Mapping[str, object]:
    """The answer for programs: the plan by weekday and hour, and what each roster brings."""
    from opsla_dagster.staffing.planning import Judged
    from opsla_dagster.staffing.rows import outcome_row

    answer = found.answer
    judged = [*([Judged("plan", answer.plan.heads, answer.plan.outcome)] if answer.plan is not None else []), *answer.rosters]
    return {
        "metric": answer.ask.metric, "queue": answer.ask.queue, "objective_pct": answer.ask.objective_pct, "refusal": answer.refusal, "contradiction": answer.contradiction, "remark": found.remark,
        "plan": None if answer.plan is None else [
            {"iso_weekday": weekday + 1, "from_hour": first, "until_hour": end, "heads": heads, "rostered_heads": answer.rostered(heads)}
            for weekday, first, end, heads in blocks(answer.plan.heads.tolist())
        ],
        "outcomes": [outcome_row(answer, each, answer.plan.shape if each.name == "plan" and answer.plan is not None else "") for each in judged],
        "with_more_cases": None if answer.more is None else {
            "more_cases_pct": 100 * answer.queue.arrivals_margin, "weeks_kept_pct": answer.more.weeks_kept_pct(answer.ask.objective_pct),
            "simulated_attainment_pct": answer.more.attainment_pct,
        },
        "why_bounds_differ": answer.why_they_differ,
    }  # fmt: skip


def replayed_rows(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The weeks that were replayed, the latest first."""
    return rows(
        connection,
        "select * from mart.staffing_replay where week_date < (select max(week_date) from mart.staffing_replay) order by week_date desc, metric",
        "mart.staffing_replay",
    )
