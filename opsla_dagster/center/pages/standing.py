"""How something stands: the words and tones of mart.queue_health and mart.to_green_simulated that several pages share.

Belongs here: words. Does not belong here: any figure.
"""

from __future__ import annotations

from opsla_dagster.center.model import Row
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.backlog import to_green as in_words

#: Class of the light of each health; its word stands beside it, for colour alone tells nobody.
TONES = {"green": "good", "amber": "warn", "red": "bad"}
#: Ages of open cases in calendar time, as mart.backlog_daily counts them.
AGES = {
    "under_1_day": "under 1 day", "1_to_3_days": "1 to 3 days", "3_to_7_days": "3 to 7 days", "7_to_30_days": "7 to 30 days", "over_30_days": "30 days or more",
}  # fmt: skip


def to_green(row: Row) -> str:
    """`green`, `amber: 95 min` or `red: never at this pace`."""
    return in_words(row)


def simulated(view: View, dimension: str) -> dict[str, Row]:
    """The rows of mart.to_green_simulated by value; none for instants of the past, and dimensions that are not simulated."""
    if not view.is_now or not view.has("mart.to_green_simulated"):
        return {}
    found: list[Row] = view.publication.once("to_green", lambda: view.rows("to_green"))
    return {row["dimension_value"]: row for row in found if row["dimension"] == dimension}


def simulated_words(row: Row | None) -> str | None:
    """`62 to 77 min`: half of the runs are green by the one, nine in ten by the other; or why not. None where nothing was simulated."""
    if row is None:
        return None
    p50, p90 = row["to_green_p50_business_minutes"], row["to_green_p90_business_minutes"]
    if p50 is None:
        return str(row["reason"])
    if p90 is None:
        return f"{wording.time_taken(p50)}, or {wording.percent(row['never_pct'], 0)} of runs never within 20 business days"
    if p90 == 0:
        return "green"
    return f"{wording.time_taken(p50)} to {wording.time_taken(p90)}" if p50 else f"up to {wording.time_taken(p90)}"
