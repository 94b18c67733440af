"""Next tickets: the first of each queue, by which policy, and why.

Belongs here: this one section. Does not belong here: the order (mart.next_best_ticket).
"""

from __future__ import annotations

import duckdb

from opsla_dagster.queueing.orders import BY_DUE_DATE
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import has_table
from opsla_dagster.reporting.next_tickets import (
    POLICIES,
    RISK_AND_CHANCE,
    TICKETS,
    UNTIL_NOW,
    defers,
    first_tickets,
    policies,
    share,
    why_by_due_date,
)
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import MOST_ROWS, Section


def next_tickets(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """The first ticket of each queue, of a single queue its first tickets; None where nothing waits for us."""
    if not has_table(connection, TICKETS) or not has_table(connection, POLICIES):
        return None
    tickets, in_force = first_tickets(connection, None, MOST_ROWS), policies(connection)
    if not tickets:
        return None
    by_index = [queue for queue, row in in_force.items() if row["picking_policy"] != BY_DUE_DATE]
    has_risk = any(row["breach_probability"] is not None for row in tickets)
    titles = headline.titles()
    return Section(
        key="next-tickets",
        title="Next tickets",
        finding=_finding(len(in_force), by_index, why_by_due_date(in_force), wording.instant(tickets[0]["now_at"])),
        tables=(TICKETS, POLICIES),
        how_to_read=(
            f"One row a ticket{', the first of each queue' if len(in_force) > 1 else ''}. Defers: the case with the strongest claim to be taken earlier, and that claim. "
            "What waits for somebody else is left out; opsla next has every queue and agent. "
            f"{UNTIL_NOW}{' ' + RISK_AND_CHANCE if has_risk else ''}"
        ),
        definition=(
            "By due date while the breaches of a simulation of the next five business days stay within what the objectives allow, and where that simulation does not reproduce what happened "
            "in the queue of late; else by the guarded index: the weight that an hour of work still saves, every 5th pick the longest overdue. What a case takes is an estimate by the pace of its queue, unless its source counts handling."
        ),
        data={
            "head": ["Case", "Queue", "Due", "Why it is next", *(["Risk"] if has_risk else []), "Defers", *(["Policy"] if by_index else [])],
            "rows": [
                [
                    row["case_id"], wording.told(row["queue"]), wording.MISSING if row["due_at"] is None else wording.due(row["due_at"], headline.zone),
                    row["next_reason"] if row["due_metric"] is None else f"{titles.get(row['due_metric']) or wording.name(row['due_metric'])}: {row['next_reason']}",
                    *([share(row["breach_probability"])] if has_risk else []), defers(row), *([row["picking_policy"]] if by_index else []),
                ]
                for row in tickets
            ],
        },
    )  # fmt: skip


def _finding(queues: int, by_index: list[str], by_due_date: str, now: str) -> str:
    """How many queues can keep their due dates."""
    of = f"{wording.counted(queues, 'queue has', 'queues have')} tickets to work on as of {now}"
    if not by_index:
        return f"{of}; in each the earliest due date goes first: {by_due_date}."
    shown = ", ".join(wording.told(queue) for queue in by_index[:5]) + (f" and {len(by_index) - 5} more" if len(by_index) > 5 else "")
    return f"{of}; due dates cannot be kept in {shown}: there the guarded index is in force."
