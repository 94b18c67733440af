"""The area `links`. Which other cases and tickets a case is linked to, and what that did to it.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/links/), and merges, after which a case
has ended (raw.cases.merged_into).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, text
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with
from opsla_dagster.settings.link_kinds import LINK_KINDS

COLUMNS = [
    text("linked_case_id", "The case or ticket that the case is linked to; it need not be loaded"),
    text("link_kind", "What the link is: escalation, the case is worked on in that ticket; problem, it is an incident of that one; follow_up, it goes on from that "
         "ended one; parent, it is a part of that one; related", values=LINK_KINDS),
    text("source_link_kind", "What the source calls the link", nullable=True),
    instant("linked_ts", "Since when the link holds; NULL: the source does not tell"),
    instant("unlinked_ts", "Until when the link held; NULL while it does"),
    flag("is_escalation", "The work on the case goes on in the linked ticket: escalation or problem"),
    count("escalation_number", "Number among the escalations of the case: those that hold first, then by their beginning; NULL: it is none", nullable=True, at_least=1),
    text("team_at_link", "Who held the case when it was linked; NULL: it is not told when, or who", nullable=True),
    Column("held_before_link_calendar_seconds", "BIGINT", "Seconds by the clock that the case was held before the link, up to completion; NULL: it is not told when", nullable=True, at_least=0),
    Column("held_after_link_calendar_seconds", "BIGINT", "Seconds by the clock that the case was held after the link, up to completion; of an open case until held_on_since_at; NULL: it is not told when", nullable=True, at_least=0),
    instant("held_on_since_at", "From when the time after the link counts that still goes on; NULL: the case is held no more, or it is not told when"),
    flag("is_linked_case_loaded", "The linked case is one of this desk's"),
    text("linked_source", "Source of the linked case; NULL: it is not loaded", nullable=True),
    text("linked_team", "Who holds the linked case, or held it last; NULL: it is not loaded, or nobody does", nullable=True),
    flag("is_linked_case_open", "The linked case has not ended; NULL: it is not loaded", nullable=True),
    instant("linked_ended_at", "When the linked case ended; NULL: it is open, or not loaded"),
]

table = tables_with(COLUMNS)
_TOLD = "source case_id intake_date linked_case_id link_kind source_link_kind linked_ts unlinked_ts"

AREA = Area(
    "links",
    "Which other cases and tickets a case is linked to, and its time before and after.",
    [
        table(
            "raw.case_links", Kind.PARTITIONED, "One row per source, case, linked case and link_kind.",
            "Links from a case to another case or ticket as the enabled sources tell them, whether that one is loaded or not.",
            key="source case_id linked_case_id link_kind",
            columns=_TOLD,
        ),
        table(
            "staging.case_links", Kind.PARTITIONED, "One row per case, linked case and link_kind.",
            "Links once each, whoever tells them, and which of them are escalations.",
            key="case_id linked_case_id link_kind",
            columns=f"{_TOLD} is_escalation escalation_number",
        ),
        table(
            "mart.case_links", Kind.FULL_REFRESH, "One row per case, linked case and link_kind.",
            "To which ticket a case was escalated or is linked otherwise, how that one stands, and the case's time before and after.",
            key="case_id linked_case_id link_kind",
            columns=f"""{_TOLD} is_escalation escalation_number team_at_link held_before_link_calendar_seconds held_after_link_calendar_seconds
                       held_on_since_at is_linked_case_loaded linked_source linked_team is_linked_case_open linked_ended_at""",
        ),
    ],
    fed_by=("raw.case_links",),
    stand_empty=("staging.case_links",),
)
