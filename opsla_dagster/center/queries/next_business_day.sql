-- One row: when the desk's next business day after the local date $today is over, as mart.queue_health counts it; NULL where the calendar has none in the 45 days after it.
select max(segment_end_at) as ends_at
from staging.business_time
where
    calendar = 'desk'
    and local_date = (
        select min(local_date)
        from staging.business_time
        where calendar = 'desk' and is_open and local_date > $today and local_date < cast($today as date) + interval 45 day
    )
