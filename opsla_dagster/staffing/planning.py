"""The answer to "which heads keep this promise": a plan, what stands beside it, and what is not known.

Belongs here: putting inputs, search and closed forms together, in one order for the run, the command line and the command centre. Does not belong
here: how any of them is computed, and how it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted, rounded
from opsla_dagster.queueing.jobs import Floats
from opsla_dagster.settings.staffing import HeadsByHour
from opsla_dagster.staffing.inputs import (
    AT_MOST,
    DESK_QUEUE,
    FROM_WAITS,
    HEADS_EXPLAIN_NOTHING,
    OF_TOUCH,
    DeskInputs,
    PromiseInputs,
    QueueInputs,
    Touch,
    promised,
)
from opsla_dagster.staffing.outcome import Judge, Outcome, OwnDelays, weeks_to_draw
from opsla_dagster.staffing.search import Plan, Question, best_plan, erlang_heads, flat_plan, fluid_heads
from opsla_dagster.staffing.week import SLOTS_A_WEEK, Draws, draw

#: Weeks with more cases than that are looked at as a workload first.
_CASES_LOOKED_AT_QUICKLY = 2_000
#: Below so many heads on average a plan is in fifths of heads, which people share between queues.
_HEADS_IN_FIFTHS = 6.0
#: Points by which the heads as staffed may miss what was kept, in simulation, before no plan is made of it.
_MOST_MISSED_POINTS = 3.0
#: By so much a touch time may miss those that the days allow: of logs whose truth is known, it comes out within half of that.
_TOUCH_TOLERANCE = 1.1
#: Points more than asked for that are tried, where a plan of more cases is no plan of the usual ones: shares of weeks are of other cases.
_MORE_POINTS = (0.0, 0.5, 1.5)
UNEXPLAINED = (
    "the model does not explain this desk: with the heads as staffed it keeps {simulated} % of the cases, and {actual} % were kept in the last {weeks}, "
    "so a plan from it cannot be right; the touch time is the first to doubt: write the true one in staffing.yml (touch: {{minutes: 12}})"
)
TOO_LONG = "with {minutes} minutes a case more cases would have been late on days with fewer heads than were: the last weeks allow {longest} minutes at most ({basis})"
TOO_SHORT = "with {minutes} minutes a case fewer cases would have been late on days with fewer heads than were: the last weeks allow {shortest} minutes at least ({basis})"
OUT_OF_HEADS = (
    "no roster that was tried keeps the objective in 95 % of the simulated weeks with {percent} % more cases than usual: "
    "either the target is shorter than the wait until the desk opens, or what a case takes even with a free head uses nearly all of it"
)
OUT_OF_REACH = (
    "more heads do not get there: of the cases that found a free head {ceiling} % were answered in time, and {objective:g} % are asked for. What makes the others "
    "late is not a wait for a head"
)
AT_ONCE_BASIS, TODAY_BASIS = "taken up as soon as a head is free", "taken up as the log shows where a head was free"


@dataclass(frozen=True)
class Ask:
    """What somebody asks: a promise of a queue, and what may differ from the inputs. Factors are of touch time and arrivals.

    `touch_minutes` in the place of what the inputs have; `rosters` are judged beside the plan, by name.
    """

    metric: str
    objective_pct: float
    queue: str = DESK_QUEUE
    policies: tuple[str, ...] = ()
    within_seconds: float | None = None
    touch_minutes: float | None = None
    touch_factor: float = 1.0
    arrivals_factor: float = 1.0
    rosters: Mapping[str, Floats] | None = None


@dataclass(frozen=True)
class Judged:
    """A roster and what it brings."""

    name: str
    heads: Floats
    outcome: Outcome


@dataclass(frozen=True)
class Answer:
    """What is known of an `ask`. `plan` None: `refusal` says why; what is beside it may be known all the same.

    `ceiling_pct`: the share of cases kept where a head is free for each at once, None where the log tells too little. `basis`: whether cases are
    planned to be taken up at once or as the log shows. `is_explained` False: the past contradicts the model. `contradiction`: what the past has against a
    touch time that was asked for, and so against every figure. `more`: what the plan brings with as many more cases as it is made for. `erlang_heads` takes the cases of a mean open hour, `erlang_opening_heads` those of the
    hour with most of them, what piled up before it included.
    """

    ask: Ask
    queue: QueueInputs
    promises: tuple[PromiseInputs, ...]
    touch: Touch | None
    target_seconds: float
    basis: str
    ceiling_pct: float | None
    plan: Plan | None
    rosters: tuple[Judged, ...]
    workload_heads: float | None
    fluid_heads: Floats
    erlang_heads: int | None
    erlang_opening_heads: int | None
    is_erlang_a: bool
    weeks: int
    refusal: str | None
    is_explained: bool
    contradiction: str | None = None
    more: Outcome | None = None

    @property
    def is_tested(self) -> bool:
        """Whether the days of the past could say something against it: those of the whole desk, for nobody knows which heads one queue had."""
        return self.queue.queue == DESK_QUEUE and self.queue.allowed_minutes is not None

    def rostered(self, heads: float) -> float | None:
        """Heads to employ for so many that are there; None where shrinkage is not known."""
        return None if self.queue.shrinkage is None else heads / (1 - self.queue.shrinkage)

    @property
    def why_they_differ(self) -> str:
        """One line on why the bounds beside a plan say something else."""
        erlang = "Erlang A" if self.is_erlang_a else "Erlang C"
        if self.is_erlang_a:
            return f"{erlang} holds for live chat and phone, whose customers wait now or leave; the simulation adds days that are busier than others and what shifts begin with."
        return (
            f"{erlang} takes a steady stream of cases that want a head at once, and knows neither what a night and a weekend pile up nor that tickets can "
            "wait; the fluid bound knows both and no chance; the simulation has all three, so the answer is the shape of a roster, not a number."
        )


def answer(desk: DeskInputs, ask: Ask, *, search: bool = True) -> Answer:
    """The answer; without `search` the rosters alone are judged. Raises OpslaError for a queue or promise that the inputs do not have."""
    queue, promises = _asked(desk, ask)
    touch = _touch(queue, ask)
    target = _target(ask, promises)
    own, ceiling = _own(ask, promises)
    is_response = promises[0].is_response
    by_today = own is not None and (not is_response or (ceiling is not None and ceiling >= ask.objective_pct))
    refusal = _refusal(ask, promises, touch, ceiling, is_response=is_response)
    contradiction = _contradiction(queue, promises, ask, touch, ceiling if is_response else None)
    is_explained = contradiction is None or contradiction.is_of_objective
    if ask.touch_minutes is None and contradiction is not None:
        refusal = refusal or contradiction.reason
    judged: list[Judged] = []
    plan, more, fluid, weeks = None, None, np.zeros(SLOTS_A_WEEK), 0
    if touch is not None and queue.week.cases_a_week > 0 and (is_explained or ask.touch_minutes is not None):
        judge = _judge(queue, promises, ask, touch, own if by_today else None)
        fluid, weeks = fluid_heads(judge.draws.week, judge.touch_seconds, target), judge.draws.weeks
        if search and refusal is None:
            margin = replace(ask, arrivals_factor=ask.arrivals_factor * (1 + queue.arrivals_margin))
            question = Question(_judge(queue, promises, margin, touch, own if by_today else None), target, ask.objective_pct, _step(queue, touch, margin))
            quick = _quick(question.judge)
            plan = _of_usual_weeks(best_plan, question, quick, judge)
            even = _of_usual_weeks(flat_plan, question, quick, judge)
            if even is not None:
                judged.append(Judged("flat", even.heads, even.outcome))
            if plan is None:
                refusal = OUT_OF_HEADS.format(percent=rounded(100 * queue.arrivals_margin))
            else:
                more = question.outcome(plan.heads)
        if queue.present_heads is not None:
            judged.append(Judged("as_staffed", queue.present_heads, judge.outcome(queue.present_heads)))
        judged += [Judged(name, heads, judge.outcome(heads)) for name, heads in (ask.rosters or {}).items()]
    erlang = _erlang(queue, ask, touch, target)
    return Answer(
        ask=ask, queue=queue, promises=promises, touch=touch, target_seconds=target, basis=TODAY_BASIS if by_today else AT_ONCE_BASIS, ceiling_pct=ceiling,
        plan=plan, rosters=tuple(judged),
        workload_heads=queue.week.workload_heads(touch.minutes * 60 * ask.touch_factor) * ask.arrivals_factor if touch is not None and queue.has_usual_week else None,
        fluid_heads=fluid, erlang_heads=erlang[0], erlang_opening_heads=erlang[1], is_erlang_a=queue.patience_seconds is not None, weeks=weeks, refusal=refusal,
        is_explained=is_explained, contradiction=contradiction.reason if contradiction is not None and ask.touch_minutes is not None else None, more=more,
    )  # fmt: skip


def _judge(queue: QueueInputs, promises: Sequence[PromiseInputs], ask: Ask, touch: Touch, own: OwnDelays | None) -> Judge:
    """Of the arrivals and the touch time asked for."""
    return Judge(_draws(queue, promises, ask, touch), touch.minutes * 60 * ask.touch_factor, is_response=promises[0].is_response, own=own)


def _of_usual_weeks(search: Callable[[Question, Judge | None], Plan | None], question: Question, quick: Judge | None, usual: Judge) -> Plan | None:
    """What a search finds for more cases than usual, with what it brings of the usual ones, of which it keeps the objective too."""
    for points in _MORE_POINTS:
        found = search(replace(question, objective_pct=min(question.objective_pct + points, 100.0)), quick)
        if found is None:
            return None
        outcome = usual.outcome(found.heads)
        if outcome.keeps(question.objective_pct):
            return replace(found, outcome=outcome)
    return None


def judge_roster(desk: DeskInputs, ask: Ask, heads: Floats) -> Outcome:
    """What one roster brings. Raises OpslaError as `answer` does, and where nobody knows the touch time."""
    found = answer(desk, replace(ask, rosters={"asked": heads}), search=False)
    for each in found.rosters:
        if each.name == "asked":
            return each.outcome
    raise OpslaError(f"{ask.queue}: {found.refusal}")


def roster_slots(heads: HeadsByHour) -> Floats:
    """The 168 slots of a roster."""
    return np.asarray(heads, dtype=np.float64).reshape(SLOTS_A_WEEK)


def queue_shares(desk: DeskInputs, found: Answer) -> dict[str, Floats]:
    """Of a plan for the desk: the heads of each slot by queue, in proportion to the work that is due there; a head may be shared.

    Empty where the plan is of one queue, or the desk has but one, and for a resolution, on which several queues work one after the other.
    """
    others = [name for name in desk.queues if name != DESK_QUEUE]
    if found.plan is None or found.ask.queue != DESK_QUEUE or len(others) < 2 or found.touch is None or not found.promises[0].is_response:
        return {}
    work = {}
    for name in others:
        own = desk.queues[name]
        minutes = found.ask.touch_minutes or (own.touch.minutes if own.touch is not None else found.touch.minutes)
        work[name] = fluid_heads(own.week, minutes * 60, found.target_seconds)
    total = np.maximum(sum(work.values()), 1e-12)
    return {name: found.plan.heads * part / total for name, part in work.items()}


def _asked(desk: DeskInputs, ask: Ask) -> tuple[QueueInputs, tuple[PromiseInputs, ...]]:
    if ask.queue not in desk.queues:
        known = ", ".join(name for name in desk.queues if name != DESK_QUEUE) or "none"
        raise OpslaError(f"--queue {ask.queue}: no such queue with enough cases in the last weeks; known: {known}; a case counts for the queue that answers it first; without --queue the whole desk is planned")
    chosen = tuple(
        promise for promise in desk.promises[ask.queue] if promise.metric == ask.metric and (not ask.policies or promise.policy in ask.policies)
    )
    if not chosen:
        known = ", ".join(dict.fromkeys(promise.metric for promise in desk.promises[ask.queue]))
        raise OpslaError(f"--queue {ask.queue}: no case of it was promised {ask.metric} in the last weeks; promised were: {known}")
    return desk.queues[ask.queue], chosen


def _touch(queue: QueueInputs, ask: Ask) -> Touch | None:
    if ask.touch_minutes is not None:
        return Touch(ask.touch_minutes, queue.touch.variation if queue.touch is not None else 1.0, "as asked")
    return queue.touch


def _target(ask: Ask, promises: Sequence[PromiseInputs]) -> float:
    """Of several targets the mean, by their cases: what the pencil's bounds are for."""
    if ask.within_seconds is not None:
        return ask.within_seconds
    weights = np.array([promise.share for promise in promises])
    return float(np.average([promise.target_seconds for promise in promises], weights=weights if weights.sum() else None))


