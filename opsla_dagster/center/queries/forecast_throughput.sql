-- One row: what is open of one value of one dimension, and what leaves it while work waits; NULL where it has none.
select
    health.open_cases,
    health.left_cases_per_business_hour,
    coalesce(throughput.is_today_begun, false) as is_today_begun,
    throughput.is_now_on_business_day,
    throughput.left_today_open_hours,
    throughput.left_today_time_share,
    throughput.left_today_arrivals_share,
    throughput.business_days,
    throughput.other_days,
    throughput.usual_open_cases,
    throughput.fewest_new_cases,
    throughput.open_hours,
    throughput.waiting_hours,
    throughput.gone_cases_per_open_hour,
    throughput.open_hours_per_business_day,
    throughput.gone_cases_outside_hours_per_business_day,
    throughput.gone_cases_per_other_day,
    throughput.gone_p10_cases_per_business_day,
    throughput.gone_p90_cases_per_business_day,
    throughput.gone_width_cases_per_business_day,
    throughput.heads,
    throughput.heads_source,
    throughput.gone_cases_per_staffed_hour,
    throughput.throughput_basis
from mart.queue_health as health
left join mart.throughput as throughput on health.dimension = throughput.dimension and health.dimension_value = throughput.dimension_value
where health.dimension = $dimension and health.dimension_value = $dimension_value
