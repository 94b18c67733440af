"""The parameters of each page, as OpenAPI describes them and as a page takes them.

Belongs here: names, bounds of their length, descriptions. Does not belong here: whether a value is one that there is (the pages refuse others).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from opsla_dagster.center.address import State, parse_choice, parse_day, parse_instant, parse_number
from opsla_dagster.center.levers import LEAST, MOST, Changes, parse_change
from opsla_dagster.center.pages.cases import OUTCOMES, RECORDS, SORTS, STATES, Filters
from opsla_dagster.center.pages.forecast import Asked, read_asked
from opsla_dagster.center.pages.open_cases import STANDINGS, WAITS, OpenFilters
from opsla_dagster.center.pages.standing import AGES

_MOST_PAGES = 1_000_000
_WHOLE = "The key of a table to show on the page with all its rows, 500 at most; its CSV has all of them anyway."


def _text(description: str) -> object:
    return Field(default="", max_length=200, description=description)


class Parameters(BaseModel):
    """What every page takes. A parameter that a page does not know is refused; an empty one is as if it were not there."""

    model_config = ConfigDict(extra="forbid")

    at: Annotated[str, _text("The instant to show, as the log knows it today: 2025-12-20T14:30 of the desk's zone, or with Z or an offset. Without it: now.")] = ""
    queue: Annotated[str, _text("One queue alone.")] = ""
    whole: Annotated[str, _text(_WHOLE)] = ""

    def state(self, zone: str, root: str) -> State:
        """The state of the page. Raises RefusedAddress."""
        return State(at=parse_instant(self.at, zone) if self.at.strip() else None, queue=self.queue or None, root=root)


class InstantParameters(BaseModel):
    """Of pages that show no queue."""

    model_config = ConfigDict(extra="forbid")

    at: Annotated[str, _text("The instant that the other pages show; it changes nothing here.")] = ""
    whole: Annotated[str, _text(_WHOLE)] = ""

    def state(self, zone: str, root: str) -> State:
        """The state of the page. Raises RefusedAddress."""
        return State(at=parse_instant(self.at, zone) if self.at.strip() else None, root=root)


class CaseParameters(InstantParameters):
    """Of the page of one case."""

    id: Annotated[str, Field(min_length=1, max_length=500, description="The id of the case, as the source writes it.")]


class FlowParameters(Parameters):
    """Of the page of flow."""

    days: Annotated[str, _text("How far to look back: 14, 28, 91 or 365 days.")] = ""


class ForecastParameters(Parameters):
    """Of the page of the forecast: a change, in percent of what is, and the open cases to come down to."""

    heads: Annotated[str, _text("More heads, in percent: 10; fewer: -10.")] = ""
    arrivals: Annotated[str, _text("More arrivals, in percent: 10; fewer: -10.")] = ""
    handling: Annotated[str, _text("Longer touch time, in percent: 10; shorter: -10.")] = ""
    target: Annotated[str, _text("Open cases to come down to.")] = ""

    def asked(self) -> Asked:
        """The change. Raises RefusedAddress for what cannot be read."""
        return read_asked(self.heads, self.arrivals, self.handling, self.target)


class WhatIfParameters(InstantParameters):
    """Of the comparison of promises. Targets and calendars are target.<policy>.<metric> and calendar.<policy>."""

    model_config = ConfigDict(extra="allow")

    days: Annotated[str, _text("Days of intake that are judged anew: 7, 28 or 91.")] = ""


class StaffingParameters(Parameters):
    """Of the page of staffing. The three changes are in percent of what is planned with."""

    promise: Annotated[str, _text("The metric of a promise. Without it: the promise of a first answer that has an objective.")] = ""
    heads: Annotated[str, _text("More heads than the plan's, in percent: 10; fewer: -10.")] = ""
    arrivals: Annotated[str, _text("More arrivals, in percent: 10; fewer: -10.")] = ""
    handling: Annotated[str, _text("Longer touch time, in percent: 10; shorter: -10.")] = ""

    def what_if(self) -> Changes:
        """The changes. Raises RefusedAddress for what is none."""
        return Changes(*(parse_change(name, getattr(self, name), LEAST, MOST) for name in ("heads", "arrivals", "handling")))


class QueuesParameters(InstantParameters):
    """Of the page of queues."""

    by: Annotated[str, _text("queue (the default), priority, tier, region, brand or channel.")] = ""


class OpenParameters(Parameters):
    """Of the list of open cases."""

    standing: Annotated[str, _text("past_due, due_in_2_hours or due_next_business_day (by its end).")] = ""
    age: Annotated[str, _text("under_1_day, 1_to_3_days, 3_to_7_days, 7_to_30_days or over_30_days.")] = ""
    waits_for: Annotated[str, _text("us, customer, vendor or other.")] = ""
    status: Annotated[str, _text("The status at the instant.")] = ""
    priority: Annotated[str, _text("A priority, none for cases without one.")] = ""
    tier: Annotated[str, _text("A tier, none for cases without one.")] = ""
    region: Annotated[str, _text("A region, none for cases without one.")] = ""
    brand: Annotated[str, _text("A brand, none for cases without one.")] = ""
    channel: Annotated[str, _text("A channel, none for cases without one.")] = ""
    page: Annotated[str, _text("Page of the list, from 1.")] = ""

    def filters(self) -> OpenFilters:
        """The filters. Raises RefusedAddress for what cannot be read."""
        return OpenFilters(
            standing=parse_choice("standing", self.standing, STANDINGS) if self.standing else None,
            age=parse_choice("age", self.age, AGES) if self.age else None,
            waits_for=parse_choice("waits_for", self.waits_for, WAITS) if self.waits_for else None,
            status=self.status or None,
            priority=self.priority or None,
            tier=self.tier or None,
            region=self.region or None,
            brand=self.brand or None,
            channel=self.channel or None,
            page=parse_number("page", self.page, 1, _MOST_PAGES) if self.page else 1,
        )


class CasesParameters(Parameters):
    """Of the list of cases."""

    search: Annotated[str, _text("Part of the case's id, upper and lower case alike.")] = ""
    state_: Annotated[str, Field(default="", max_length=200, alias="state", description="open, or ended for everything that is not open, at the instant shown.")] = ""
    priority: Annotated[str, _text("A priority, none for cases without one.")] = ""
    tier: Annotated[str, _text("A tier, none for cases without one.")] = ""
    case_type: Annotated[str, _text("A type of case, none for cases without one.")] = ""
    outcome: Annotated[str, _text("Cases with a clock that is met, breached, running or unknown.")] = ""
    metric: Annotated[str, _text("The metric of that clock.")] = ""
    policy: Annotated[str, _text("The policy of that clock.")] = ""
    records: Annotated[str, _text("rejected, for cases of which records were rejected, or complete.")] = ""
    first_day: Annotated[str, _text("First intake date, 2025-12-01.")] = ""
    last_day: Annotated[str, _text("Last intake date, 2025-12-31.")] = ""
    sort: Annotated[str, _text("newest, oldest, reopened or id.")] = ""
    page: Annotated[str, _text("Page of the list, from 1.")] = ""

    def filters(self) -> Filters:
        """The filters. Raises RefusedAddress for what cannot be read."""
        return Filters(
            search=self.search.strip() or None,
            state=parse_choice("state", self.state_, STATES) if self.state_ else None,
            priority=self.priority or None,
            tier=self.tier or None,
            case_type=self.case_type or None,
            outcome=parse_choice("outcome", self.outcome, OUTCOMES) if self.outcome else None,
            metric=self.metric or None,
            policy=self.policy or None,
            records=parse_choice("records", self.records, RECORDS) if self.records else None,
            first_day=parse_day("first_day", self.first_day) if self.first_day else None,
            last_day=parse_day("last_day", self.last_day) if self.last_day else None,
            sort=parse_choice("sort", self.sort, SORTS) if self.sort else "newest",
            page=parse_number("page", self.page, 1, _MOST_PAGES) if self.page else 1,
        )
