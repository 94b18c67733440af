"""The area `staffing`. Heads and promises: what a usual week brings, which heads keep a promise, and what they would have kept.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (staffing/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, local_date, measure, pct, text
from opsla_dagster.catalog.model import Column, Kind, Rule
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    Column("open_business_minutes", "DOUBLE", "Minutes for which the desk is open in the hour, of a week without holidays", at_least=0, at_most=60),
    measure("cases_per_week", "Cases that come in in a mean week; in mart.staffing_hours in that hour of it; dates of holidays are left out. NULL: too few weeks have all of their dates loaded"),
    measure("present_heads", "Heads that were there in that hour (after shrinkage), mean of the latest 4 weeks; NULL: no source tells, or the desk is closed"),
    # weeks that were replayed
    local_date("week_date", "The Monday that begins the week, of the desk"),
    flag("is_response", "The promise is kept when somebody takes the case up; else when the case is done"),
    pct("actual_pct", "Share of the clocks that were met"),
    pct("predicted_pct", "Share that the weeks before, with this week's arrivals and heads, let expect"),
    measure("error_points", "predicted_pct less actual_pct, percentage points", at_least=-100),
    measure("head_hours", "Hours of heads that are there (after shrinkage), in the open hours of the week"),
    measure("touch_business_minutes", "Minutes that a case takes one head; in mart.staffing_replay what the waits of the weeks before tell, NULL: those do not come from too few heads"),
    measure("touch_at_most_business_minutes", "Minutes of staff per finished case in the leanest week before: nobody can have needed more. NULL: no source tells heads"),
    *[
        pct(f"own_within_{part}_pct", f"Of cases that found a free head, the share done within {told} of the target")
        for part, told in (("fiftieth", "a fiftieth"), ("quarter", "a quarter"), ("half", "half"), ("three_quarters", "three quarters"), ("target", "all"))
    ],
    measure("touch_shortest_business_minutes", "Shortest touch time with which heads explain the days of the weeks before as well as the best account does; 0: so does \"heads do not matter\". NULL: not known"),
    measure("touch_longest_business_minutes", "Longest such touch time"),
    # what a plan starts from
    pct("arrivals_margin_pct", "By how much more cases than usual a plan is made for: the forecast's 80 % interval of the next 7 days less the chance of drawn weeks, at least 5"),
    pct("clock_share_pct", "Share of the queue's cases that have this promise"),
    local_date("first_week_date", "The Monday from which on the cases were counted"),
    count("weeks", "Whole weeks that were counted: those of which every date is loaded"),
    count("unloaded_weeks", "Whole weeks since first_week_date that were not, as some of their dates are not loaded"),
    measure("day_overdispersion", "By how much more days of a weekday differ than chance makes them: variance = mean + this x mean squared. NULL: cases_per_week is not known"),
    measure("touch_variation", "Standard deviation of the touch time / its mean"),
    text("touch_basis", "Where touch_business_minutes comes from; at most: the plan errs on the side of too many heads", nullable=True, values=("staffing.yml", "measured by the source", "estimated from waits", "at most, from staff and finished cases")),
    measure("workload_heads", "Heads that the work keeps busy, spread evenly over all open hours: with fewer no roster keeps up"),
    measure("patience_seconds", "Seconds after which customers leave, on average; NULL: they do not"),
    # plans
    text("roster", "plan: what was found; flat: the same heads all day; as_staffed: heads as they were in the latest 4 weeks; else a roster of staffing.yml"),
    measure("rostered_heads", "Heads to employ for them: heads / (1 - shrinkage); NULL: shrinkage is not known"),
    measure("served_cases_per_week", "Cases on which work can begin in that hour: those that come in in it, and what piled up while the desk was closed", nullable=False),
    measure("fluid_heads", "Bound beside it: the hour's work spread evenly over the target, without chance", nullable=False),
    Column("erlang_heads", "BIGINT", "Bound beside it: what Erlang C (Erlang A where customers leave) asks for, of a steady stream of the mean open hour", nullable=True, at_least=0),
    Column("erlang_opening_heads", "BIGINT", "The same of the hour with most cases, what piled up before it included", nullable=True, at_least=0),
    flag("is_kept", "The objective is reached in at least 95 % of the simulated weeks; NULL: not judged", nullable=True),
    pct("simulated_attainment_pct", "Share of the simulated clocks that are met"),
    pct("lean_week_pct", "Attainment that 95 % of the simulated weeks reach"),
    pct("weeks_kept_pct", "Share of the simulated weeks in which the objective is reached"),
    pct("busy_pct", "Share of the heads' time that is work"),
    measure("wait_p50_business_minutes", "Median simulated wait for a head, business minutes"),
    measure("wait_p90_business_minutes", "90 % of simulated waits for a head are no longer, business minutes"),
    measure("rostered_head_hours", "Hours to employ for head_hours: head_hours / (1 - shrinkage); NULL: shrinkage is not known"),
    count("simulated_weeks", "Weeks that were simulated"),
    pct("ceiling_pct", "Share that would be met with a free head for every case at once, by the cases of the log that found one"),
    text("basis", "Whether cases are planned to be taken up at once, or as the log shows of those that found a free head", nullable=True),
    # minutes to green
    measure("to_green_p50_business_minutes", "Half of the simulated runs are green by then, business minutes; NULL: never within 20 business days, or unknown"),
    measure("to_green_p90_business_minutes", "90 % of the simulated runs are green by then, business minutes; NULL: never within 20 business days, or unknown"),
    pct("never_pct", "Share of the simulated runs that are not green within 20 business days"),
    count("simulated_runs", "Runs of the simulation"),
    text("shape", "How the heads lie", nullable=True),
]

table = tables_with(COLUMNS)

AREA = Area(
    "staffing",
    "Heads and promises: what a usual week brings, which heads keep a promise, and what they would have kept.",
    [
        table(
            "mart.staffing_replay", Kind.FULL_REFRESH, "One row per week and metric: the 12 whole weeks before now, and the week that now lies in.",
            "Attainment that was, beside what the weeks before it let expect from the week's own arrivals and heads, and what those weeks taught; `reason` says "
            "why there is no prediction. Metrics whose clocks start as a case comes in.",
            key="week_date metric",
            columns="""week_date metric is_response clocks actual_pct predicted_pct error_points head_hours touch_business_minutes touch_at_most_business_minutes
                       touch_shortest_business_minutes touch_longest_business_minutes own_within_fiftieth_pct own_within_quarter_pct own_within_half_pct own_within_three_quarters_pct own_within_target_pct reason made_from""",
            nullable="reason",
        ),
        table(
            "mart.staffing_hours", Kind.FULL_REFRESH, "One row per queue, weekday and hour in which the desk is open or cases come in.",
            "The usual week of the desk (queue `all`) and of each queue, that of a case being the one that answers it first: when it is open, when cases come in, and which heads are there.",
            key="queue iso_weekday hour_of_day",
            columns="queue iso_weekday hour_of_day open_business_minutes cases_per_week present_heads made_from",
        ),
        table(
            "mart.staffing_inputs", Kind.FULL_REFRESH, "One row per queue, metric, policy, target and calendar.",
            "What a plan starts from: arrivals, touch time and where it comes from, shrinkage, the promise and how it stands; `reason` says why no plan is possible.",
            key="queue metric policy target_seconds calendar",
            columns="""queue metric policy target_seconds calendar is_response objective_pct clocks clock_share_pct actual_pct
                       own_within_fiftieth_pct own_within_quarter_pct own_within_half_pct own_within_three_quarters_pct own_within_target_pct
                       first_week_date weeks unloaded_weeks cases_per_week day_overdispersion arrivals_margin_pct touch_shortest_business_minutes touch_longest_business_minutes touch_business_minutes touch_variation touch_basis workload_heads
                       shrinkage_pct patience_seconds reason made_from""",
            nullable="reason",
        ),
        table(
            "mart.staffing_plan", Kind.FULL_REFRESH, "One row per metric, roster, queue, weekday and hour in which the desk is open.",
            "Heads by weekday and hour with which the objective holds in at least 95 % of simulated weeks, and rosters beside it; of the desk (queue `all`), and "
            "of each queue its share of the plan. Planned are promises of a first answer that have an objective; `opsla staffing` plans others.",
            key="metric roster queue iso_weekday hour_of_day",
            columns="metric roster queue iso_weekday hour_of_day heads rostered_heads served_cases_per_week fluid_heads made_from",
        ),
        table(
            "mart.staffing_outcomes", Kind.FULL_REFRESH, "One row per metric and roster.",
            "What the plan and each roster beside it bring in simulated weeks, what they cost in head-hours a week, and the bounds beside them; `reason` says why "
            "there is no plan, or what to know of it.",
            key="metric roster",
            columns="""metric roster queue objective_pct target_seconds is_kept simulated_attainment_pct lean_week_pct weeks_kept_pct busy_pct
                       wait_p50_business_minutes wait_p90_business_minutes head_hours rostered_head_hours workload_heads erlang_heads erlang_opening_heads
                       simulated_weeks touch_business_minutes touch_basis ceiling_pct basis shape reason made_from""",
            nullable="objective_pct head_hours simulated_weeks touch_business_minutes touch_basis reason",
        ),
        table(
            "mart.to_green_simulated", Kind.FULL_REFRESH, "One row for the desk and one per queue.",
            "How long until nothing is past due and stays so for a business day, by simulation at the pace of mart.throughput; the fluid bound of mart.queue_health knows no chance.",
            key="dimension dimension_value",
            columns="""now_at dimension dimension_value to_green_p50_business_minutes to_green_p90_business_minutes never_pct simulated_runs reason made_from""",
            nullable="simulated_runs reason",
            rules=(Rule("to_green_p50_business_minutes", "<=", "to_green_p90_business_minutes"),),
        ),
    ],
)
