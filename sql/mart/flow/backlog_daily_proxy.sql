-- One row is one local date: the flow of cases and the backlog it leaves at the end of the date.
-- The published definition: a case counts from intake to its last end, those too that are solved for the time being and come back later. What was
-- open at the end of the date is mart.backlog_daily (docs/decisions/0039-backlog-snapshot.md).
select
    calendar_date,
    opened_cases,
    ended_cases,
    cast(opened_cases - ended_cases as bigint) as net_flow_cases,
    open_backlog_cases
from staging.day_load
