"""The links of an explained case to other cases and tickets, and from them.

Belongs here: fetching and wording them. Does not belong here: how they are derived (sql/*/links/), and merges.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.case_rows import Row, rows_of
from opsla_dagster.reporting.explanation import Link
from opsla_dagster.reporting.marts import has_table

_TABLE = "mart.case_links"
#: What a case is to the other one: that it is linked to, and that is linked to it.
_TO = {
    "escalation": "escalated to", "problem": "an incident of problem", "follow_up": "goes on from", "parent": "a part of", "related": "related to",
}
_FROM = {
    "escalation": "escalated from", "problem": "the problem of", "follow_up": "goes on in", "parent": "has the part", "related": "related to",
}


def links_of(connection: duckdb.DuckDBPyConnection, case: Row, as_of_at: datetime) -> tuple[Link, ...]:
    """The links of the case in their order, then those to it, as of the last look; none where no source tells links."""
    if not has_table(connection, _TABLE):
        return ()
    order = "links.linked_ts nulls last, links.linked_case_id, links.case_id, links.link_kind"
    to = rows_of(connection, f"select * from {_TABLE} as links where links.case_id = $case_id order by {order}", case_id=case["case_id"])
    come = rows_of(
        connection,
        f"select links.*, nullif(stints.team, 'UNASSIGNED') as team, cases.is_open, cases.ended_at from {_TABLE} as links "
        "inner join staging.case_milestones as cases on links.intake_date = cases.intake_date and links.case_id = cases.case_id "
        "left join staging.ownership_stints as stints on links.intake_date = stints.intake_date and links.case_id = stints.case_id and stints.is_last "
        f"where links.linked_case_id = $case_id order by {order}",
        case_id=case["case_id"],
    )
    return (
        *(_link(row, as_of_at, row["linked_case_id"], row["is_linked_case_loaded"], row["linked_team"], row["is_linked_case_open"], row["linked_ended_at"]) for row in to),
        *(_link(row, as_of_at, row["case_id"], True, row["team"], row["is_open"], row["ended_at"], is_from=True) for row in come),
    )


def _link(
    row: Row, as_of_at: datetime, other: str, is_loaded: bool, team: str | None, is_open: bool | None, ended_at: datetime | None, *, is_from: bool = False
) -> Link:
    since, after = row["held_on_since_at"], row["held_after_link_calendar_seconds"]
    if since is not None and after is not None:
        after += max(int((as_of_at - since).total_seconds()), 0)
    return Link(
        case_id=other, link_kind=row["link_kind"], is_from=is_from, linked_at=row["linked_ts"], unlinked_at=row["unlinked_ts"], is_loaded=is_loaded, team=team,
        is_open=is_open, ended_at=ended_at, held_before_seconds=row["held_before_link_calendar_seconds"], held_after_seconds=after, is_held_on=since is not None,
    )


def told(link: Link, when: Callable[[datetime], str]) -> str:
    """`escalated to EO-7 (since Mon ...): held 3:10:00 before and 20:00:00 after; it is open with EscOps`; `when` writes an instant."""
    _, relation, since, words = link_cells(link, when)
    return f"{relation} {link.case_id} ({since}): {words}"


def link_cells(link: Link, when: Callable[[datetime], str]) -> tuple[Link, str, str, str]:
    """The link, what the case is to the other one, since when, and how long it was held and how the other one stands; `when` writes an instant."""
    since = f"since {when(link.linked_at)}" if link.linked_at else "nobody tells since when"
    until = f", until {when(link.unlinked_at)}" if link.unlinked_at else ""
    return link, (_FROM if link.is_from else _TO)[link.link_kind], f"{since}{until}", "; ".join(filter(None, (_times(link), _standing(link, when))))


def _standing(link: Link, when: Callable[[datetime], str]) -> str:
    """How the other one stands, as far as it is loaded."""
    if not link.is_loaded:
        return "it is not loaded"
    holder = f" with {link.team}" if link.team else ""
    return f"it ended {when(link.ended_at)}{holder}" if link.ended_at else f"it is open{holder}"


def _times(link: Link) -> str:
    if link.is_from or link.held_before_seconds is None or link.held_after_seconds is None:
        return ""
    return f"held {wording.clock_time(link.held_before_seconds)} before and {wording.clock_time(link.held_after_seconds)} after{', and still held' if link.is_held_on else ''}"
