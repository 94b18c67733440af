"""The area `agreement`. The source's own verdicts and rules beside our clocks.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/agreement/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, measure, pct, text
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # what else a source tells of a case
    flag("source_is_breached", "The source says that the promise was breached", nullable=True),
    instant("source_breached_ts", "When it was breached, according to the source"),
    count("source_elapsed_seconds", "Seconds that the source counted", nullable=True),
    count("difference_seconds", "Ours less the source's; NULL where either tells none, or they count other hours", nullable=True, at_least=None),
    text("comparison", "How the source's verdict compares with our clock", values=(
        "agrees", "whole_minutes", "time_differs", "verdict_differs", "still_running", "unknown", "no_clock",
        "nothing_compared")),
    Column("example_number", "BIGINT", "Number of the example, 1 the largest difference", at_least=1, at_most=3),
    count("verdicts", "Verdicts of the source counted in the row"),
    count("source_breached_verdicts", "Of these, the ones that say breached"),
    measure("difference_p50_business_minutes", "Exact p50 of the difference, business minutes"),
    # clocks
    count("in_force_elapsed_seconds", "Open seconds the clock ran, each by the calendar in force at its instant; NULL while open", nullable=True),
    count("last_elapsed_seconds", "Open seconds the clock ran, all by the calendar in force just before its end; NULL while open", nullable=True),
    text("schedule_rule", "A rule of counting a schedule that changes while a clock runs", values=("in_force", "last")),
    flag("is_applied_rule", "The rule by which our clocks count"),
    count("compared_clocks", "Stopped clocks whose schedule changed and of which the source tells its time"),
    count("agreeing_clocks", "Of these, clocks whose time differs by less than a minute"),
    pct("agreeing_pct", "agreeing_clocks of compared_clocks"),
    # the source's own verdict beside ours
    text("compared_with", "The promises that the source's verdicts are set beside: its own, all of a case together; our clocks of the metrics that it "
          "judged; or the first resolution of sla_policies.yml", values=("own_promises", "judged_metrics", "first_resolution")),
    count("source_verdict_cases", "Cases on which the source gives a verdict"),
    pct("source_breach_pct", "Breaches by the source's own verdict, of source_verdict_cases"),
    pct("our_breach_pct", "Breaches by our clocks of `compared_with`, of our_verdict_cases"),
    count("our_verdict_cases", "Cases on which our clocks of `compared_with` give a verdict: one is breached, or all are met"),
    count("both_verdict_cases", "Cases on which both give a verdict"),
    count("agreeing_cases", "Of both_verdict_cases, those on which the verdicts agree"),
    count("source_resolved_cases", "Cases with the source's own resolved stamp"),
    *[
        measure(f"source_resolution_p{share}_calendar_hours", f"Exact p{share} of intake to the source's resolved stamp, hours",
                 at_least=None)
        for share in (50, 75, 90, 95)
    ],
]

table = tables_with(COLUMNS)

AREA = Area(
    "agreement",
    "The source's own verdicts and rules beside our clocks.",
    [
        table(
            "staging.source_clock_comparison", Kind.PARTITIONED, "One row per verdict of the source itself.",
            "The source's verdicts beside our clocks of the same promise, with the difference and why.",
            key="verdict_id",
            columns="""source verdict_id case_id intake_date metric cycle source_is_breached source_breached_ts source_elapsed_seconds
                       policy outcome reason elapsed_seconds due_at difference_seconds comparison""",
            nullable="cycle policy outcome reason",
        ),
        table(
            "staging.schedule_change_clocks", Kind.PARTITIONED, "One row per clock in whose life the calendar changed.",
            "The time such a clock took under either rule of counting, beside what the source measured; mart.schedule_rule_agreement adds up.",
            key="case_id policy metric cycle",
            columns="""source case_id intake_date policy metric cycle schedule_change is_source_promise started_at stopped_at
                       in_force_elapsed_seconds last_elapsed_seconds source_elapsed_seconds""",
        ),
        table(
            "mart.source_sla_comparison", Kind.FULL_REFRESH, "One row per source that has verdicts or resolved stamps of its own.",
            "The source's own verdicts and resolved stamps beside ours.",
            key="source",
            columns="""source compared_with cases source_verdict_cases source_breach_pct our_verdict_cases our_breach_pct
                       both_verdict_cases agreeing_cases source_resolved_cases source_resolution_p50_calendar_hours
                       source_resolution_p75_calendar_hours source_resolution_p90_calendar_hours
                       source_resolution_p95_calendar_hours""",
        ),
        table(
            "mart.source_clock_comparison", Kind.VIEW, "One row per source, metric and way of comparing.",
            "How often a source's own verdicts agree with our clocks, and how they differ.",
            key="source metric comparison",
            columns="""source metric comparison verdicts source_breached_verdicts breached_clocks difference_p50_business_minutes""",
        ),
        table(
            "mart.source_clock_examples", Kind.FULL_REFRESH, "One row per source, metric, way of comparing and example, of up to three.",
            "Cases to look at where a source's own verdicts agree with our clocks and where they differ, the largest differences first.",
            key="source metric comparison example_number",
            columns="""source metric comparison example_number case_id cycle policy source_is_breached outcome source_elapsed_seconds
                       elapsed_seconds difference_seconds""",
            nullable="cycle policy outcome",
        ),
        table(
            "mart.schedule_rule_agreement", Kind.FULL_REFRESH, "One row per source, metric and rule of counting a schedule that changes.",
            "How often either rule gives the time that the source itself measured: the rule the source follows is the one that agrees.",
            key="source metric schedule_rule",
            columns="source metric schedule_rule is_applied_rule compared_clocks agreeing_clocks agreeing_pct",
        ),
    ],
    fed_by=["raw.applied_targets", "raw.source_verdicts", "raw.cases.source_is_sla_met", "raw.cases.source_resolved_ts"],
)
