-- One row is one local date: congestion, and its mean over the 10 business days up to and including the date.
select
    calendar_date,
    opened_cases,
    open_backlog_cases,
    effective_heads,
    congestion_index,
    congestion_index_10bd_mean
from staging.day_load
