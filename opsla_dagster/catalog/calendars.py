"""The area `calendars`. Business time: the days, open segments and minutes of each calendar.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/calendars/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, local_date, text
from opsla_dagster.catalog.model import Kind, Rule
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    # calendars
    flag("is_weekend", "Saturday or Sunday"),
    flag("is_holiday", "A holiday of the calendar"),
    text("holiday_name", "Name of the holiday", nullable=True),
    count("open_seconds", "Seconds for which the calendar is open on the date"),
    count("business_day_number", "Business days from the start of the horizon up to and including the date"),
    local_date("utc_date", "UTC date of the segment; the key to join an instant's segment by"),
    instant("segment_start_at", "Start of the segment, inclusive", nullable=False),
    instant("segment_end_at", "End of the segment, exclusive", nullable=False),
    text("kind", "Why the calendar counts the segment or not", values=("open", "closed_hours", "holiday")),
    local_date("local_date", "Local date of the segment in the calendar's zone"),
    count("open_seconds_before", "F at the start of the segment: open seconds since the horizon's start"),
    count("holiday_seconds_before", "Closed seconds of holidays from the horizon's start up to the segment's"),
    local_date("business_date", "Local date of the minute"),
    instant("minute_start_at", "Start of the business minute", nullable=False),
    count("minute_number", "Business minutes from the horizon's start up to this one"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "calendars",
    "Business time: the days, open segments and minutes of each calendar.",
    [
        table(
            "raw.calendar_dim", Kind.PARTITIONED, "One row per calendar and local date.",
            "Business days, weekends and holidays of every calendar of calendars.yml.",
            key="calendar calendar_date",
            columns="""calendar calendar_date iso_weekday is_weekend is_holiday holiday_name is_business_day open_seconds
                       business_day_number""",
            partition_column="calendar_date",
        ),
        table(
            "staging.business_time", Kind.FULL_REFRESH, "One row per calendar and UTC segment, cut at UTC midnights.",
            "The calendars as segments of UTC that cover the horizon without gap or overlap. F(t), the open seconds up to an "
            "instant t, is open_seconds_before, plus t - segment_start_at where the segment is open.",
            key="calendar segment_start_at",
            columns="""calendar utc_date segment_start_at segment_end_at is_open kind local_date open_seconds_before
                       holiday_seconds_before""",
            rules=(Rule("segment_start_at", "<", "segment_end_at"),),
        ),
        table(
            "staging.business_hours_dim", Kind.FULL_REFRESH, "One row per calendar, hour of open time and segment that holds a part of it.",
            "The inverse of F: the instant at which X open seconds have gone by lies in a segment of hour (X - 1) // 3600.",
            key="calendar open_hour_number segment_start_at",
            columns="calendar open_hour_number segment_start_at segment_end_at open_seconds_before",
            rules=(Rule("segment_start_at", "<", "segment_end_at"),),
        ),
        table(
            "staging.team_calendars", Kind.FULL_REFRESH, "One row per team with a calendar of its own.",
            "team_calendars of calendars.yml: on which calendar a team's time with a case counts; every other team's counts on the desk's.",
            key="team",
            columns="team calendar",
        ),
        table(
            "staging.business_minutes_dim", Kind.PARTITIONED, "One row per business minute of the desk's calendar.",
            "The minute spine: an independent witness of business time, built minute by minute.",
            key="minute_start_at",
            columns="business_date minute_start_at minute_number",
            partition_column="business_date",
        ),
    ],
)
