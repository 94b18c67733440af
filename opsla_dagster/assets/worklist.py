"""Rows of the area `worklist` that are made in Python: the policy of each queue, its tickets in order, and the memory of what was shown.

Belongs here: one entry a table, reading what it is made from and writing plain rows. Does not belong here: who is next (worklist/), and what a queue does
(sql/mart/worklist/).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.python_rows import as_table, unless_unchanged
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.identity import code_identity, identity_of_tables
from opsla_dagster.settings import Settings
from opsla_dagster.status import Signal
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import Window, is_of_the_present
from opsla_dagster.worklist.feasibility import verdict_on
from opsla_dagster.worklist.line import Line, Pace, Visits
from opsla_dagster.worklist.ranking import Ticket, in_order
from opsla_dagster.worklist.replay import WINDOW_DAYS, Replay

Row = dict[str, Any]
_POLICIES, _VISITS = "mart.worklist_policies", "mart.queue_visits"
_HEALTH = "mart.queue_health"
_READ = ["mart.workable_cases", "mart.queue_work", "mart.after_queue_times"]
#: The code that chooses a policy.
CODE = ("assets/worklist.py", "worklist/*.py", "queueing/*.py", "settings/worklist.py", "figures.py")
#: Of each queue and of each agent so many are remembered, for so many days.
REMEMBERED_OF_QUEUE, REMEMBERED_OF_AGENT, REMEMBERED_DAYS = 10, 3, 90
#: Fewer counted cases tell no mean.
_FEWEST_HANDLED = 20
#: Standard deviation / mean of what a case takes, where no more than its mean is known.
_VARIATION = 1.0
#: A clock that one of them stops is kept by whoever begins in time.
_ANSWERS = frozenset({Signal.TRIAGE, Signal.ASSIGNED, Signal.INVESTIGATION, Signal.PUBLIC_REPLY, Signal.PRIVATE_NOTE})
#: What is to be kept of a promise without an objective.
_OBJECTIVE_PCT = 95.0


@dataclass(frozen=True)
class _Queue:
    """One queue: its cases as the warehouse has them, and as its line."""

    cases: Sequence[Row]
    line: Line
    pace: Pace | None
    work: Row


Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
#: (queue, metric) -> how long cases go on after they left the queue.
After = Mapping[tuple[str, str], Row]


def _queues(scope: Scope) -> dict[str, _Queue]:
    """Queue -> what there is to work on, by name."""
    cases = defaultdict(list)
    for row in rows_by_name(scope.connection, "select * from mart.workable_cases order by queue, intake_ts, case_id"):
        cases[row["queue"]].append(row)
    works = {row["queue"]: row for row in rows_by_name(scope.connection, "select * from mart.queue_work order by queue")}
    after = _after(scope)
    return {
        queue: _Queue(found, _line(found, after, scope.settings), _pace(works[queue]), works[queue])
        for queue, found in sorted(cases.items())
    }  # fmt: skip


def _after(scope: Scope) -> After:
    return {(row["queue"], row["metric"]): row for row in rows_by_name(scope.connection, "select * from mart.after_queue_times order by queue, metric")}


def _numbers(values: Iterable[float | None], missing: float) -> Numbers:
    return np.array([missing if value is None else value for value in values], dtype=np.float64)


def _follows(share: str, rows: Sequence[Row], after: After) -> Numbers:
    """In seconds; 0 where nothing like it has stopped lately."""
    found = (after.get((row["queue"], row["due_metric"])) for row in rows)
    return _numbers((row[f"after_{share}_business_minutes"] if row else None for row in found), 0.0) * 60.0


def _answers(settings: Settings) -> set[str]:
    """Metrics whose clocks stop as soon as somebody begins."""
    return {name for name, metric in settings.sla_policies.metrics.items() if _ANSWERS.intersection(metric.stop)}


def _line(cases: Sequence[Row], after: After, settings: Settings) -> Line:
    answers = _answers(settings)
    is_due = [row["due_in_business_seconds"] is not None for row in cases]
    return Line(
        case_ids=[row["case_id"] for row in cases],
        due_seconds=_numbers((row["due_in_business_seconds"] for row in cases), np.inf),
        target_seconds=_numbers((row["target_seconds"] if due else None for row, due in zip(cases, is_due, strict=True)), np.inf),
        after_p50_seconds=_follows("p50", cases, after),
        after_p90_seconds=_follows("p90", cases, after),
        stops_at_start=np.array([row["due_metric"] in answers for row in cases], dtype=np.bool_),
        weight=_numbers((settings.worklist.weight_of(row["priority"]) for row in cases), 1.0),
        age_rank=np.arange(len(cases), dtype=np.float64),
        priorities=[row["priority"] for row in cases],
        objective=_numbers((row["objective_pct"] for row in cases), _OBJECTIVE_PCT) / 100.0,
        has_objectives=all(row["objective_pct"] is not None for row, due in zip(cases, is_due, strict=True) if due),
    )


def _pace(work: Row) -> Pace | None:
    """None where no case left the queue, so that nobody knows what one takes."""
    minutes = work["pace_work_business_minutes"]
    if not minutes or not work["pace_days"]:
        return None
    touch, _ = _touch(work)
    return Pace(
        heads=work["simulated_heads"],
        work_seconds=minutes * 60.0,
        touch_seconds=(touch or minutes) * 60.0,
        variation=_VARIATION,
        day_seconds=work["pace_business_minutes"] * 60.0 / work["pace_days"],
        done_cases=work["done_cases"],
    )


def _touch(work: Row) -> tuple[float | None, str]:
    """What a case of the queue takes whoever has it in hand, in minutes, and what that rests on."""
    if work["handled_cases"] >= _FEWEST_HANDLED:
        return work["handling_mean_calendar_minutes"], "handling told by the source"
    minutes = work["pace_work_business_minutes"]
    return (minutes, "pace of the queue") if minutes is not None else (None, "unknown")


_VISITS_SQL = f"""
    select
        visits.queue,
        visits.window_number,
        visits.window_business_seconds::double as window_seconds,
        visits.is_there_at_start,
        visits.came_business_seconds::double as came_seconds,
        coalesce(visits.due_business_seconds::double, 'infinity'::double) as due_seconds,
        coalesce(visits.target_seconds::double, 'infinity'::double) as target_seconds,
        coalesce(visits.stopped_business_seconds::double, 'infinity'::double) as stopped_seconds,
        coalesce(visits.is_due_breached, false) as is_breached,
        coalesce(after.after_p50_business_minutes, 0) * 60.0 as after_p50_seconds,
        coalesce(after.after_p90_business_minutes, 0) * 60.0 as after_p90_seconds,
        coalesce(list_contains($answers, visits.due_metric), false) as stops_at_start,
        coalesce($weights[list_position($priorities, visits.priority)], $usual_weight)::double as weight,
        coalesce(visits.objective_pct, {_OBJECTIVE_PCT}) / 100.0 as objective
    from mart.queue_visits as visits
    left join mart.after_queue_times as after on visits.queue = after.queue and visits.due_metric = after.metric
    where list_contains($queues, visits.queue)
    order by visits.queue, visits.window_number, visits.came_business_seconds, visits.stint_started_at, visits.case_id, visits.visit_number
