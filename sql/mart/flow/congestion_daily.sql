-- One row is one local date: (opened + open backlog) / effective agents.
select
    calendar_date,
    opened_cases,
    open_backlog_cases,
    effective_heads,
    congestion_index
from staging.day_load
