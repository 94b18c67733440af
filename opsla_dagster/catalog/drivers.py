"""The area `drivers`. Where the time goes: stages, reopens, congestion.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/drivers/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import flag, measure, text
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # case measures
    measure("triage_to_investigation_business_minutes", "First TRIAGE to first INVESTIGATION, business minutes"),
    measure("investigation_to_review_business_minutes", "First INVESTIGATION to first REVIEW_QA, business minutes"),
    measure("review_to_resolved_business_minutes", "First REVIEW_QA to first RESOLVED, business minutes"),
    measure("measured_rework_business_minutes", "First reopen to last RESOLVED or a later CLOSED, business minutes; NULL while open"),
    measure("proxy_rework_business_minutes", "The tier's median investigation-to-review minutes (published proxy)"),
    # drivers
    measure("p50_business_minutes", "Exact p50 of the stage, business minutes"),
    measure("p90_business_minutes", "Exact p90 of the stage, business minutes"),
    measure("p95_business_minutes", "Exact p95 of the stage, business minutes"),
    flag("is_tier_bottleneck", "The stage with the largest p95 of its tier"),
    measure("resolution_incl_wait_avg_business_minutes", "Mean first resolution, customer wait counted, business minutes"),
    Column("exposure_decile", "BIGINT", "Decile of congestion exposure, 10 is the most congested", at_least=1, at_most=10),
    measure("exposure_min", "Least congestion exposure in the decile"),
    measure("exposure_max", "Greatest congestion exposure in the decile"),
    text("finding", "Short name of the finding"),
    measure("figure", "The finding's figure, in `unit`", at_least=None),
    text("unit", "Unit of the figure"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "drivers",
    "Where the time goes: stages, reopens, congestion.",
    [
        table(
            "staging.case_stage_durations", Kind.PARTITIONED,
            "One row per SLA case that reached REVIEW_QA after INVESTIGATION.",
            "Business minutes between the first milestones of a case.",
            key="case_id",
            columns="""source case_id intake_date tier case_type triage_to_investigation_business_minutes
                       investigation_to_review_business_minutes review_to_resolved_business_minutes
                       resolution_incl_wait_business_minutes""",
        ),
        table(
            "staging.reopen_rework", Kind.PARTITIONED, "One row per reopened case.",
            "Measured rework of a reopened case.",
            key="case_id",
            columns="""case_id intake_date tier case_type reopen_count reopened_ts last_resolved_ts
                       measured_rework_business_minutes""",
        ),
        table(
            "staging.reopen_penalty", Kind.VIEW, "One row per reopened case.",
            "Rework of a reopened case, measured and by the published proxy.",
            key="case_id",
            columns="""case_id intake_date tier case_type reopen_count reopened_ts last_resolved_ts
                       measured_rework_business_minutes proxy_rework_business_minutes""",
        ),
        table(
            "mart.driver_stage_durations", Kind.FULL_REFRESH, "One row per tier and stage.",
            "Where the time of a case goes, and each tier's bottleneck: the stage with the largest p95.",
            key="tier stage",
            columns="tier stage cases p50_business_minutes p90_business_minutes p95_business_minutes is_tier_bottleneck",
        ),
        table(
            "mart.driver_reopen_impact", Kind.FULL_REFRESH, "One row per tier, case type and whether cases were reopened.",
            "How much longer reopened cases take to their first resolution.",
            key="tier case_type is_reopened",
            columns="""tier case_type is_reopened cases resolution_incl_wait_avg_business_minutes
                       resolution_incl_wait_p50_business_minutes resolution_incl_wait_p90_business_minutes
                       resolution_incl_wait_p95_business_minutes sla_a_incl_wait_breach_pct""",
        ),
        table(
            "mart.driver_congestion_buckets", Kind.FULL_REFRESH, "One row per decile of congestion exposure.",
            "Whether cases taken in on congested days breach more.",
            key="exposure_decile",
            columns="""exposure_decile cases exposure_min exposure_max sla_b_breach_pct sla_a_incl_wait_breach_pct
                       sla_a_paused_breach_pct""",
        ),
        table(
            "mart.driver_summary", Kind.FULL_REFRESH, "One row per finding.",
            "What drives time and breaches: each finding as a key and a figure; the report has the words.",
            key="finding",
            columns="finding tier stage figure unit",
            nullable="tier stage figure",
        ),
    ],
)
