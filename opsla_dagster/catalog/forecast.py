"""The area `forecast`. What comes in next, what the desk gets done, and when its backlog is down.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/forecast/, forecasting/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, local_date, measure, pct, text
from opsla_dagster.catalog.model import Column, Kind, Rule
from opsla_dagster.catalog.table import tables_with


def _reached(share: int, words: str) -> list[Column]:
    return [
        local_date(f"reached_p{share}_date", f"At the end of this business day {words} of the simulated futures have come down to the target; today, where it is there already; NULL: not within half a year", nullable=True),
        count(f"reached_p{share}_business_days", "Business days from now on until then, that date included and today's rest counted as one; 0: it is there already; NULL: not within half a year", nullable=True),
    ]


COLUMNS = [
    # arrivals
    local_date("known_date", "Local date from which on the log told it"),
    # forecasts of arrivals
    text("model", "Model of arrivals; as served: the one that was, or would have been, chosen at the origin"),
    text("served_model", "Model whose figures these are; NULL: nothing can be said", nullable=True),
    flag("is_served", "The model that serves today: it was chosen on the same days, so that its figures flatter it; those of the model as served do not"),
    local_date("origin_date", "First date that is forecast: what was known at the end of the date before is what the forecast rests on"),
    Column("horizon_days", "BIGINT", "Days ahead: 1 is the origin date itself", at_least=1, at_most=14),
    flag("is_day_of_holiday", "A holiday closes the desk on this date, on which it is open otherwise"),
    measure("expected_cases", "Arrivals that are expected; NULL: nothing can be said"),
    count("low_cases", "Low end of the 80 % interval of arrivals; NULL: unknown", nullable=True),
    count("high_cases", "High end of the 80 % interval of arrivals; NULL: unknown", nullable=True),
    measure("total_expected_cases", "Arrivals expected from the origin date up to and including this date"),
    count("total_low_cases", "Low end of the 80 % interval of all arrivals up to and including this date; NULL: unknown", nullable=True),
    count("total_high_cases", "High end of the 80 % interval of all arrivals up to and including this date; NULL: unknown", nullable=True),
    measure("scale_cases", "Mean error of the seasonal naive forecast within the history of the origin: the unit of MASE"),
    text("forecast_reason", "Why nothing can be said, or no interval; NULL: all is said", nullable=True),
    # backtest
    Column("horizon_from_days", "BIGINT", "Days ahead from which on forecasts are scored", at_least=1, at_most=14),
    Column("horizon_to_days", "BIGINT", "Days ahead up to which forecasts are scored", at_least=1, at_most=14),
    count("origins", "Origins of the scored forecasts"),
    count("scored_days", "Days that were forecast and are over"),
    measure("mean_arrived_cases", "Mean arrivals of the scored days"),
    measure("mean_absolute_error_cases", "Mean absolute error of the forecasts (MAE)"),
    measure("mase", "Mean absolute scaled error: below 1, better than the seasonal naive forecast was within the history"),
    measure("bias_cases", "Mean of forecast less actual: positive, too much was expected", at_least=None),
    measure("pinball_loss_cases", "Mean pinball loss of the interval's low end (p10), the expected cases (p50) and the high end (p90)"),
    count("interval_days", "Scored days that judge the interval, on which cases were to be expected: 0.1 or more, or an interval that reaches 1. On others, as the closed days of many desks, none is nearly certain, and any interval holds"),
    pct("covered_pct", "Of interval_days, those whose arrivals lay within the 80 % interval"),
    pct("business_days_covered_pct", "The same, of days with open hours alone"),
    measure("mean_width_cases", "Mean of the interval's high end less its low one"),
    # hours
    pct("share_of_day_pct", "Share of the arrivals of such days that come in the hour"),
    # what gets done
    count("waiting_cases_at_start", "Open cases that wait for us at the start of the hour; all open ones where no source tells statuses"),
    count("waiting_cases_at_end", "The same at its end"),
    text("heads_source", "schedule: effective heads of the source; estimated: agents that let cases go on the date, shared among queues; unknown", values=("schedule", "estimated", "unknown")),
    flag("is_today_begun", "Now lies within its local date, not at its start"),
    flag("is_now_on_business_day", "Now lies within a business day of the desk, or at its very end"),
    measure("left_today_open_hours", "Open hours of now's local date that are still to come"),
    Column("left_today_time_share", "DOUBLE", "Part of now's local date that is still to come, 0-1", at_least=0, at_most=1),
    Column("left_today_arrivals_share", "DOUBLE", "Part of the arrivals of such a day that comes after now's time of day, by mart.arrival_hours; without any, left_today_time_share; 0-1", at_least=0, at_most=1),
    count("business_days", "Business days that the figures are of, within the last 56 dates; a holiday that closes the desk and the six dates after it do not count, and no weekday counts more often than another then"),
    count("other_days", "Dates without open hours that the figures are of, in the same way"),
    measure("usual_open_cases", "Median of the cases open at the end of these business days"),
    count("fewest_new_cases", "Fewest cases less than a day old that were open at the end of a business day of the last 56 dates: what is open because it has just come in; NULL: fewer than 20 business days are loaded", nullable=True),
    count("open_hours", "Open hours of these business days"),
    count("waiting_hours", "Of open_hours, those in which more cases waited than there were heads, at the start and at the end"),
    measure("gone_cases_per_open_hour", "Throughput: cases that left within an open hour, of the hours that throughput_basis names"),
    measure("open_hours_per_business_day", "Open hours of a business day"),
    measure("gone_cases_outside_hours_per_business_day", "Cases that left on a business day outside its open hours"),
    measure("gone_cases_per_other_day", "Cases that left on a day without open hours"),
    measure("gone_p10_cases_per_business_day", "Exact p10 of the cases that leave on a business day"),
    measure("gone_p90_cases_per_business_day", "Exact p90 of the cases that leave on a business day"),
    measure("gone_width_cases_per_business_day", "Width from p10 to p90 of how far the cases that leave on a business day lie from the mean of the other dates of its weekday: chance without the shape of the week"),
    measure("gone_cases_per_staffed_hour", "Cases that left in an open hour of one head; NULL: heads are unknown"),
    text("throughput_basis", "while work waited: waiting_hours alone; all open hours: these were fewer than 10, a lower bound; unknown: nothing left",
         values=("while work waited", "all open hours", "unknown")),
    # when backlogs are down
    text("what_if", "Name of the change in config/forecast.yml; as now: none"),
    text("goal", "What the backlog is to come down to: nothing; what has just come in (fewest_new_cases of mart.throughput, under the change); its usual size; the target of config/forecast.yml",
         values=("none open", "only new", "usual", "target")),
    measure("heads_change_share", "More heads, as a share of today's; 0.1 is a tenth more", at_least=None),
    measure("arrivals_change_share", "More arrivals, as a share of those expected", at_least=None),
    measure("handling_time_change_share", "Longer handling, as a share of today's", at_least=None),
    measure("target_cases", "Open cases to come down to"),
    measure("arriving_cases_per_week", "Arrivals of a usual week, under the change; NULL: unknown"),
    measure("leaving_cases_per_week", "Cases that leave in a usual week while work waits, under the change; NULL: unknown"),
    pct("reached_pct", "Simulated futures that come down to the target within half a year; NULL: nothing can be said, or it cannot be reached"),
    *_reached(10, "one in ten"),
    *_reached(50, "half"),
    *_reached(90, "nine in ten"),
    text("clear_reason", "What the figures rest on, or why there are none"),
]  # fmt: skip

table = tables_with(COLUMNS)

AREA = Area(
    "forecast",
    "What comes in next, what the desk gets done, and when its backlog is down.",
    [
        table(
            "staging.arrivals", Kind.PARTITIONED, "One row per intake date, local date and queue of arrivals, and the date since when they are known.",
            "What came in when, and since when the log tells it. Changes of attributes have no instant of receipt: a move into a queue that no event of the same instant tells "
            "counts as known when it happened. Additive: a late event of an old case changes the row of its own intake date alone.",
            key="intake_date calendar_date queue known_date",
            columns="intake_date calendar_date queue known_date opened_cases reopened_cases moved_in_cases",
            rules=(Rule("calendar_date", "<=", "known_date"),),
        ),
        table(
            "mart.arrival_forecasts", Kind.FULL_REFRESH, "One row per value of one dimension, model, origin and local date.",
            "What each model would have said at the origins of the last 8 fortnights with what was known then, what came, and what is said today.",
            key="dimension dimension_value model origin_date calendar_date",
            columns="""dimension dimension_value model origin_date calendar_date horizon_days is_business_day is_day_of_holiday served_model expected_cases
                       low_cases high_cases total_expected_cases total_low_cases total_high_cases arrived_cases scale_cases forecast_reason made_from""",
            nullable="arrived_cases",
            is_published=False,
            rules=(Rule("low_cases", "<=", "high_cases"), Rule("total_low_cases", "<=", "total_high_cases")),
        ),
        table(
            "mart.work_hours", Kind.FULL_REFRESH, "One row per value of one dimension and open hour of the last 56 local dates.",
            "What waited, what left, and how many heads were at work.",
            key="dimension dimension_value open_hour_number",
            columns="dimension dimension_value open_hour_number calendar_date waiting_cases_at_start waiting_cases_at_end gone_cases heads heads_source",
            is_published=False,
        ),
        table(
            "mart.forecast_arrivals", Kind.FULL_REFRESH, "One row per value of one dimension and local date, 14 dates from today on.",
            "The arrivals that are expected, with the interval that holds in four of five cases. Arrivals of a queue count what is moved into it, those of the desk do not: "
            "queues add up to more than all, and each is forecast by itself.",
            key="dimension dimension_value calendar_date",
            columns="""now_at dimension dimension_value calendar_date horizon_days is_business_day is_day_of_holiday served_model expected_cases low_cases
                       high_cases total_expected_cases total_low_cases total_high_cases forecast_reason""",
            rules=(Rule("low_cases", "<=", "high_cases"), Rule("total_low_cases", "<=", "total_high_cases")),
        ),
        table(
            "mart.forecast_backtest", Kind.FULL_REFRESH, "One row per model, value of one dimension, and how far ahead.",
            "How the forecasts of the last 8 fortnights compare with what came: errors, bias, and how often the interval held.",
            key="dimension dimension_value model horizon_from_days horizon_to_days",
            columns="""now_at dimension dimension_value model horizon_from_days horizon_to_days is_served origins scored_days mean_arrived_cases
                       mean_absolute_error_cases mase bias_cases pinball_loss_cases interval_days covered_pct business_days_covered_pct mean_width_cases
                       forecast_reason""",
        ),
        table(
            "mart.arrival_hours", Kind.FULL_REFRESH, "One row per value of one dimension, kind of day and hour of the day.",
            "The shape of a day: which share of its arrivals comes in which hour, over the last 56 dates.",
            key="dimension dimension_value is_business_day hour_of_day",
            columns="dimension dimension_value is_business_day hour_of_day arrived_cases share_of_day_pct",
        ),
        table(
            "mart.throughput", Kind.FULL_REFRESH, "One row per value of one dimension.",
            "What leaves in an open hour, and in a staffed hour, while work waits, over the last 56 dates.",
            key="dimension dimension_value",
            columns="""now_at dimension dimension_value is_today_begun is_now_on_business_day left_today_open_hours left_today_time_share left_today_arrivals_share business_days other_days usual_open_cases fewest_new_cases open_hours waiting_hours gone_cases_per_open_hour
                       open_hours_per_business_day gone_cases_outside_hours_per_business_day gone_cases_per_other_day
                       gone_p10_cases_per_business_day gone_p90_cases_per_business_day gone_width_cases_per_business_day heads heads_source gone_cases_per_staffed_hour throughput_basis""",
        ),
        table(
            "mart.backlog_clear_forecast", Kind.FULL_REFRESH, "One row per value of one dimension, change and goal.",
            "When the backlog is down to nothing, to its usual size or to a target, at what the desk gets done now, and under a change.",
            key="dimension dimension_value what_if goal",
            columns="""now_at dimension dimension_value what_if goal heads_change_share arrivals_change_share handling_time_change_share open_cases target_cases
                       arriving_cases_per_week leaving_cases_per_week reached_pct reached_p10_date reached_p50_date reached_p90_date
                       reached_p10_business_days reached_p50_business_days reached_p90_business_days clear_reason""",
            rules=(Rule("reached_p10_date", "<=", "reached_p50_date"), Rule("reached_p50_date", "<=", "reached_p90_date")),
        ),
    ],
)  # fmt: skip