def _own(ask: Ask, promises: Sequence[PromiseInputs]) -> tuple[OwnDelays | None, float | None]:
    """What cases take that find a free head, in parts of the target asked for, and the percentage kept with it; of a longer target than promised that is not known."""
    own = next((promise.own for promise in promises if promise.own is not None), None)
    if own is None or ask.within_seconds is None:
        return own, None if own is None else 100 * own.share_kept
    part = ask.within_seconds / _target(replace(ask, within_seconds=None), promises)
    return (own.of_part(part), 100 * own.of_part(part).share_kept) if part <= 1 else (None, None)


def _refusal(ask: Ask, promises: Sequence[PromiseInputs], touch: Touch | None, ceiling: float | None, *, is_response: bool) -> str | None:
    other = next((promise.reason for promise in promises if promise.reason is not None and promise.reason not in OF_TOUCH), None)
    if other is not None:
        return other
    if touch is None or touch.basis == AT_MOST:
        return next((promise.reason for promise in promises if promise.reason is not None), "nobody knows how long a case takes")
    if is_response:
        return None
    if ceiling is None:
        return "nobody knows what a case takes beside its wait for a head: no source tells heads, or too few cases of the last weeks found a free one and ended"
    if ask.within_seconds is not None:
        return "for a resolution the log tells what cases take beside the wait for a head only at the promised target; ask without `within`"
    if ceiling < ask.objective_pct:
        return (
            f"with a head for every case at once {rounded(ceiling, 1)} % would be kept: the rest is work and waits for others (customers, vendors, reviews), "
            "which more heads do not shorten"
        )
    return None


