"""sla_policies.yml: the promises, as data.

Belongs here: the document, and its rows: what starts, stops and pauses each metric, and which policy promises what to whom.
Does not belong here: how a clock is computed (sql/staging/clocks/) and when a calendar is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import pyarrow as pa
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import Document, DurationText, parse_duration, percentage, problem_at
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.status import INITIATORS, MESSAGE_SIGNALS, TERMINAL_STATUSES, GroupSignal, Signal

SLA_METRIC_RULES = pa.schema([("metric", pa.string()), ("role", pa.string()), ("signal", pa.string()), ("is_repeating", pa.bool_())])
SLA_POLICIES = pa.schema([
    ("policy", pa.string()), ("position", pa.int64()), ("metric", pa.string()), ("calendar", pa.string()),
    ("target_seconds", pa.int64()), ("reopen", pa.string()), ("change", pa.string()), ("schedule_change", pa.string()),
    ("objective_pct", pa.float64()),
])
SLA_POLICY_SCOPES = pa.schema([
    ("policy", pa.string()), ("position", pa.int64()), ("attribute", pa.string()), ("value", pa.string()),
])

_NAME = r"^[a-z][a-z0-9_]*$"


class Reopen(StrEnum):
    """What a reopened case does to a clock that had stopped."""

    freeze = "freeze"
    restart = "restart"
    resume = "resume"
    void = "void"


class Change(StrEnum):
    """From when a policy counts that comes into force while the clock runs."""

    retroactive = "retroactive"
    restart = "restart"


class ScheduleChange(StrEnum):
    """How a calendar counts that changes while the clock runs."""

    in_force = "in_force"
    last = "last"


AnySignal = Signal | GroupSignal


def _as_signal(value: object) -> object:
    """One readable error instead of one for each member of the union."""
    known = [*Signal, *GroupSignal]
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"Input should be one of {', '.join(repr(str(signal)) for signal in known)}")
    return GroupSignal(value) if value in [*GroupSignal] else Signal(value)


def _each_once(signals: tuple[AnySignal, ...]) -> tuple[AnySignal, ...]:
    twice = {signal for signal in signals if signals.count(signal) > 1}
    if twice:
        raise ValueError(f"{min(twice)} is listed twice")
    return signals


Signals = Annotated[tuple[Annotated[AnySignal, BeforeValidator(_as_signal)], ...], AfterValidator(_each_once)]
Boundary = Annotated[Signals, Field(min_length=1)]
MetricName = Annotated[str, Field(pattern=_NAME)]


class Metric(Document):
    """What is measured: the signals that start, stop, cancel and pause a clock, and those that must have come before a start counts."""

    title: str
    variant: str | None = None
    start: Boundary
    stop: Boundary
    cancel: Signals = ()
    pause: Signals = ()
    #: A start counts only after the first of these: a next reply answers what was said after the first reply.
    after: Signals = ()
    #: Every start after a stop is a cycle of its own: the next reply, the periodic update.
    repeats: bool = False

    @model_validator(mode="after")
    def _roles_agree(self) -> Metric:
        for signal in self.pause:
            if not signal.is_status:
                raise ValueError(f"pause: {signal} is no status that lasts; a clock stands still while a case is in a status")
            if signal in (*self.start, *self.stop, *self.cancel):
                raise ValueError(f"{signal} both pauses the clock and starts or ends it; give it one role")
        for signal in (*self.stop, *self.cancel):
            if signal is Signal.INTAKE:
                raise ValueError("every case begins with INTAKE, so a clock cannot end there")
            if signal in self.start and not self.repeats:
                raise ValueError(f"{signal} both starts and ends the clock; give it one role, or say repeats: true")
        if both := set(self.stop) & set(self.cancel):
            raise ValueError(f"{min(both)} both stops and cancels the clock; give it one role")
        if self.after and Signal.INTAKE in (*self.start, *self.after):
            raise ValueError(
                "every case begins with INTAKE, so nothing comes before it: with `after`, name what starts the clock later "
                "(start: [CUSTOMER_MESSAGE], after: [PUBLIC_REPLY])"
            )
        return self

    @property
    def is_reply(self) -> bool:
        """Whether it measures an answer: a message stops it, and otherwise at most the end of the case."""
        ends = {*MESSAGE_SIGNALS, *TERMINAL_STATUSES}
        return any(signal in MESSAGE_SIGNALS for signal in self.stop) and all(signal in ends for signal in self.stop)

    def roles(self) -> list[tuple[str, AnySignal]]:
        """Role and signal.

        A reopen starts anew, where the policy says so, what only the end of a case stops: no first touch. In a case that the desk began
        there is nothing to answer at intake: what measures an answer starts when the customer writes.
        """
        roles: list[tuple[str, tuple[AnySignal, ...]]] = [
            ("start", self.start), ("stop", self.stop), ("cancel", self.cancel), ("pause", self.pause), ("after", self.after),
        ]
        if not self.repeats and all(signal.value in TERMINAL_STATUSES for signal in self.stop):
            roles.append(("reopen", (Signal.REOPENED,)))
        if self.is_reply and Signal.INTAKE in self.start:
            roles.append(("start_if_outbound", (Signal.CUSTOMER_MESSAGE,)))
        return [(role, signal) for role, signals in roles for signal in signals]


def _as_percent(value: object) -> float:
    """`95%` or 95 as a number. Raises ValueError for what is no share of promises that could be kept and missed."""
    percent = percentage(value, "95%")
    if not 0 < percent < 100:
        raise ValueError(f"{value!r}: an objective lies between 0% and 100%; one of 100% leaves no error budget, and 0% promises nothing")
    return percent


#: How many of a promise's clocks are to be kept, in percent; what is left is its error budget.
Objective = Annotated[float, BeforeValidator(_as_percent)]


def _as_target(value: object) -> object:
    return value if isinstance(value, dict) else {"target": value}


class Target(Document):
    """How much open time of a calendar; `3d` are three business days of it."""

    target: DurationText
    calendar: str | None = None
    objective: Objective | None = None

    @model_validator(mode="after")
    def _is_a_duration(self) -> Target:
        self.seconds(day_seconds=86_400)
        return self

    @property
    def is_in_days(self) -> bool:
        return "d" in self.target

    def seconds(self, day_seconds: int) -> int:
        """Open seconds; a day is `day_seconds` of them. Raises ValueError for what is no duration."""
        seconds = parse_duration(self.target, day_seconds=day_seconds)
        if seconds <= 0:
            raise ValueError(f"{self.target!r}: a promise takes some time; write 15m, 2h or 3d")
        return seconds


def _as_values(value: object) -> object:
    """One value as a list of one; numbers, which YAML makes of what looks like one, as their text."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(each) if isinstance(each, int) and not isinstance(each, bool) else each for each in values]


