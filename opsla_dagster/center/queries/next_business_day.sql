-- One row: when the desk's next business day after the local date $today is over, as mart.queue_health counts it; NULL where the calendar has none in the 45 days after it.
with next_business_dates as (
    select min(open_days.local_date) as local_date
    from staging.business_time as open_days
    where
        open_days.calendar = 'desk'
        and open_days.is_open
        and open_days.local_date > $today
        and open_days.local_date < cast($today as date) + interval 45 day
)

select max(days.segment_end_at) as ends_at
from staging.business_time as days
inner join next_business_dates on days.local_date = next_business_dates.local_date
where days.calendar = 'desk'
