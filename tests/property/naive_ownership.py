"""Who held a case, counted as naively as can be: record by record, second sums by plain subtraction.

Belongs here: the witness of ownership for the property tests (docs/decisions/0046-ownership.md). It shares no code with the package.
Does not belong here: reading logs, anything fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

NOBODY = "UNASSIGNED"
STATES = ("queue", "active", "wait_customer", "wait_other", "done")
STATE_OF = {
    "INTAKE": "queue", "ASSIGNED": "queue", "CUSTOMER_WAIT": "wait_customer", "ON_HOLD": "wait_other", "RESOLVED": "done", "CLOSED": "done",
    "MERGED": "done",
}


@dataclass(frozen=True)
class Told:
    """A record: its instant and, where it tells them, the status, the team and the agent ('': nobody)."""

    at: datetime
    status: str | None = None
    team: str | None = None
    agent: str | None = None


@dataclass
class Stint:
    """Seconds are by state, and inactive ones beside; those of a case that has ended."""

    team: str
    started_at: datetime
    entered_by: str = ""
    seconds: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*STATES, "inactive"), 0))


def elapsed(start: datetime, stop: datetime) -> int:
    return int((stop - start).total_seconds())


def stints(
    records: list[Told], team_before: str = "", seconds: Callable[[datetime, datetime], int] = elapsed, inactive_after: timedelta = timedelta(hours=24),
) -> list[Stint]:
    """The stints of a case whose records are in order; it comes in with the first of them, from `team_before`. `seconds` measures from one instant to another.

    Of a case that has not ended the stints have no seconds.
    """
    intake = records[0].at
    found = [Stint(team_before or NOBODY, intake)]
    for record in records:
        team = None if record.team is None else record.team or NOBODY
        if team is not None and team != found[-1].team:
            if len(found) == 1 and found[0].team == NOBODY and record.at == intake:
                found = []
            found.append(Stint(team, record.at))
    _name_entries(found)
    if has_ended(records):
        told = [record for record in records if record.status is not None]
        end = max([told[-1].at, *(record.at for record in records if record.team is not None or record.agent is not None)])
        _add_seconds(found, told, sorted({record.at for record in records}), end, seconds, inactive_after)
    return found


@dataclass(frozen=True)
class Live:
    """A case that is open at an instant: who has it since when and how often it came to another team, and when anything was told of it last."""

    team: str
    stint: int
    since: datetime
    handoffs: int
    returns: int
    last_told_at: datetime


def live_at(records: list[Told], at: datetime, team_before: str = "") -> Live | None:
    """None of a case that is not in yet, or over for the time being."""
    told = [record for record in records if record.at <= at]
    statuses = [record.status for record in told if record.status is not None]
    if not told or STATE_OF.get((statuses or ["INTAKE"])[-1]) == "done":
        return None
    begun = [stint for stint in stints(records, team_before) if stint.started_at <= at]
    entries = [stint.entered_by for stint in begun]
    returns = entries.count("return_direct") + entries.count("return_indirect")
    return Live(begun[-1].team, len(begun), begun[-1].started_at, entries.count("handoff") + returns, returns, told[-1].at)


def has_ended(records: list[Told]) -> bool:
    statuses = [record.status for record in records if record.status is not None]
    return STATE_OF.get(statuses[-1]) == "done"


def _name_entries(found: list[Stint]) -> None:
    runs: list[str] = []
    for number, stint in enumerate(found):
        if stint.team == NOBODY:
            stint.entered_by = "unassigned"
        elif not runs or runs[-1] == stint.team:
            stint.entered_by = "taken_up"
        elif len(runs) > 1 and runs[-2] == stint.team:
            stint.entered_by = "return_direct"
        else:
            stint.entered_by = "return_indirect" if stint.team in runs else "handoff"
        if number == 0:
            stint.entered_by = "initial"
        if stint.team != NOBODY and runs[-1:] != [stint.team]:
            runs.append(stint.team)


def _add_seconds(
    found: list[Stint], told: list[Told], activity: list[datetime], end: datetime, seconds: Callable[[datetime, datetime], int], inactive_after: timedelta,
) -> None:
    """Between two neighbouring instants at which anything changes, team, state and silence are constant."""
    silences = [at + inactive_after for at in activity]
    cuts = sorted({at for at in (*activity, *silences) if at <= end} | {end})
    for start, stop in pairwise(cuts):
        stint = [each for each in found if each.started_at <= start][-1]
        status = [record.status for record in told if record.at <= start][-1:] or ["INTAKE"]
        state = STATE_OF.get(status[0] or "", "active")
        stint.seconds[state] += seconds(start, stop)
        if state != "done" and start - max(at for at in activity if at <= start) >= inactive_after:
            stint.seconds["inactive"] += seconds(start, stop)
