"""What agents did, as a table for the terminal: `opsla agents`.

Belongs here: mart.agent_activity beside the local lists of names. Does not belong here: counting, and keeping names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
from rich.table import Table
from rich.text import Text

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import rounded
from opsla_dagster.reporting import wording
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.bronze.names import names_of
from opsla_dagster.terminal import ruled_table
from opsla_dagster.warehouse.connection import reading

_HEADINGS = (
    "Source", "Agent", "Replies", "Notes", "Cases taken", "Resolved", "Reopened\nafterwards", "Answered\nfirst", "Median first reply,\nbusiness minutes",
)
_TEXTS = 2
_RESOLVED = (
    "Resolved: cases that the agent held when they were resolved or closed, whoever wrote that change; cases that no agent held then are nobody's."
)


def agents_table(home: Home, month: date | None) -> Table:
    """Who did what in `month`, by default that of the desk's now, or the last one before it in which anybody did something; names where the home has a list of them.

    Raises OpslaError where there is no warehouse, no such table in it, or nobody in that month.
    """
    names = names_of(home)
    with reading(home.warehouse) as connection:
        try:
            months = [row[0] for row in connection.execute("select distinct month_date from mart.agent_activity order by all").fetchall()]
        except duckdb.CatalogException as error:
            raise OpslaError(f"{home.warehouse}: this home has not made mart.agent_activity yet; `opsla run` makes it") from error
        if not months:
            raise OpslaError("no agent is known: the sources tell neither who replied nor who held a case")
        chosen, why = (month, "") if month else _month_of_now(connection, months)
        if chosen not in months:
            raise OpslaError(f"--month {chosen:%Y-%m}: no agent did anything in it; there are {months[0]:%Y-%m} to {months[-1]:%Y-%m}")
        found = connection.execute(
            "select source, agent, public_reply_count, private_note_count, taken_cases, resolved_cases, reopened_after_cases, first_replied_cases, "
            "first_reply_p50_business_minutes from mart.agent_activity where month_date = $month "
            "order by source, public_reply_count desc, resolved_cases desc, agent",
            {"month": chosen},
        ).fetchall()
    table = ruled_table(title=f"Agents in {chosen:%B %Y}{why}", caption=_RESOLVED)
    for place, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="left" if place < _TEXTS else "right")
    for source, agent, *counts, median in found:
        shown = "" if median is None else rounded(median)
        table.add_row(Text(source), Text(names.get((source, agent), agent)), *(f"{count:,}" for count in counts), shown)
    return table


def _month_of_now(connection: duckdb.DuckDBPyConnection, months: Sequence[date]) -> tuple[date, str]:
    """The month of the desk's now, and why it is that one, for the heading.

    Stamps of the future and cases of later dates make later months, which are not the desk's. Now may be the first minute of a month.
    """
    found = connection.execute("select now_date from mart.desk_now").fetchone()
    now_date = found[0] if found else months[-1]
    until_now = [each for each in months if each <= now_date]
    if not until_now:
        return months[0], f", the first month with any activity: now is {wording.day(now_date)}"
    if until_now[-1] == now_date.replace(day=1):
        return until_now[-1], f", the month of now, {wording.day(now_date)}"
    return until_now[-1], f", the last month with any activity: now is {wording.day(now_date)}"
