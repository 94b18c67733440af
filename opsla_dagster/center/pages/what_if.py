"""What other promises would do to the cases that came in: the comparison of `opsla policy-diff`, asked for by an address.

Belongs here: the promises that an address may ask for, and what changes. Does not belong here: judging (reporting/policy_diff.py).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
from pydantic import ValidationError

from opsla_dagster.center.address import RefusedAddress
from opsla_dagster.center.answers import bounded
from opsla_dagster.center.model import Column, Grid, Page
from opsla_dagster.center.publication import THREADS, CasesAreGoneError
from opsla_dagster.center.view import View
from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.promises import metric_title, policy_title
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.warehouse.case_copy import cases_of
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.window import ONE_DAY, Window

#: Days of intake that are judged anew; whole histories are for `opsla policy-diff`.
DAYS = {"7": "the last 7 days", "28": "the last 28 days", "91": "the last 91 days"}
#: A comparison is given up after that long, and gets that much memory.
SECONDS, MEMORY_LIMIT = 30.0, "1GB"
CASES_SHOWN = 200
_TARGET, _CALENDAR = "target.", "calendar."


@dataclass(frozen=True)
class Change:
    """Targets as text by (policy, metric), and calendars by policy, that differ from today's."""

    targets: Mapping[tuple[str, str], str]
    calendars: Mapping[str, str]


def read_change(parameters: Mapping[str, str], policies: SlaPoliciesSettings) -> Change:
    """What the parameters target.<policy>.<metric> and calendar.<policy> change; those that say what holds today change nothing.

    Raises RefusedAddress for promises that there are none of.
    """
    targets, calendars = {}, {}
    known = {(policy.name, metric): target.target for policy in policies.policies for metric, target in policy.targets.items()}
    calendar_of = {policy.name: policy.calendar for policy in policies.policies}
    for name, value in parameters.items():
        if name.startswith(_TARGET):
            policy, _, metric = name.removeprefix(_TARGET).partition(".")
            if (policy, metric) not in known:
                raise RefusedAddress(f"{name}: sla_policies.yml promises no such thing", 404)
            if value.strip() and value.strip() != known[policy, metric]:
                targets[policy, metric] = value.strip()
        elif name.startswith(_CALENDAR):
            policy = name.removeprefix(_CALENDAR)
            if policy not in calendar_of:
                raise RefusedAddress(f"{name}: sla_policies.yml has no such policy", 404)
            if value.strip() and value != calendar_of[policy]:
                calendars[policy] = value
    return Change(targets, calendars)


def what_if(view: View, change: Change, days: str) -> Page:
    """The form, and where something was changed what it would do; the caller bounds how often that is computed."""
    return _page(view, change, days, list(_compared(view, change, days)) if change.targets or change.calendars else [])


def refused_what_if(view: View, parameters: Mapping[str, str], problem: str) -> Page:
    """The form as it was filled in, and why it cannot be answered."""
    targets = {
        (policy, metric): value for name, value in parameters.items() if name.startswith(_TARGET) for policy, _, metric in [name.removeprefix(_TARGET).partition(".")]
    }  # fmt: skip
    calendars = {name.removeprefix(_CALENDAR): value for name, value in parameters.items() if name.startswith(_CALENDAR)}
    return _page(view, Change(targets, calendars), parameters.get("days", ""), [], problem)


def _page(view: View, change: Change, days: str, grids: list[Grid], problem: str = "") -> Page:
    policies = view.settings.sla_policies
    promises = [
        {
            "policy": policy.name, "policy_title": policy_title(policies, policy.name), "metric": metric, "title": metric_title(policies, metric),
            "target": target.target, "asked": change.targets.get((policy.name, metric), target.target),
        }
        for policy in policies.policies
        for metric, target in policy.targets.items()
    ]  # fmt: skip
    calendars = [
        {"policy": policy.name, "policy_title": policy_title(policies, policy.name), "calendar": policy.calendar,
         "asked": change.calendars.get(policy.name, policy.calendar)}
        for policy in policies.policies
    ]  # fmt: skip
    return Page(
        template="what_if.html.j2",
        title="What if",
        grids=grids,
        context={"promises": promises, "calendars": calendars, "calendar_names": list(view.settings.calendars.calendars), "days": days, "day_choices": DAYS,
                 "is_asked": bool(grids), "problem": problem},
    )


