"""The area `attainment`. Promises met and breached: by day, over everything loaded, and what is open.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/attainment/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, measure, pct, percentiles
from opsla_dagster.catalog.model import Kind
from opsla_dagster.catalog.table import tables_with

_SLA_MEASURES = """sla_cases sla_b_breached_cases sla_a_incl_wait_breached_cases sla_a_paused_breached_cases
    sla_b_breach_pct sla_a_incl_wait_breach_pct sla_a_paused_breach_pct
    first_touch_p50_business_minutes first_touch_p90_business_minutes first_touch_p95_business_minutes
    resolution_incl_wait_p50_business_minutes resolution_incl_wait_p90_business_minutes
    resolution_incl_wait_p95_business_minutes
    resolution_paused_p50_business_minutes resolution_paused_p90_business_minutes
    resolution_paused_p95_business_minutes"""

COLUMNS = [
    # clocks
    measure("early_business_minutes", "Target less elapsed, business minutes; negative when late", at_least=None),
    count("met_clocks", "Clocks that stopped within their target"),
    count("open_breached_clocks", "Open clocks past their target: breached as well, but counted here alone"),
    count("running_clocks", "Clocks that run; in mart.sla_overview those within their target"),
    count("incomplete_clocks", "Of the met and breached clocks, open ones too, those whose case is in mart.incomplete_cases: records of it were rejected"),
    flag("is_incomplete", "Records of the case were rejected that the clock may rest on (mart.incomplete_cases): the verdict is that of the others; opsla explain has them"),
    count("unknown_clocks", "Clocks nobody can judge; mart.unknown_clocks says why, staging.sla_clocks.reason of each"),
    count("late_seconds", "Seconds beyond their targets of the breached clocks, added up"),
    pct("attainment_pct", "met_clocks of met_clocks + breached_clocks + open_breached_clocks"),
    measure("late_avg_business_minutes", "Mean of the breached clocks' business minutes beyond their target"),
    # SLA marts
    count("sla_cases", "Cases both touched and resolved, those of unknown first touch among them, open ones not: the denominator of the breach percentages"),
    count("sla_b_breached_cases", "Cases that breached the metric first_touch"),
    count("sla_a_incl_wait_breached_cases", "Cases that breached the metric first_resolution: customer wait counted"),
    count("sla_a_paused_breached_cases", "Cases that breached the metric first_resolution_paused: paused in the desk's waits"),
    *percentiles("first_touch", "first touch"),
    *percentiles("resolution_paused", "first resolution, paused in CUSTOMER_WAIT"),
    count("stopped_clocks", "Clocks that are met or breached and of a policy that was in force at their end"),
    count("paused_clocks", "Of stopped_clocks, those that stood still for some open time"),
    *percentiles("elapsed", "open time that a clock counted"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "attainment",
    "Promises met and breached: by day, over everything loaded, and what is open.",
    [
        table(
            "mart.sla_daily", Kind.PARTITIONED, "One row per intake date.",
            "Breach percentages and percentiles of the cases taken in on a date.",
            key="intake_date",
            columns=f"intake_date opened_cases {_SLA_MEASURES}",
        ),
        table(
            "mart.sla_overall", Kind.FULL_REFRESH, "One row: everything loaded.",
            "Breach percentages and percentiles over everything loaded.",
            key="sla_cases",
            columns=f"first_intake_date last_intake_date opened_cases {_SLA_MEASURES}",
            nullable="first_intake_date last_intake_date",
        ),
        table(
            "mart.sla_by_tier_case_type", Kind.FULL_REFRESH, "One row per tier and case type.",
            "Breach percentages and percentiles over everything loaded.",
            key="tier case_type",
            columns=f"tier case_type {_SLA_MEASURES}",
        ),
        table(
            "mart.sla_attainment_daily", Kind.PARTITIONED, "One row per intake date, source, policy, metric and value of one dimension.",
            "How the clocks stand, by queue, priority, tier, region, brand, channel, root cause and what sources.yml names besides; counts add up over "
            "dates.",
            key="intake_date source policy metric dimension dimension_value",
            columns="""intake_date source policy metric is_source_promise dimension dimension_value clocks met_clocks breached_clocks running_clocks
                       unknown_clocks late_seconds""",
        ),
        table(
            "mart.open_clocks", Kind.FULL_REFRESH, "One row per running clock.",
            "Open clocks as of when their date was last looked at, those past their target as breached: what a verdict on all that is known rests on. Where all cases have "
            "ended by the latest look, as in the demo, it has no rows; what is open at the instant that now stands for is in mart.clock_now.",
            key="case_id policy metric cycle",
            columns="""source case_id policy metric cycle is_source_promise tier case_type priority team brand region channel customer started_at
                       elapsed_seconds target_seconds remaining_seconds
                       due_at outcome is_paused as_of_at""",
            nullable="remaining_seconds",
        ),
        table(
            "mart.incomplete_cases", Kind.VIEW, "One row per case of which records were rejected that its clocks may rest on.",
            "Whose verdicts rest on incomplete records: what was rejected, and why, is in raw.rejected_rows, and in opsla explain CASE.",
            key="case_id",
            columns="source case_id intake_date rejected_records",
        ),
        table(
            "mart.sla_attainment", Kind.VIEW, "One row per clock.",
            "Met or breached, by how much, and what took the time: every clock, the open ones judged as of the last look: an open clock past its target is "
            "breached here, and running in staging.sla_clocks until it stops. Not published, for it is "
            "as long as the desk's history: opsla export --table mart.sla_attainment writes it.",
            key="case_id policy metric cycle",
            columns="""source case_id intake_date policy metric cycle priority tier case_type team brand region channel customer
                       started_at stopped_at due_at target_seconds elapsed_seconds early_business_minutes outcome reason is_open
                       is_superseded is_source_promise root_cause_stage root_cause_owner beyond_peers_business_minutes
                       is_incomplete""",
            nullable="reason",
            is_published=False,
        ),
        table(
            "mart.sla_overview", Kind.VIEW, "One row per source, policy, metric and value of one dimension.",
            "Attainment over everything loaded, breached open clocks counted.",
            key="source policy metric dimension dimension_value",
            columns="""source policy metric is_source_promise dimension dimension_value clocks met_clocks breached_clocks open_breached_clocks running_clocks
                       unknown_clocks incomplete_clocks attainment_pct late_avg_business_minutes""",
        ),
        table(
            "mart.promise_durations", Kind.FULL_REFRESH, "One row per policy and metric.",
            "How long the clocks of each promise took, of those that have stopped.",
            key="policy metric",
            columns="""policy metric is_source_promise stopped_clocks paused_clocks elapsed_p50_business_minutes
                       elapsed_p90_business_minutes elapsed_p95_business_minutes""",
        ),
        table(
            "mart.unknown_clocks", Kind.FULL_REFRESH, "One row per source, policy, metric and reason.",
            "Why clocks are unknown: how many for each reason.",
            key="source policy metric reason",
            columns="source policy metric is_source_promise reason unknown_clocks",
        ),
    ],
)