@dataclass(frozen=True)
class _Contradiction:
    """What the past has against a plan; `is_of_objective`: against the objective alone, and not against the model."""

    reason: str
    is_of_objective: bool = False


def _contradiction(
    queue: QueueInputs, promises: Sequence[PromiseInputs], ask: Ask, touch: Touch | None, ceiling: float | None
) -> _Contradiction | None:
    """None where the past bears the plan out, or cannot tell. `ceiling` None: there is none, or it is looked at elsewhere."""
    if touch is None or not queue.has_usual_week:
        return None
    reason = next((promise.reason for promise in promises if promise.reason in OF_TOUCH), HEADS_EXPLAIN_NOTHING) if touch.basis == AT_MOST else _not_allowed(queue, touch)
    if reason is not None:
        return _Contradiction(reason)
    if ceiling is not None and ceiling < ask.objective_pct:
        return _Contradiction(OUT_OF_REACH.format(ceiling=rounded(ceiling, 1), objective=ask.objective_pct), is_of_objective=True)
    reason = _unexplained(queue, promises, ask, touch)
    return None if reason is None else _Contradiction(reason)


def _not_allowed(queue: QueueInputs, touch: Touch) -> str | None:
    """What is said of a touch time that the days of the desk do not allow. Those of one queue may be its own."""
    if queue.allowed_minutes is None or queue.queue != DESK_QUEUE or touch.basis == FROM_WAITS:
        return None
    shortest, longest = queue.allowed_minutes
    if touch.minutes > longest * _TOUCH_TOLERANCE:
        return TOO_LONG.format(minutes=rounded(touch.minutes, 1), longest=rounded(longest, 1), basis=touch.basis)
    if touch.minutes < shortest / _TOUCH_TOLERANCE:
        return TOO_SHORT.format(minutes=rounded(touch.minutes, 1), shortest=rounded(shortest, 1), basis=touch.basis)
    return None


