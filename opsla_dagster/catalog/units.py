"""Units by name: a figure's name says what it is counted in, and this is the list of the words for it.

Belongs here: the endings and their units. Does not belong here: any one column (columns.py).
"""

from __future__ import annotations

import re

from opsla_dagster.catalog.model import Column

#: The first pattern found in a figure's name gives its unit.
_FIGURES = (
    (r"_business_minutes$", "business minutes"),
    (r"_calendar_minutes$", "minutes"),
    (r"_calendar_hours$", "hours"),
    (r"^hours_saved$", "business hours"),
    (r"_cases_per_(open|staffed)_hour$", "cases per open hour; of one head"),
    (r"_cases_per_week$", "cases per week"),
    (r"_cases_per_other_day$", "cases per day without open hours"),
    (r"_hours(_per_business_day)?$", "open hours"),
    (r"^hour_of_day$", "hours"),
    (r"_change_share$", "share of what is; negative: less"),
    (r"^mase$", "mean errors of the seasonal naive forecast"),
    (r"^origins$", "origins"),
    (r"_seconds(_before|_at_start|_at_stop)?$", "seconds"),
    (r"_cases_per_business_hour$", "cases per business hour"),
    (r"_cases_per_business_day$", "cases per business day"),
    (r"(^|_)cases_per_week$", "cases per week"),
    (r"head_hours$", "hours of agents a week"),
    (r"(^|_)weeks$", "weeks"),
    (r"_runs$", "runs"),
    (r"_points$", "percentage points"),
    (r"^day_overdispersion$|_variation$", "none: a ratio"),
    (r"_cases_per_day$", "cases per date"),
    (r"_days$", "days"),
    (r"_burn$", "times the pace at which the budget lasts its period"),
    (r"^fact_digest$", "none: a fingerprint"),
    (r"_pct(_before|_after)?$", "percent, 0-100"),
    (r"_rate$", "share, 0-1"),
    (r"(^|_)cases(_at_start|_at_end)?$|_breaches_(before|avoided)$", "cases"),
    (r"^(events|known_events|copies|event_count)$", "events"),
    (r"reopen_count$", "reopens"),
    (r"_(reply|message|note)_count$", "messages"),
    (r"_station_count$", "holders"),
    (r"^handoff_count$", "changes of holder"),
    (r"(handoff|return|return_direct|return_indirect|planned_return|returned|returned_directly|ping_pong|handed_on)_count$", "hand-offs"),
    (r"^(loop|accepted|contradiction|stint)_count$", "occurrences"),
    (r"_cases_per_head$", "cases per agent"),
    (r"^agents$", "agents"),
    (r"^rating_.*number$|_rating_number$", "as the source rates"),
    (r"_rows$", "rows"),
    (r"_records$", "records"),
    (r"(^|_)clocks$", "clocks"),
    (r"(^|_)predictions$", "predictions"),
    (r"(^|_)brier$", "mean squared difference, 0-1"),
    (r"_auc$", "share of pairs, 0-1"),
    (r"_share$", "share; 1 is all"),
    (r"(^|_)verdicts$", "verdicts"),
    (r"(^|_)(heads|agents)$", "agents"),
    (r"^congestion_(index|exposure)|^exposure_(min|max)$", "cases per agent"),
    (r"_(number|sequence|decile)$|^(iso_weekday|hour_of_day|position|cycle|part|signal_order|stint)$|^position_|_cycle$", "position"),
    (r"_probability$", "probability, 0-1"),
    (r"(^|_)weight$", "times an ordinary case"),
    (r"^figure$", "as `unit` says"),
)
_OTHERS = {"TIMESTAMP": "instant, UTC", "DATE": "local date", "VARCHAR": "", "BOOLEAN": ""}


def unit_of(column: Column) -> str:
    """The unit of a column, from its name and type; empty for texts and flags.

    Raises LookupError for a figure whose name carries no unit.
    """
    if column.name == "utc_date":
        return "UTC date"
    if column.type in _OTHERS:
        return _OTHERS[column.type]
    for pattern, unit in _FIGURES:
        if re.search(pattern, column.name):
            return unit
    raise LookupError(f"{column.name}: the name carries no unit; end it in one, such as _business_minutes, _pct or _cases")