"""


def _visits(scope: Scope, queues: Sequence[str]) -> dict[str, Visits]:
    """Queue -> who came to it in the past windows. Tens of thousands of visits, so they are read as columns."""
    weight_of = scope.settings.worklist.weight_of
    priorities = [name for (name,) in scope.connection.execute("select distinct priority from mart.queue_visits where priority is not null order by priority").fetchall()]
    found = scope.connection.execute(_VISITS_SQL, {
        "queues": list(queues), "answers": sorted(_answers(scope.settings)), "priorities": priorities, "weights": [weight_of(name) for name in priorities],
        "usual_weight": weight_of(None),
    }).fetchnumpy()  # fmt: skip
    names = np.asarray(found.pop("queue"), dtype=object)
    columns = {name: np.ma.getdata(column) for name, column in found.items()}
    # The rows are in the order of their queues.
    first, until = (np.searchsorted(names, list(queues), side=side) for side in ("left", "right"))
    return {
        queue: Visits(**{name: column[begin:end] for name, column in columns.items()})
        for queue, begin, end in zip(queues, first.tolist(), until.tolist(), strict=True)
    }  # fmt: skip


def _worklist_policies(scope: Scope, part: Window | None) -> pa.Table:
    settings = scope.settings
    told = [code_identity(CODE, ("numpy",)), settings.worklist.model_dump_json(), sorted(_answers(settings))]
    return unless_unchanged(scope, _POLICIES, identity_of_tables(scope.connection, [*_READ, _VISITS, _HEALTH], told), lambda: _policy_rows(scope))


def _unloaded_dates(scope: Scope) -> int:
    """Dates of the last 10 business days that are not loaded."""
    [(dates,)] = scope.connection.execute(f"select coalesce(max(unloaded_days), 0) from {_HEALTH}").fetchall()
    return int(dates)


def _policy_rows(scope: Scope) -> list[Row]:
    """One row a queue, by name."""
    rows = []
    queues = _queues(scope)
    visits, unloaded_dates = _visits(scope, list(queues)), _unloaded_dates(scope)
    for name, queue in queues.items():
        verdict = verdict_on(queue.line, queue.pace, visits[name], unloaded_dates)
        rows.append({
            "now_at": queue.work["now_at"], "queue": name, "workable_cases": len(queue.cases), "picking_policy": verdict.policy,
            "picking_policy_reason": verdict.reason, "due_cases": verdict.due_cases, "allowed_breached_cases": verdict.allowed_breaches,
            "due_date_breached_cases": verdict.breaches_by_due_date, "index_breached_cases": verdict.breaches_by_index,
            "due_date_breached_weight": verdict.weight_by_due_date, "index_breached_weight": verdict.weight_by_index, **_replayed(verdict.replay),
        })  # fmt: skip
    return rows


def _replayed(replay: Replay | None) -> Row:
    """What happened, and what a replay of it has."""
    if replay is None:
        return {}
    return {
        "replayed_days": replay.windows * WINDOW_DAYS, "replayed_order": replay.order, "past_due_cases": replay.due_cases, "past_breached_cases": replay.breached_cases,
        "replayed_breached_cases": replay.replayed_breached_cases, "replay_difference_points": 100.0 * replay.difference,
        "replay_allowed_difference_points": 100.0 * replay.allowed_difference, "replay_brier": replay.brier_score, "usual_times_brier": replay.usual_brier_score,
        "is_replay_believed": replay.is_believed,
    }  # fmt: skip


def _next_best_ticket(scope: Scope, part: Window | None) -> pa.Table:
    policies = {row["queue"]: row for row in rows_by_name(scope.connection, "select * from mart.worklist_policies order by queue")}
    kept, breached = _usually_kept(scope), _with_another_breach(scope)
    rows: list[Row] = []
    for name, queue in _queues(scope).items():
        policy = policies[name]
        usually_kept = np.array([kept.get(_clock(row), np.nan) for row in queue.cases], dtype=np.float64)
        tickets = in_order(queue.line, policy["picking_policy"], queue.pace, usually_kept)
        minutes, source = _touch(queue.work)
        rows += [
            {
                **queue.cases[ticket.case], "position_in_queue": place + 1, "picking_policy": policy["picking_policy"],
                "picking_policy_reason": policy["picking_policy_reason"], "next_reason": _told(ticket.reason, queue.cases[ticket.case], breached),
                "due_in_business_minutes": _minutes(queue.cases[ticket.case]["due_in_business_seconds"]),
                "weight": float(queue.line.weight[ticket.case]), "work_business_minutes": minutes, "work_source": source,
                "kept_if_now_probability": ticket.kept_now, "kept_if_later_probability": ticket.kept_later,
                "defers_case_id": _case_id(queue, tickets, ticket.defers), "defers_reason": ticket.defers_reason,
            }
            for place, ticket in enumerate(tickets)
        ]  # fmt: skip
    return _ordered("mart.next_best_ticket", _with_positions_for_agents(rows))


def _usually_kept(scope: Scope) -> dict[tuple[Any, ...], float]:
    """Clock -> P(kept) as cases usually go, where the model or the counted share says."""
    found = rows_by_name(scope.connection, """
        select case_id, policy as due_policy, metric as due_metric, cycle as due_cycle, 1.0 - breach_probability as kept
        from mart.open_case_risk
        where probability_source in ('model', 'baseline')
    """)
    return {_clock(row): row["kept"] for row in found}


def _with_another_breach(scope: Scope) -> set[str]:
    """Cases of which some clock is past its target."""
    return {case_id for (case_id,) in scope.connection.execute("select case_id from mart.backlog_now where breached_clocks > 0").fetchall()}


def _told(reason: str, case: Row, breached: AbstractSet[str]) -> str:
    """The reason, and beside a promise that can still be kept one that cannot: the case stands among those past due elsewhere."""
    can_be_kept = case["due_in_business_seconds"] is not None and case["due_in_business_seconds"] >= 0
    return f"{reason}; another of its promises is past due" if can_be_kept and case["case_id"] in breached else reason


def _clock(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("case_id", "due_policy", "due_metric", "due_cycle"))


def _minutes(seconds: int | None) -> float | None:
    return None if seconds is None else seconds / 60.0


def _case_id(queue: _Queue, tickets: Sequence[Ticket], place: int | None) -> str | None:
    return None if place is None else str(queue.cases[tickets[place].case]["case_id"])


def _with_positions_for_agents(rows: list[Row]) -> list[Row]:
    """Each agent's own cases in one order: each queue's in its order, of two queues that whose next case is due first."""
    held: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["agent"] is not None:
            held[row["agent"]][row["queue"]].append(row)
    for by_queue in held.values():
        lines = [list(reversed(line)) for _, line in sorted(by_queue.items())]
        position = 0
        while lines:
            line = min(lines, key=lambda each: (due if (due := each[-1]["due_in_business_minutes"]) is not None else np.inf, each[-1]["case_id"]))
            position += 1
            line.pop()["position_for_agent"] = position
            lines = [each for each in lines if each]
    return rows


def _next_best_shown(scope: Scope, part: Window | None) -> pa.Table:
    """What was remembered, without what is too old and without this instant, and what is shown now."""
    shown = TABLES["ops.next_best_shown"]
    names = ", ".join(column.name for column in shown.columns)
    found = scope.connection.execute("select now_at, as_of_at from mart.desk_now").fetchall()
    if not found:
        return scope.connection.sql(f"select {names} from ops.next_best_shown order by shown_at, case_id").to_arrow_table()
    [(now_at, as_of_at)] = found
    of_now = rows_by_name(scope.connection, f"""
        select now_at as shown_at, * exclude (now_at), $seen as is_of_the_present from mart.next_best_ticket
        where position_in_queue <= {REMEMBERED_OF_QUEUE} or position_for_agent <= {REMEMBERED_OF_AGENT}
    """, {"seen": _can_be_seen(scope, now_at, as_of_at)})  # fmt: skip
    before = scope.connection.sql(
        f"select {names} from ops.next_best_shown where shown_at <> $now and shown_at >= $first order by shown_at, case_id",
        params={"now": now_at, "first": now_at - timedelta(days=REMEMBERED_DAYS)},
    ).to_arrow_table()
    return pa.concat_tables([before, _ordered(shown.name, of_now)])


def _can_be_seen(scope: Scope, now_at: datetime, as_of_at: datetime) -> bool:
    """Whether somebody can see the list of this instant while it holds, or could when it was made before: a rerun much later does not undo that."""
    if not scope.is_trial and is_of_the_present(now_at, as_of_at, datetime.now(UTC).replace(tzinfo=None)):
        return True
    seen = scope.connection.execute("select 1 from ops.next_best_shown where shown_at = ? and is_of_the_present limit 1", [now_at]).fetchone()
    return seen is not None


def _ensure_memory(scope: Scope) -> None:
    """The first run remembers nothing."""
    ensure_table(scope.connection, TABLES["ops.next_best_shown"])


def _ordered(name: str, rows: Sequence[Row]) -> pa.Table:
    """Rows of a table in the order of its key."""
    return as_table(name, rows).sort_by([(column, "ascending") for column in TABLES[name].key])


WORKLIST = {
    _POLICIES: PythonTable(_worklist_policies, deps=[*_READ, _VISITS, _HEALTH]),
    "mart.next_best_ticket": PythonTable(_next_best_ticket, deps=[*_READ, _POLICIES, "mart.open_case_risk", "mart.backlog_now"]),
    "ops.next_best_shown": PythonTable(_next_best_shown, deps=["mart.next_best_ticket", "mart.desk_now"], before=_ensure_memory),
}
