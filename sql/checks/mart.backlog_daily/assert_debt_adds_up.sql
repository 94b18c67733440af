-- Dates and values whose debt is not that of the date before, and what accrued and moved in less what was repaid and moved out.
-- Standing debt is added up from the clocks at the end of each date, what accrued from the open time in which clocks ran beyond their targets.
-- A failure means that one of the two is wrong; look first at sql/staging/backlog/backlog_debts.sql, then at sql/mart/backlog/clock_snapshot.sql.
with days as (
    select
        calendar_date,
        dimension,
        dimension_value,
        debt_seconds,
        debt_accrued_seconds - debt_repaid_seconds + debt_moved_in_seconds - debt_moved_out_seconds as net_debt_seconds
    from mart.backlog_daily
),

next_days as (
    select
        days.calendar_date + interval 1 day as calendar_date,
        days.dimension,
        days.dimension_value,
        days.debt_seconds as debt_seconds_before
    from days
    inner join mart.snapshot_instants as instants on days.calendar_date + interval 1 day = instants.snapshot_date
)

select
    coalesce(days.calendar_date, next_days.calendar_date) as calendar_date,
    coalesce(days.dimension, next_days.dimension) as dimension,
    coalesce(days.dimension_value, next_days.dimension_value) as dimension_value,
    next_days.debt_seconds_before,
    days.net_debt_seconds,
    days.debt_seconds
from days
full outer join next_days
    on
        days.calendar_date = next_days.calendar_date
        and days.dimension = next_days.dimension
        and days.dimension_value = next_days.dimension_value
where coalesce(next_days.debt_seconds_before, 0) + coalesce(days.net_debt_seconds, 0) <> coalesce(days.debt_seconds, 0)