Values = Annotated[tuple[str, ...], BeforeValidator(_as_values), Field(min_length=1)]
#: Before the name of a dimension, where attributes of a case are named.
DIMENSION = "dimension."


class Scope(Document):
    """Whom a policy is for: every attribute named must have one of its values."""

    priority: Values | None = None
    tier: Values | None = None
    brand: Values | None = None
    region: Values | None = None
    channel: Values | None = None
    queue: Values | None = None
    case_type: Values | None = None
    customer: Values | None = None
    tag: Values | None = None
    source: Values | None = None
    initiated_by: Values | None = None
    #: A dimension that sources.yml names -> its values.
    dimensions: Mapping[str, Values] = {}

    @model_validator(mode="after")
    def _initiators_are_known(self) -> Scope:
        for value in self.initiated_by or ():
            if value not in INITIATORS:
                raise ValueError(f"initiated_by: a case is begun by {', '.join(INITIATORS)}, not by {value!r}")
        return self

    def values(self) -> list[tuple[str, str]]:
        """Attribute of a case and value; a queue is the case's team."""
        named = {"queue": "team", "tag": "tags"}
        attributes = [(named.get(name, name), values) for name, values in self if name != "dimensions" and values is not None]
        attributes += [(f"{DIMENSION}{name}", values) for name, values in self.dimensions.items()]
        return [(name, value) for name, values in attributes for value in dict.fromkeys(values)]


