-- Dates and values whose open cases are not those of the date before and what came less what went: the flow identity.
-- A failure means that a case is counted twice, or lost, on its way between dates or queues; look first at the movements of
-- sql/mart/backlog/backlog_daily.sql, then at began_with and ended_with of staging.backlog_spans.
with days as (
    select
        calendar_date,
        dimension,
        dimension_value,
        open_cases,
        opened_cases + reopened_cases + moved_in_cases - moved_out_cases - left_cases - cancelled_cases as net_cases
    from mart.backlog_daily
),

-- What was open is on the next date too, with or without a row there.
next_days as (
    select
        days.calendar_date + interval 1 day as calendar_date,
        days.dimension,
        days.dimension_value,
        days.open_cases as open_cases_before
    from days
    inner join mart.snapshot_instants as instants on days.calendar_date + interval 1 day = instants.snapshot_date
)

select
    coalesce(days.calendar_date, next_days.calendar_date) as calendar_date,
    coalesce(days.dimension, next_days.dimension) as dimension,
    coalesce(days.dimension_value, next_days.dimension_value) as dimension_value,
    next_days.open_cases_before,
    days.net_cases,
    days.open_cases
from days
full outer join next_days
    on
        days.calendar_date = next_days.calendar_date
        and days.dimension = next_days.dimension
        and days.dimension_value = next_days.dimension_value
where coalesce(next_days.open_cases_before, 0) + coalesce(days.net_cases, 0) <> coalesce(days.open_cases, 0)
