-- One row is the desk, or one queue of it: how long until nothing is past due, by simulation at the pace of mart.queue_health.
select
    dimension,
    dimension_value,
    to_green_p50_business_minutes,
    to_green_p90_business_minutes,
    never_pct,
    simulated_runs,
    reason
from mart.to_green_simulated
order by dimension, dimension_value