def _unexplained(queue: QueueInputs, promises: Sequence[PromiseInputs], ask: Ask, touch: Touch) -> str | None:
    """What is said where the model that plans lets the heads as staffed keep another share than they did; None where they agree or nobody can tell.

    Days that tell touch times tell the level with them, of the heads that each day had. A what-if is not held against the past: it is of other arrivals or
    touch times.
    """
    known = [(promise.share, promise.attainment_pct) for promise in promises if promise.attainment_pct is not None]
    total = sum(share for share, _ in known)
    if queue.present_heads is None or queue.allowed_minutes is not None or total <= 0 or (ask.arrivals_factor, ask.touch_factor) != (1.0, 1.0):
        return None
    actual = sum(share * kept for share, kept in known) / total
    as_promised = replace(ask, within_seconds=None)
    simulated = _judge(queue, promises, as_promised, touch, _own(as_promised, promises)[0]).outcome(queue.present_heads).attainment_pct
    if abs(simulated - actual) <= _MOST_MISSED_POINTS:
        return None
    return UNEXPLAINED.format(simulated=rounded(simulated, 1), actual=rounded(actual, 1), weeks=counted(queue.weeks, "week"))


def _draws(queue: QueueInputs, promises: Sequence[PromiseInputs], ask: Ask, touch: Touch) -> Draws:
    """Of the arrivals asked for, which are the usual cases and others or fewer of them."""
    weeks = weeks_to_draw(queue.week.cases_a_week * max(ask.arrivals_factor, 1.0))
    drawn = draw(queue.week, promised(promises, ask.within_seconds), weeks, variation=touch.variation, most_arrivals=ask.arrivals_factor)
    return replace(drawn, week=replace(queue.week, cases=queue.week.cases * ask.arrivals_factor))