class Policy(Document):
    """What is promised to the cases in scope; the first policy that matches a case is in force."""

    name: Annotated[str, Field(pattern=_NAME)]
    title: str = ""
    when: Scope = Scope()
    calendar: str
    targets: Annotated[dict[MetricName, Annotated[Target, BeforeValidator(_as_target)]], Field(min_length=1)]
    reopen: Reopen = Reopen.freeze
    change: Change = Change.retroactive
    schedule_change: ScheduleChange = ScheduleChange.last
    #: Of every target that names none of its own.
    objective: Objective | None = None

    def objective_of(self, metric: str) -> float | None:
        """The share of the clocks of `metric`, in percent, that is to be met; None where none is named."""
        return self.targets[metric].objective or self.objective


class SlaPoliciesSettings(Document):
    """The whole of sla_policies.yml."""

    metrics: Annotated[dict[MetricName, Metric], Field(min_length=1)]
    policies: tuple[Policy, ...]

    @model_validator(mode="after")
    def _agree(self) -> SlaPoliciesSettings:
        names = [policy.name for policy in self.policies]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise problem_at(("policies", number, "name"), f"two policies are called {name!r}; every policy needs a name of its own", name)
        for number, policy in enumerate(self.policies):
            for metric in policy.targets:
                if metric not in self.metrics:
                    known = ", ".join(self.metrics)
                    raise problem_at(("policies", number, "targets", metric), f"no such metric under metrics; known: {known}", metric)
        return self


def rule_tables(policies: SlaPoliciesSettings, calendars: Mapping[str, Calendar]) -> dict[str, pa.Table]:
    """The tables by name that sla_policies.yml becomes. Raises OpslaError as `sla_policies` does."""
    return {
        "staging.sla_metric_rules": sla_metric_rules(policies),
        "staging.sla_policies": sla_policies(policies, calendars),
        "staging.sla_policy_scopes": sla_policy_scopes(policies),
    }


def sla_metric_rules(policies: SlaPoliciesSettings) -> pa.Table:
    """`staging.sla_metric_rules`: one row a metric, role and signal, in the order of SLA_METRIC_RULES."""
    rows = [
        {"metric": name, "role": role, "signal": signal.value, "is_repeating": metric.repeats}
        for name, metric in policies.metrics.items()
        for role, signal in metric.roles()
    ]
    return pa.Table.from_pylist(rows, schema=SLA_METRIC_RULES)


def sla_policies(policies: SlaPoliciesSettings, calendars: Mapping[str, Calendar]) -> pa.Table:
    """`staging.sla_policies`: one row a policy and metric, in the order of SLA_POLICIES.

    Raises OpslaError for a target on a calendar that is not among `calendars`, and for one in days where the calendar's days differ.
    """
    rows = [
        {
            "policy": policy.name, "position": position, "metric": metric, "calendar": target.calendar or policy.calendar,
            "target_seconds": _seconds(f"policies.{policy.name}", policy, metric, calendars),
            "reopen": policy.reopen.value, "change": policy.change.value, "schedule_change": policy.schedule_change.value,
            "objective_pct": policy.objective_of(metric),
        }
        for position, policy in enumerate(policies.policies, start=1)
        for metric, target in policy.targets.items()
    ]
    return pa.Table.from_pylist(rows, schema=SLA_POLICIES)


def sla_policy_scopes(policies: SlaPoliciesSettings) -> pa.Table:
    """`staging.sla_policy_scopes`: one row a policy, attribute and value, in the order of SLA_POLICY_SCOPES."""
    rows = [
        {"policy": policy.name, "position": position, "attribute": attribute, "value": value}
        for position, policy in enumerate(policies.policies, start=1)
        for attribute, value in policy.when.values()
    ]
    return pa.Table.from_pylist(rows, schema=SLA_POLICY_SCOPES)


def _seconds(place: str, policy: Policy, metric: str, calendars: Mapping[str, Calendar]) -> int:
    target = policy.targets[metric]
    name = target.calendar or policy.calendar
    if name not in calendars:
        raise OpslaError(
            f"sla_policies.yml: {place}: calendars.yml has no calendar {name!r}; known: {', '.join(calendars)}"
        )
    if not target.is_in_days:
        return target.seconds(day_seconds=0)
    day_seconds = calendars[name].business_day_seconds
    if day_seconds is None:
        raise OpslaError(
            f"sla_policies.yml: {place}.targets.{metric}: {target.target} are business days, but the days of calendar {name!r} are "
            "not equally long; say in calendars.yml how long one is (business_day: 8h), or write the target in hours"
        )
    return target.seconds(day_seconds)
