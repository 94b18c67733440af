-- One row is one local date up to that of $at: cases that came in and that ended from the first date on, added up. The distance between the two is
-- the work in progress.
with days as (
    select
        calendar_date,
        opened_cases,
        ended_cases,
        open_backlog_cases,
        sum(opened_cases) over (order by calendar_date) as opened_so_far,
        sum(ended_cases) over (order by calendar_date) as ended_so_far
    from mart.backlog_daily_proxy
)

select
    calendar_date,
    opened_cases,
    ended_cases,
    open_backlog_cases,
    cast(opened_so_far as bigint) as opened_so_far,
    cast(ended_so_far as bigint) as ended_so_far
from days
where calendar_date <= $last_day and calendar_date > cast($last_day as date) - $days
order by calendar_date