def _compared(view: View, change: Change, days: str) -> list[Grid]:
    # Dagster comes along with these, 25 MB that most readers never need.
    from opsla_dagster.reporting.policy_diff import Promises, attainment, changes, judge_both
    from opsla_dagster.sources.desk import build_desk

    calendars = build_desk(view.settings).calendars(view.settings.calendars)
    today = Promises(Path("today"), view.settings.sla_policies, calendars)
    asked = Promises(Path("asked"), _changed(view.settings.sla_policies, change), calendars)
    held = cases_of(view.connection, view.settings.home)
    last = view.fetch("select max(intake_date) as last_date from staging.case_milestones", {})[0]["last_date"]
    if not held:
        raise CasesAreGoneError("The cases of this publication are gone.")
    if last is None:
        raise RefusedAddress("No case is loaded yet; `opsla run` loads a window of intake dates.", 404)
    window = Window(last - timedelta(days=int(days) - 1), last + ONE_DAY)
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": MEMORY_LIMIT, "threads": THREADS, "temp_directory": tempfile.gettempdir()}
    with duckdb.connect(config=config) as connection, bounded(connection, SECONDS):
        try:
            judge_both(connection, held, window, today, asked)
        except OpslaError as error:  # a target in days on a calendar whose days differ
            raise RefusedAddress(str(error)) from error
        return [_attainment(attainment(connection), view), _changes(changes(connection), view), _cases(connection, view)]


def _changed(policies: SlaPoliciesSettings, change: Change) -> SlaPoliciesSettings:
    document: dict[str, Any] = policies.model_dump(mode="json", exclude_none=True)
    for policy in document["policies"]:
        policy["calendar"] = change.calendars.get(policy["name"], policy["calendar"])
        for metric, target in policy["targets"].items():
            target["target"] = change.targets.get((policy["name"], metric), target["target"])
    try:
        return SlaPoliciesSettings.model_validate(document)
    except ValidationError as error:
        told = re.sub(r"^Value error, ", "", error.errors()[0]["msg"])
        raise RefusedAddress(f"These promises are not valid: {told}") from error


def _attainment(found: list[dict[str, Any]], view: View) -> Grid:
    titles = [{**row, "title": metric_title(view.settings.sla_policies, row["metric"])} for row in found]
    return Grid(
        key="attainment",
        title="Attainment today, and as asked",
        columns=[
            Column("title", "Promise"), Column("clocks_a", "Clocks today", "count"), Column("clocks_b", "Clocks as asked", "count"),
            Column("attainment_pct_a", "Met today", "pct"), Column("attainment_pct_b", "Met as asked", "pct"),
            Column("changed_verdicts", "Outcomes changed", "count"),
        ],
        rows=titles,
        empty="No case came in on these days.",
    )  # fmt: skip


def _changes(found: list[dict[str, Any]], view: View) -> Grid:
    policies = view.settings.sla_policies
    rows = [
        {**row, "title": metric_title(policies, row["metric"]), "policy_a": row["policy_a"] and policy_title(policies, row["policy_a"]),
         "policy_b": row["policy_b"] and policy_title(policies, row["policy_b"])}
        for row in found
    ]  # fmt: skip
    return Grid(
        key="changes",
        title="What changes",
        columns=[
            Column("title", "Promise"), Column("policy_b", "Policy"), Column("was", "Outcome today"), Column("becomes", "Outcome as asked"),
            Column("clocks", "Clocks", "count"), Column("cases", "Cases", "count"),
        ],
        rows=rows,
        empty="Nothing: every clock has the same target, time, due instant and outcome.",
    )  # fmt: skip


def _cases(connection: duckdb.DuckDBPyConnection, view: View) -> Grid:
    rows = rows_by_name(
        connection,
        """
        select case_id, metric, cycle, outcome_a, outcome_b, elapsed_seconds_a, elapsed_seconds_b, due_at_a, due_at_b
        from differences where outcome_a <> outcome_b
        order by case_id, metric, cycle
        limit $most
        """,
        {"most": CASES_SHOWN},
    )
    return Grid(
        key="changed_cases",
        title="Cases whose outcome changes",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])), Column("promise", "Promise"),
            Column("outcome_a", "Today"), Column("outcome_b", "As asked"), Column("elapsed_seconds_b", "Took", "seconds"),
            Column("due_at_a", "Due today", "instant"), Column("due_at_b", "Due as asked", "instant"),
        ],
        rows=[{**row, "promise": metric_title(view.settings.sla_policies, row["metric"])} for row in rows],
        empty="No outcome changes.",
        note=f"The first {CASES_SHOWN}." if len(rows) == CASES_SHOWN else "",
    )  # fmt: skip
