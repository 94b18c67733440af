"""The area `backlog`. What is open: at the end of each date, now, and at any instant; and how healthy the desk is.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/backlog/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, local_date, measure, pct, text
from opsla_dagster.catalog.model import Column, Kind
from opsla_dagster.catalog.table import tables_with

#: Ages of open cases, in calendar time: half-open, a day is 24 h.
AGE_BANDS = ("under_1_day", "1_to_3_days", "3_to_7_days", "7_to_30_days", "over_30_days")
_DIMENSIONS = "team priority tier region brand channel"
_KEPT = """is_queue_kept_at_start is_queue_kept_at_end is_priority_kept_at_start is_priority_kept_at_end is_tier_kept_at_start
    is_tier_kept_at_end"""


def _kept(what: str, name: str) -> list[Column]:
    return [
        flag(f"is_{name}_kept_at_start", f"What was before is open and has the same {what}: nothing moves in"),
        flag(f"is_{name}_kept_at_end", f"What follows is open and has the same {what}: nothing moves out"),
    ]


COLUMNS = [
    # stretches of a case
    local_date("started_date", "Local date of started_at"),
    text("began_with", "What the stretch begins with: the case came in, was reopened, ended or was cancelled, or a value of it changed",
         values=("opened", "reopened", "changed", "ended", "cancelled")),
    text("ended_with", "What the stretch ends with; NULL while it goes on, and at the end of a case that was not open", nullable=True,
         values=("reopened", "changed", "ended", "cancelled")),
    instant("stint_started_at", "Since when its present queue and agent hold the open case without a break", nullable=False),
    *_kept("queue", "queue"),
    *_kept("priority", "priority"),
    *_kept("tier", "tier"),
    # stretches of a clock
    count("running_seconds_before", "Open seconds that the clock had run before the stretch; NULL outside the calendar's horizon", nullable=True),
    instant("clock_due_at", "Of the last stretch of a clock that has stopped: when it fell due, or would have if it had gone on"),
    count("excess_seconds_at_start", "Elapsed less target at the start of the stretch; negative within the target", nullable=True, at_least=None),
    count("excess_seconds_at_stop", "Elapsed less target at the end of the stretch; NULL while it goes on", nullable=True, at_least=None),
    flag("is_kept_at_start", "The clock stood in the backlog the instant before"),
    flag("is_kept_at_end", "The clock stands in the backlog from there on"),
    # instants
    local_date("snapshot_date", "Local date at whose end the backlog is told"),
    instant("snapshot_from_at", "Start of the local date", nullable=False),
    instant("seen_before_at", "What happened before it counts", nullable=False),
    local_date("now_date", "Local date of now_at"),
    text("now_reason", "Why now is that instant", values=("latest look", "end of the last intake date loaded", "the log ended")),
    instant("known_until_at", "Up to when the desk as a whole is known: the end of the last intake date loaded, or the latest look", nullable=False),
    instant("last_event_at", "The latest change of a case by then; NULL: there is none"),
    count("fact_digest", "Changes when what is known of the date changes", at_least=None),
    local_date("fact_date", "Local date from which on, or on which, something counts"),
    # clocks at an instant
    flag("is_past_target", "Past its target at the instant; NULL: unknown", nullable=True),
    # error budgets
    text("window_name", "Name of the window"),
    text("alert", "Alert where the budget burns: page at once, ticket within the day, slow in time", nullable=True, values=("page", "ticket", "slow")),
    flag("is_short", "The window that tells whether it still goes on"),
    measure("threshold_burn", "Burn from which on it alerts"),
    count("window_seconds", "Open seconds of the desk's calendar in the window"),
    instant("from_at", "Start of the window, exclusive: what fell due after it counts", nullable=False),
    instant("decided_at", "When the clock was stopped in time, or reached its target", nullable=False),
    flag("is_bad", "Broken, or open past its target"),
    instant("period_from_at", "Start of the budget's period of 20 business days, exclusive", nullable=False),
    count("due_clocks", "Clocks that fell due in the period"),
    count("bad_clocks", "Of due_clocks, those that are broken, or open past their target"),
    pct("kept_pct", "due_clocks less bad_clocks, of due_clocks"),
    measure("budget_clocks", "Error budget: clocks that may be broken in the period"),
    measure("budget_left_clocks", "budget_clocks less bad_clocks; negative: overspent", at_least=None),
    measure("budget_burn", "Share of the budget that is spent: bad share / (1 - objective); 1: all of it"),
    instant("long_from_at", "Start of the long window, exclusive", nullable=False),
    instant("short_from_at", "Start of the short window, exclusive", nullable=False),
    count("long_due_clocks", "Clocks that fell due in the long window"),
    count("long_bad_clocks", "Of those, broken or open past their target"),
    count("short_due_clocks", "Clocks that fell due in the short window"),
    count("short_bad_clocks", "Of those, broken or open past their target"),
    measure("long_burn", "Bad share in the long window / (1 - objective); NULL: nothing fell due"),
    measure("short_burn", "Bad share in the short window / (1 - objective); NULL: nothing fell due"),
    flag("is_burning", "Both windows burn at the threshold or faster, and at least 10 clocks fell due in the long one"),
    # cases at an instant
    measure("stint_calendar_minutes", "Minutes since the present queue and agent got the case, or it was reopened"),
    measure("stint_business_minutes", "Business minutes of the desk's calendar since the present queue and agent got the case, or it was reopened"),
    instant("status_since_at", "Since when nothing of the case changed that is told here", nullable=False),
    count("open_clocks", "Clocks of the case that run or stand still, in force at the instant"),
    text("age_band", "Age since intake, in calendar time", values=AGE_BANDS),
    flag("is_due_in_2_hours", "A clock of it within its target falls due, if it runs on, within two hours by the wall clock; one whose calendar closed exactly at its target: when that opens"),
    # what sources tell
    flag("is_status_told", "It tells statuses between intake and end"),
    flag("is_queue_told", "It tells queues"),
    flag("is_agent_told", "It tells agents"),
    flag("is_priority_told", "It tells priorities"),
    flag("is_tier_told", "It tells tiers"),
    flag("is_region_told", "It tells regions"),
    flag("is_brand_told", "It tells brands"),
    flag("is_channel_told", "It tells channels"),
    # dates
    count("moved_out_cases", "Open cases that went to another value of the dimension"),
    count("cancelled_cases", "Cases that left the backlog by CANCELLED or MERGED"),
    count("left_cases", "Times that an open case left the backlog otherwise: RESOLVED, CLOSED; reopened later or not"),
    count("active_cases", "Open cases that wait for us; NULL where no source tells statuses", nullable=True),
    count("waiting_cases", "Open cases that wait for somebody else; NULL where no source tells statuses", nullable=True),
    count("age_under_1_day_cases", "Open cases less than a day (24 h) old"),
    count("age_1_to_3_days_cases", "Open cases from 1 to less than 3 days old"),
    count("age_3_to_7_days_cases", "Open cases from 3 to less than 7 days old"),
    count("age_7_to_30_days_cases", "Open cases from 7 to less than 30 days old"),
    count("age_over_30_days_cases", "Open cases 30 days old or more"),
    *[
        measure(f"age_{share}_{clock}_minutes", f"{words} age of the open cases, {clock} minutes")
        for share, words in (("p50", "Exact p50 of the"), ("p90", "Exact p90 of the"), ("max", "Greatest"))
        for clock in ("calendar", "business")
    ],
    measure("arriving_cases_per_business_day", "Mean of arrived_cases over the last 10 business days, each with the dates without open hours before it. NULL: one of these dates is not loaded"),
    measure("leaving_cases_per_business_day", "Mean of gone_cases over the same dates"),
    measure("cleared_after_business_days", "Business days until the backlog is gone at that pace; NULL: no more leaves than comes in, so that it does not shrink"),
    measure("required_cases_per_business_day", "Cases that would have to leave a business day to keep up and to be rid of the breached ones in 5"),
    count("breached_open_cases", "Open cases with a clock past its target"),
    count("breached_open_clocks", "Clocks past their target of open cases: debt_clocks of the literature"),
    count("due_in_2_hours_cases", "Open cases whose next clock falls due, if it runs on, within two hours by the wall clock"),
    measure("pace_day_business_minutes", "Open minutes of the desk on the business day"),
    Column("worked_days", "BIGINT", "Business days on which there was work that the pace is of, the 10 before now at most", at_least=0, at_most=10),
    count("unloaded_days", "Dates of the last 10 business days before today, with the closed dates before each, that are not loaded though an earlier one is: of them nobody knows what came in"),
    measure("arrived_cases_per_business_hour", "Cases that came in, came back or moved in on the pace days (mart.pace_days), by their open hours"),
    measure("left_cases_per_business_hour", "Pace: cases that ended, were cancelled or moved on on the pace days (mart.pace_days), by their open hours"),
    measure("due_cases_per_business_hour", "Cases not past due yet whose next clock falls due by the end of the next business day, in an open hour until then; NULL: the calendar has no business day ahead"),
    measure("debt_work_business_minutes", "Open time that the breached open cases take at the pace; NULL: unknown"),
    measure("to_green_business_minutes", "Open time until no case is past due, at least, at the pace; of all no less than of its slowest queue; NULL: unknown"),
    text("to_green_reason", "What to_green_business_minutes rests on, or why there is none"),
    text("health", "green: no case past due; amber: none within one business day; red: later or unknown", values=("green", "amber", "red")),
    count("due_next_business_day_cases", "Open cases whose next clock falls due, if it runs on, by the end of the next business day"),
    count("debt_accrued_seconds", "Open seconds that clocks ran beyond their targets on the date, and those that a reopened case brought back"),
    count("debt_repaid_seconds", "Debt of the clocks that stopped, or whose case left the backlog, on the date"),
    count("debt_moved_in_seconds", "Debt that open cases brought from another value of the dimension"),
    count("debt_moved_out_seconds", "Debt that open cases took to another value of the dimension"),
    count("debt_seconds", "Debt: open seconds beyond their targets of the open clocks of open cases, added up"),
]

table = tables_with(COLUMNS)

_FLOW = "opened_cases reopened_cases moved_in_cases moved_out_cases left_cases cancelled_cases open_cases"

_CLOCK_SNAPSHOT = """snapshot_date snapshot_at source case_id intake_date policy metric cycle is_source_promise calendar is_paused elapsed_seconds
    target_seconds due_at remaining_seconds is_past_target debt_seconds"""
_SNAPSHOT = """snapshot_date snapshot_at source case_id intake_date intake_ts age_calendar_minutes age_business_minutes stint_started_at
    stint_calendar_minutes stint_business_minutes status status_since_at waits_for team agent priority tier case_type region
    brand channel customer open_clocks breached_clocks breached_since_at debt_seconds next_policy next_metric next_due_at
    next_remaining_business_minutes age_band is_due_in_2_hours"""

AREA = Area(
    "backlog",
    "What is open: at the end of each date, now, and at any instant; and how healthy the desk is.",
    [
        table(
            "staging.backlog_spans", Kind.PARTITIONED, "One row per stretch of a case with one openness, status, queue, agent, priority and tier.",
            "From intake to the end of the case, reopens included: what was open when, and how it came and went.",
            key="case_id started_at",
            columns=f"""source case_id intake_date started_at ended_at started_date ended_date is_open began_with ended_with status
                        waits_for team agent priority tier stint_started_at {_KEPT}""",
        ),
        table(
            "staging.backlog_clocks", Kind.PARTITIONED, "One row per stretch of a clock in one state.",
            "What is needed to judge a clock at an instant within the stretch, as was known then.",
            key="case_id policy metric cycle started_at",
            columns="""source case_id intake_date policy metric cycle is_source_promise calendar state started_at stopped_at running_seconds_before
                       open_seconds_at_start target_seconds due_at outcome clock_due_at""",
            nullable="outcome",
        ),
        table(
            "staging.backlog_debts", Kind.PARTITIONED, "One row per stretch of a clock that reaches its target by its end, within one open stretch of its case.",
            "Debt by clock: how far beyond its target it was at the start and at the end of the stretch, and with whom.",
            key="case_id policy metric cycle started_at",
            columns=f"""source case_id intake_date policy metric cycle calendar state started_at stopped_at {_DIMENSIONS} open_seconds_at_start
                        open_seconds_at_stop excess_seconds_at_start excess_seconds_at_stop is_kept_at_start is_kept_at_end {_KEPT}""",
        ),
        table(
            "staging.backlog_facts", Kind.PARTITIONED, "One row per intake date and local date on which something of its cases changes.",
            "Fingerprints of the stretches: they tell which dates of the backlog have changed, so that the others are left alone.",
            key="intake_date fact_date",
            columns="intake_date fact_date fact_digest",
        ),
        table(
            "mart.desk_now", Kind.FULL_REFRESH, "One row: the instant that now stands for.",
            "Now, wherever the desk is shown as it stands, and why it is that instant. No row while nothing is loaded.",
            key="now_at",
            columns="now_at now_date now_reason known_until_at first_intake_date last_intake_date as_of_at last_event_at",
        ),
        table(
            "mart.snapshot_instants", Kind.VIEW, "One row per local date that is over by now.",
            "The instants at which the backlog is told.",
            key="snapshot_date",
            columns="snapshot_date snapshot_from_at snapshot_at seen_before_at",
            partition_column="snapshot_date",
        ),
        table(
            "mart.clock_snapshot", Kind.BY_DAY, "One row per local date and clock open at its end.",
            "Elapsed, due and debt of every open clock at the end of each date, by what had happened until then.",
            key="snapshot_date case_id policy metric cycle",
            columns=_CLOCK_SNAPSHOT,
            partition_column="snapshot_date",
            nullable="remaining_seconds debt_seconds",
            is_published=False,
        ),
        table(
            "mart.backlog_sources", Kind.FULL_REFRESH, "One row per source.",
            "What each source tells of open cases: what none tells is no dimension.",
            key="source",
            columns="""source is_status_told is_queue_told is_agent_told is_priority_told is_tier_told is_region_told is_brand_told is_channel_told""",
        ),
        table(
            "mart.backlog_snapshot", Kind.BY_DAY, "One row per local date and case open at its end.",
            "The backlog of each date, case by case: age, holder, what it waits for, what falls due next, debt. Not published, for it is as long as the "
            "desk's history: opsla export --table mart.backlog_snapshot writes it, and `opsla backlog --as-of` tells it for any instant.",
            key="snapshot_date case_id",
            columns=_SNAPSHOT,
            partition_column="snapshot_date",
            is_published=False,
        ),
        table(
            "mart.backlog_now", Kind.FULL_REFRESH, "One row per case that is open now.",
            "The backlog as it stands, case by case: mart.backlog_snapshot at the instant of mart.desk_now.",
            key="case_id",
            columns=_SNAPSHOT,
        ),
        table(
            "mart.clock_now", Kind.FULL_REFRESH, "One row per clock that is open now.",
            "The open clocks as they stand: mart.clock_snapshot at the instant of mart.desk_now.",
            key="case_id policy metric cycle",
            columns=_CLOCK_SNAPSHOT,
            nullable="remaining_seconds debt_seconds",
        ),
        table(
            "mart.burn_windows", Kind.VIEW, "One row per window before now in which clocks fall due.",
            "The period of error budgets, and the pairs of windows of burn alerts.",
            key="window_name",
            columns="window_name alert is_short threshold_burn now_at window_seconds from_at",
            nullable="threshold_burn",
        ),
        table(
            "mart.due_clocks", Kind.FULL_REFRESH, "One row per clock that fell due in the last 20 business days.",
            "The cohort of error budgets: what fell due, and whether it was broken by now.",
            key="case_id policy metric cycle",
            columns="case_id policy metric cycle due_at decided_at queue is_bad",
            is_published=False,
        ),
        table(
            "mart.error_budget", Kind.FULL_REFRESH, "One row per promise with an objective, and all or one queue.",
            "What of each promise's error budget is left, over what fell due in the last 20 business days. A clock counts for the queue that held its case "
            "just before it was stopped in time or reached its target.",
            key="policy metric dimension dimension_value",
            columns="""now_at policy metric dimension dimension_value objective_pct period_from_at due_clocks bad_clocks kept_pct budget_clocks budget_left_clocks budget_burn""",
        ),
        table(
            "mart.burn_rates", Kind.FULL_REFRESH, "One row per promise with an objective, all or one queue, and pair of windows.",
            "How fast each error budget burns, of all and of each queue, and whether that calls for an alert; alerts are sent of all.",
            key="policy metric dimension dimension_value alert",
            columns="""now_at policy metric dimension dimension_value alert objective_pct threshold_burn long_from_at short_from_at long_due_clocks long_bad_clocks short_due_clocks
                       short_bad_clocks long_burn short_burn is_burning""",
        ),
        table(
            "mart.pace_days", Kind.VIEW, "One row per value of one dimension and business day that its pace rests on.",
            "The last 10 business days before today on which a value had work: what pace is of, wherever one is told. Dates without open hours count to the business day after them; business days of which a date is not loaded are left out.",
            key="dimension dimension_value calendar_date",
            columns="dimension dimension_value calendar_date arrived_cases gone_cases pace_day_business_minutes",
            is_published=False,
        ),
        table(
            "mart.queue_health", Kind.FULL_REFRESH, "One row per value of one dimension.",
            "How the desk and each queue, priority and tier stand now, and how long it takes until nothing is past due.",
            key="dimension dimension_value",
            columns="""now_at dimension dimension_value open_cases active_cases waiting_cases breached_open_cases breached_open_clocks debt_seconds
                       due_in_2_hours_cases due_next_business_day_cases next_due_at age_p50_calendar_minutes age_p90_calendar_minutes
                       age_max_calendar_minutes age_max_business_minutes worked_days unloaded_days arrived_cases_per_business_hour left_cases_per_business_hour
                       due_cases_per_business_hour debt_work_business_minutes to_green_business_minutes to_green_reason health""",
        ),
        table(
            "mart.burn_down", Kind.VIEW, "One row per local date and value of one dimension.",
            "Open backlog, its pace over the last 10 business days, when it would be gone at that, and the pace that it would take.",
            key="calendar_date dimension dimension_value",
            columns="""calendar_date dimension dimension_value open_cases arrived_cases gone_cases breached_open_cases debt_seconds
                       arriving_cases_per_business_day leaving_cases_per_business_day cleared_after_business_days required_cases_per_business_day""",
            partition_column="calendar_date",
        ),
        table(
            "mart.backlog_daily", Kind.BY_DAY, "One row per local date and value of one dimension.",
            "What came into the backlog, what left it, and what is there at the end of the date: cases, ages, breaches, debt.",
            key="calendar_date dimension dimension_value",
            columns=f"""calendar_date dimension dimension_value {_FLOW} active_cases waiting_cases age_under_1_day_cases age_1_to_3_days_cases
                        age_3_to_7_days_cases age_7_to_30_days_cases age_over_30_days_cases age_p50_calendar_minutes age_p90_calendar_minutes
                        age_max_calendar_minutes age_p50_business_minutes age_p90_business_minutes age_max_business_minutes breached_open_cases
                        breached_open_clocks due_next_business_day_cases debt_accrued_seconds debt_repaid_seconds debt_moved_in_seconds
                        debt_moved_out_seconds debt_seconds""",
            partition_column="calendar_date",
        ),
    ],
)
