-- One row is one local date: the flow of cases and the backlog it leaves at the end of the date.
select
    calendar_date,
    opened_cases,
    ended_cases,
    cast(opened_cases - ended_cases as bigint) as net_flow_cases,
    open_backlog_cases
from staging.day_load