def _quick(judge: Judge) -> Judge | None:
    """The same cases as a workload, where there are many; None where each is served at once anyway, or there is no such look."""
    if judge.is_workload or len(judge.draws.arrival_seconds) <= _CASES_LOOKED_AT_QUICKLY:
        return None
    quick = judge.as_workload()
    return quick if quick.is_workload else None


def _step(queue: QueueInputs, touch: Touch, ask: Ask) -> float:
    workload = queue.week.workload_heads(touch.minutes * 60 * ask.touch_factor) * ask.arrivals_factor
    return 0.2 if ask.queue != DESK_QUEUE and workload < _HEADS_IN_FIFTHS else 1.0


def _erlang(queue: QueueInputs, ask: Ask, touch: Touch | None, target: float) -> tuple[int | None, int | None]:
    if touch is None or not queue.has_usual_week:
        return None, None
    seconds = touch.minutes * 60 * ask.touch_factor
    volume = queue.week.cases_a_week * ask.arrivals_factor / (queue.week.seconds / 3600)
    served = queue.week.served_cases() * ask.arrivals_factor
    length = np.maximum(queue.week.open_seconds, 1.0) / 3600
    opening = float(np.max(np.where(queue.week.is_open, served / length, 0.0)))
    return (
        erlang_heads(volume, seconds, target, ask.objective_pct, queue.patience_seconds),
        erlang_heads(opening, seconds, target, ask.objective_pct, queue.patience_seconds),
    )
