-- One row is one priority of the open cases: how many there are of each age, in calendar time, of $queue where it is given.
select
    coalesce(priority, 'none') as priority,
    count(*) filter (where age_band = 'under_1_day') as under_1_day,
    count(*) filter (where age_band = '1_to_3_days') as "1_to_3_days",
    count(*) filter (where age_band = '3_to_7_days') as "3_to_7_days",
    count(*) filter (where age_band = '7_to_30_days') as "7_to_30_days",
    count(*) filter (where age_band = 'over_30_days') as over_30_days,
    count(*) as open_cases,
    count(*) filter (where breached_clocks > 0) as breached_open_cases
from mart.backlog_now
where $queue is null or coalesce(team, 'none') = $queue
group by coalesce(priority, 'none')
order by priority
