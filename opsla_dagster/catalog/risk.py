"""The area `risk`. What is about to break: features as known at an instant, breach probabilities and remaining times, and how good they were.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/risk/, risk_model/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, local_date, measure, pct, text
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with

#: What a probability rests on.
PROBABILITY_SOURCES = ("model", "baseline", "certain", "unknown")


def _share(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, "DOUBLE", description + ", 0-1", nullable=nullable, at_least=0, at_most=1)


COLUMNS = [
    # what is predicted
    _share("breach_probability", "Probability that the clock will have run beyond its target when it stops; NULL: unknown, reason_1 says why"),
    text("probability_source", "What breach_probability rests on: model; baseline, the share of like clocks that broke at this share of their target; "
         "certain, it is past its target; unknown", values=PROBABILITY_SOURCES),
    measure("remaining_p10_business_minutes", "Open minutes of its calendar, waits included, until the clock stops: one clock in ten is faster; NULL: unknown"),
    measure("remaining_p50_business_minutes", "Open minutes of its calendar, waits included, until the clock stops: every other clock is faster; NULL: unknown"),
    measure("remaining_p90_business_minutes", "Open minutes of its calendar, waits included, until the clock stops: nine clocks in ten are faster; NULL: unknown"),
    text("reason_1", "The strongest reason, in words"),
    text("reason_2", "The second strongest reason; NULL: there is none", nullable=True),
    text("reason_3", "The third strongest reason; NULL: there is none", nullable=True),
    instant("predicted_at", "The instant at which it was predicted, with what was known then", nullable=False),
]

table = tables_with(COLUMNS)

_CLOCK = "source case_id intake_date policy metric cycle"
_PREDICTION = """breach_probability probability_source remaining_p10_business_minutes remaining_p50_business_minutes remaining_p90_business_minutes
    reason_1 reason_2 reason_3"""

AREA = Area(
    "risk",
    "What is about to break: the probability of each open clock, how much longer it runs, why, and how good yesterday's predictions were.",
    [
        table(
            "mart.open_case_risk", Kind.FULL_REFRESH, "One row per clock that is open now.",
            "The probability that each open clock breaks, how much longer it runs, and the three strongest reasons: of every clock of mart.clock_now, "
            "at its instant.",
            key="case_id policy metric cycle",
            columns=f"predicted_at {_CLOCK} {_PREDICTION}",
        ),
    ],
)
