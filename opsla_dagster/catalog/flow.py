"""The area `flow`. Cases that come and go by day, the load they leave, and the heads to carry it.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/flow/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, measure
from opsla_dagster.catalog.model import Kind
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # flow and load of a day
    count("ended_cases", "Cases that a terminal event (RESOLVED, CLOSED, CANCELLED) of the date ended: the first that no reopen follows"),
    count("net_flow_cases", "Opened less ended", at_least=None),
    count("open_backlog_cases", "Cases taken in by the end of the date and not ended by then"),
    measure("congestion_index", "(opened + open backlog) / effective agents of the date"),
    measure("congestion_index_10bd_mean", "Mean congestion index of the 10 business days up to and including the date; of those there are, where loaded dates begin"),
    measure("congestion_exposure", "congestion_index_10bd_mean of the case's intake date"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "flow",
    "Cases that come and go by day, the load they leave, and the heads to carry it.",
    [
        table(
            "staging.daily_flow", Kind.PARTITIONED, "One row per intake date and the local date on which cases ended.",
            "Additive flow: how many cases of an intake date ended on which date. Every day-grain mart adds these up, so a late "
            "closing of an old case corrects each later day without a rebuild.",
            key="intake_date ended_date",
            columns="intake_date ended_date cases",
            rules=(),
        ),
        table(
            "staging.day_load", Kind.VIEW, "One row per local date of the desk's calendar.",
            "Flow, backlog, staffing and congestion of each day.",
            key="calendar_date",
            columns="""calendar_date is_business_day opened_cases ended_cases open_backlog_cases planned_heads effective_heads
                       congestion_index congestion_index_10bd_mean""",
        ),
        table(
            "staging.case_congestion_exposure", Kind.VIEW, "One row per case.",
            "How congested the desk was when the case came in: known at intake, so causal.",
            key="case_id",
            columns="case_id intake_date tier case_type congestion_exposure",
        ),
        table(
            "mart.staffing_daily", Kind.FULL_REFRESH, "One row per local date.",
            "Planned against available agents.",
            key="calendar_date",
            columns="calendar_date planned_heads effective_heads shrinkage_pct",
        ),
        table(
            "mart.backlog_daily_proxy", Kind.FULL_REFRESH, "One row per local date.",
            "Flow of cases and the backlog it leaves, as published: a case counts from intake to its last end, also while it is solved before a reopen. "
            "mart.backlog_daily tells what was open.",
            key="calendar_date",
            columns="calendar_date opened_cases ended_cases net_flow_cases open_backlog_cases",
        ),
        table(
            "mart.congestion_daily", Kind.FULL_REFRESH, "One row per local date.",
            "Workload against available agents.",
            key="calendar_date",
            columns="calendar_date opened_cases open_backlog_cases effective_heads congestion_index",
        ),
        table(
            "mart.congestion_daily_v2", Kind.FULL_REFRESH, "One row per local date.",
            "Workload against available agents, with its mean over the trailing 10 business days.",
            key="calendar_date",
            columns="""calendar_date opened_cases open_backlog_cases effective_heads congestion_index
                       congestion_index_10bd_mean""",
        ),
    ],
)
