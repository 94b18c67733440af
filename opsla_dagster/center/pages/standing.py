"""How something stands: the words and tones of mart.queue_health and mart.to_green_simulated that several pages share.

Belongs here: words. Does not belong here: any figure.
"""

from __future__ import annotations

from opsla_dagster.center.model import Row
from opsla_dagster.center.view import View
from opsla_dagster.reporting.backlog import simulated_words
from opsla_dagster.reporting.backlog import to_green as in_words

#: Class of the light of each health; its word stands beside it, for colour alone tells nobody.
TONES = {"green": "good", "amber": "warn", "red": "bad"}
#: What the lights mean, wherever one is shown (mart.queue_health, docs/decisions/0040-error-budget-and-now.md).
LIGHTS = (
    ("good", "green", "no open case is past due"),
    ("warn", "amber", "some are; at the present pace none is any more within one business day of open time"),
    ("bad", "red", "that takes longer at that pace, or cannot be told"),
)
#: What the time to green and its pace are, in a sentence each.
PACE = (
    "Pace: all cases that left (ended, cancelled, moved on) over the last 10 business days with work, nights and the closed days before each of them included, spread over their open hours. "
    "To green is open time at that pace, at least: as if everybody worked on what is past due first, and nothing fell due after the next business day."
)
#: Ages of open cases in calendar time, as mart.backlog_daily counts them.
AGES = {
    "under_1_day": "under 1 day", "1_to_3_days": "1 to 3 days", "3_to_7_days": "3 to 7 days", "7_to_30_days": "7 to 30 days", "over_30_days": "30 days or more",
}  # fmt: skip


def to_green(row: Row) -> str:
    """`green`, `amber: 95 min` or `red: 22 h 15 min`."""
    return in_words(row)


def simulated(view: View, dimension: str) -> dict[str, str]:
    """Simulated time to green by value, in words; none for instants of the past, and dimensions that are not simulated."""
    if not view.is_now or not view.has("mart.to_green_simulated"):
        return {}
    found: list[Row] = view.publication.once("to_green", lambda: view.rows("to_green"))
    return {row["dimension_value"]: simulated_words(row) for row in found if row["dimension"] == dimension}
