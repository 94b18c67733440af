-- Dates at whose end more cases had ended than were ever taken in.
-- A failure means that flow counts an end without its intake; look first at staging.daily_flow of the dates before.
select
    calendar_date,
    opened_cases,
    ended_cases,
    open_backlog_cases
from staging.day_load
where open_backlog_cases < 0
