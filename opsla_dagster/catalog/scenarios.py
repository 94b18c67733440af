"""The area `scenarios`. What a change would save.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/scenarios/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, measure, pct, text
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # scenarios
    text("scenario", "Name of the scenario in scenarios.yml"),
    text("lever", "What the scenario changes", values=("shorten_stage", "fewer_reopens", "route_right_first", "shorten_queue")),
    Column("reduction_rate", "DOUBLE", "Share taken away, 0-1", at_least=0, at_most=1),
    count("eligible_cases", "Cases the scenario's levers act on"),
    count("sla_a_incl_wait_breaches_before", "first_resolution breaches (customer wait counted) among the eligible cases"),
    count("sla_a_incl_wait_breaches_avoided", "Of these, the breaches that the scenario avoids"),
    pct("breach_pct_before", "first_resolution breaches (customer wait counted) of all sla cases, as it was"),
    pct("breach_pct_after", "first_resolution breaches (customer wait counted) of all sla cases, under the scenario"),
    measure("hours_saved", "Business hours saved: stage time, rework, detours and queues"),
    text("rework_measure", "How rework was measured", nullable=True, values=("proxy", "measured")),
    text("description", "What it is, in words"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "scenarios",
    "What a change would save.",
    [
        table(
            "staging.scenario_levers", Kind.FULL_REFRESH, "One row per scenario and lever.",
            "The scenarios of scenarios.yml as data.",
            key="scenario lever",
            columns="scenario lever tier stage reduction_rate rework_measure team from_team to_team description",
            nullable="tier stage from_team to_team",
        ),
        table(
            "mart.scenario_results", Kind.FULL_REFRESH, "One row per scenario.",
            "What would help: each scenario of scenarios.yml as a per-case counterfactual.",
            key="scenario",
            columns="""scenario description eligible_cases sla_a_incl_wait_breaches_before sla_a_incl_wait_breaches_avoided
                       breach_pct_before breach_pct_after hours_saved rework_measure""",
        ),
    ],
)
