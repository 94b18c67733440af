"""The area `satisfaction`. Ratings, and what bots did.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/satisfaction/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, measure, pct
from opsla_dagster.catalog.model import Kind
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # what agents did
    count("rated_cases", "Cases that were rated"),
    count("good_cases", "Of rated_cases, those rated good"),
    count("bad_cases", "Of rated_cases, those rated bad"),
    pct("satisfaction_pct", "good_cases of rated_cases"),
    measure("rating_mean_number", "Mean of the ratings on the source's own scale; NULL where it rates in words"),
    count("bot_resolved_cases", "Cases that a bot resolved, by the source"),
    count("replied_cases", "Cases with a public reply of a person"),
    pct("bot_resolved_pct", "bot_resolved_cases of cases"),
    pct("replied_pct", "replied_cases of cases"),
    pct("resolved_pct", "resolved_cases of cases"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "satisfaction",
    "Ratings, and what bots did.",
    [
        table(
            "mart.satisfaction", Kind.FULL_REFRESH, "One row per source and value of one dimension that has a rated case.",
            "How cases were rated; empty where no source tells ratings.",
            key="source dimension dimension_value",
            columns="source dimension dimension_value rated_cases good_cases bad_cases satisfaction_pct rating_mean_number",
        ),
        table(
            "mart.bot_involvement", Kind.FULL_REFRESH, "One row per source that has bots, and its cases with a bot or without one.",
            "What bots took part in and resolved, and how the other cases went; empty where no source tells of bots.",
            key="source is_bot_involved",
            columns="""source is_bot_involved cases bot_resolved_cases replied_cases resolved_cases bot_resolved_pct replied_pct
                       resolved_pct""",
        ),
    ],
    fed_by=["raw.source_facts", "raw.messages"],
)
