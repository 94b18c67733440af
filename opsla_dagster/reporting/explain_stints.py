"""The stints of an explained case: who held it, how it came there, and what each stint added to its life.

Belongs here: their words and their table, for a screen. Does not belong here: how stints are derived (sql/staging/events/ownership_stints.sql), and the
time line that is drawn of them (explain_picture.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby

import duckdb
from rich.table import Table
from rich.text import Text

from opsla_dagster.figures import counted
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.case_rows import Row, of_case
from opsla_dagster.reporting.explanation import Explanation, OwnershipSpan, Stint
from opsla_dagster.settings.ownership import UNASSIGNED
from opsla_dagster.terminal import ruled_table

#: Who holds a case that no agent holds, where only agents are told.
NOBODY = "nobody"
HAND_OFFS = ("handoff", "return_direct", "return_indirect")
_ENTERED = {
    "initial": "had it first", "handoff": "handed over", "return_direct": "came straight back", "return_indirect": "came back",
    "taken_up": "taken up", "unassigned": "let go",
}
STATES = {"queue": "in queue", "active": "worked on", "wait_customer": "waiting for the customer", "wait_other": "waiting for others", "done": "after completion"}


def stints_of(connection: duckdb.DuckDBPyConnection, case: Row) -> tuple[Stint, ...]:
    """The case's stints in order; none where nobody is told ever to hold it."""
    rows = of_case(connection, "staging.ownership_stints", case, "stint")
    if all(row["team"] == UNASSIGNED for row in rows):
        return ()
    names = ("stint", "team", "previous_team", "entered_by", "is_planned_return", "entered_by_actor", "started_at", "ended_at", "is_last")
    return tuple(
        Stint(
            **{name: row[name] for name in names},
            seconds={state: row[f"{state}_calendar_seconds"] for state in STATES},
            business_seconds={state: row[f"{state}_business_seconds"] for state in STATES},
            inactive_seconds=row["inactive_calendar_seconds"],
        )
        for row in rows
    )


def ownership_spans_of(connection: duckdb.DuckDBPyConnection, case: Row) -> tuple[OwnershipSpan, ...]:
    """The spans of the case's stints; those without length left out."""
    names = ("stint", "team", "agent", "state", "started_at", "ended_at")
    rows = of_case(connection, "staging.ownership_spans", case, "span_number")
    return tuple(OwnershipSpan(*(row[name] for name in names)) for row in rows if row["ended_at"] != row["started_at"])


def held_by_agents(spans: Sequence[OwnershipSpan]) -> list[tuple[str | None, datetime, datetime | None]]:
    """Who held the case from when to when, by agent alone: None is nobody. Empty where no agent ever held it."""
    held: list[tuple[str | None, datetime, datetime | None]] = []
    for agent, run in groupby(spans, key=lambda span: span.agent):
        of_agent = list(run)
        held.append((agent, of_agent[0].started_at, of_agent[-1].ended_at))
    return held if any(agent for agent, _, _ in held) else []


def summary(stints: Sequence[Stint], is_open: bool) -> str:
    """`3 hand-offs, 1 of them straight back (1 planned); the last owner, desk, had 0 % of its time up to completion`.

    An open case has no share: the time of whoever has it has not ended.
    """
    handed = [stint for stint in stints if stint.entered_by in HAND_OFFS]
    direct = sum(stint.entered_by == "return_direct" for stint in handed)
    last = stints[-1].team
    life = sum(stint.held_seconds for stint in stints)
    own = sum(stint.held_seconds for stint in stints if stint.team == last)
    planned = sum(stint.is_planned_return for stint in handed)
    back = f", {direct} of them straight back" + (f" ({planned} planned)" if planned else "") if direct else ""
    share = f"; the last owner, {last}, had {wording.percent(100 * own / life, 1)} of its time up to completion" if life and not is_open else ""
    return f"{counted(len(handed), 'hand-off')}{back}{share}"


def held_at_the_end(explanation: Explanation) -> str:
    """What is known of the holder where the source tells no more than whose a case is at its end; empty where it tells more, or nobody."""
    holder = " and ".join(filter(None, (explanation.team and f"the team {explanation.team}", explanation.agent and f"the agent {explanation.agent}")))
    if explanation.is_holding_told or not holder:
        return ""
    return f"its source tells {holder} of the case, as its row has it, and not since when: so there are no stints, hand-offs or shares of its time"


def entered(stint: Stint) -> str:
    """How the case came to the stint, in words."""
    words = "came back as planned" if stint.is_planned_return else _ENTERED[stint.entered_by]
    came = f"{words} by {stint.previous_team}" if stint.entered_by == "handoff" else f"{words} from {stint.previous_team}" if stint.previous_team else words
    return f"{came} (changed by {stint.entered_by_actor})" if stint.entered_by_actor else came


def parts(stint: Stint, inactive_after_seconds: int) -> str:
    """What its time was made of: `48:00:00 in queue, 1:00:00 worked on; 24:00:00 of it beyond 24 h of silence`."""
    told = [f"{wording.clock_time(seconds)} {STATES[state]}" for state, seconds in stint.seconds.items() if seconds]
    silent = f"; {wording.clock_time(stint.inactive_seconds)} of it beyond {wording.exact(inactive_after_seconds)} of silence" if stint.inactive_seconds else ""
    return ", ".join(told) + silent


def stints_table(explanation: Explanation, short: Callable[[datetime], str]) -> Table:
    """One row a stint; `short` writes an instant."""
    life = sum(stint.held_seconds for stint in explanation.stints)
    table = ruled_table()
    for name in ("#", "team", "from", "to"):
        table.add_column(name, no_wrap=name != "team", overflow="fold")
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("how it came, and what it added (by the clock)", overflow="fold")
    for stint in explanation.stints:
        # The time of whoever has an open case has not ended, so that no share of it is one of the life.
        share = "" if explanation.is_open or not life else wording.percent(100 * stint.held_seconds / life, 1)
        until = short(stint.ended_at) if stint.ended_at else "now" if explanation.is_open else "the end"
        running = "up to the last event; has it still" if explanation.is_open and stint.is_last else ""
        told = "; ".join(filter(None, (entered(stint), parts(stint, explanation.inactive_after_seconds), running)))
        table.add_row(str(stint.stint), Text(stint.team), short(stint.started_at), until, share, Text(told))
    return table
