-- Hours in which the queues have more cases than the desk, or are open otherwise.
-- A failure means that cases are counted twice; look first at read_arrivals in opsla_dagster/staffing/inputs.py.
with desk as (
    select
        iso_weekday,
        hour_of_day,
        open_business_minutes,
        cases_per_week
    from mart.staffing_hours
    where queue = 'all'
),

queues as (
    select
        iso_weekday,
        hour_of_day,
        max(open_business_minutes) as open_business_minutes,
        sum(cases_per_week) as cases_per_week
    from mart.staffing_hours
    where queue <> 'all'
    group by iso_weekday, hour_of_day
)

select
    queues.iso_weekday,
    queues.hour_of_day,
    queues.cases_per_week,
    desk.cases_per_week as desk_cases_per_week
from queues
left join desk on queues.iso_weekday = desk.iso_weekday and queues.hour_of_day = desk.hour_of_day
where
    desk.iso_weekday is null
    or queues.cases_per_week > desk.cases_per_week + 0.000001
    or queues.open_business_minutes <> desk.open_business_minutes
