-- One row is one window before now in which clocks fall due: the period of the error budget, and a long and a short one for each alert.
-- The period is 20 business days of the desk: as much open time as its last 20 dates with open hours had. The others are shares of it, so that 2 h, a
-- day and 5 days come out where a day has 10 h, and longer ones where the desk never closes. However far apart its open dates are, 20 of them count: a desk that
-- opens once a week looks 20 weeks back. Only where the calendar's horizon begins within them is the period what it has (docs/decisions/0040-error-budget-and-now.md).
with now_instant as (
    select
        now_at,
        now_date
    from mart.desk_now
),

segments as (
    select
        segments.local_date,
        segments.segment_start_at,
        segments.segment_end_at,
        segments.is_open,
        segments.open_seconds_before,
        (epoch_us(segments.segment_end_at) - epoch_us(segments.segment_start_at)) // 1000000 as segment_seconds
    from staging.business_time as segments
    inner join now_instant
        on segments.local_date <= now_instant.now_date + interval 1 day
    where segments.calendar = 'desk'
),

business_days as (
    select
        local_date,
        sum(segment_seconds) as open_seconds,
        row_number() over (order by local_date desc) as days_ago
    from segments
    inner join now_instant on segments.local_date <= now_instant.now_date
    where segments.is_open
    group by local_date
),

budget_period as (
    select sum(open_seconds) as period_seconds
    from business_days
    where days_ago <= 20
),

open_time_now as (
    select
        now_instant.now_at,
        segments.open_seconds_before
        + case when segments.is_open then (epoch_us(now_instant.now_at) - epoch_us(segments.segment_start_at)) // 1000000 else 0 end as open_seconds
    from now_instant
    inner join segments on now_instant.now_at >= segments.segment_start_at and now_instant.now_at < segments.segment_end_at
),

window_shares as (
    select
        'period' as window_name,
        cast(null as varchar) as alert,
        false as is_short,
        cast(null as double) as threshold_burn,
        1 as parts_of_period

    union all

    select
        'page_long' as window_name,
        'page' as alert,
        false as is_short,
        10.0 as threshold_burn,
        100 as parts_of_period

    union all

    select
        'page_short' as window_name,
        'page' as alert,
        true as is_short,
        10.0 as threshold_burn,
        1200 as parts_of_period

    union all

    select
        'ticket_long' as window_name,
        'ticket' as alert,
        false as is_short,
        2.0 as threshold_burn,
        20 as parts_of_period

    union all

    select
        'ticket_short' as window_name,
        'ticket' as alert,
        true as is_short,
        2.0 as threshold_burn,
        240 as parts_of_period

    union all

    select
        'slow_long' as window_name,
        'slow' as alert,
        false as is_short,
        1.0 as threshold_burn,
        4 as parts_of_period

    union all

    select
        'slow_short' as window_name,
        'slow' as alert,
        true as is_short,
        1.0 as threshold_burn,
        48 as parts_of_period
),

window_lengths as (
    select
        window_shares.window_name,
        window_shares.alert,
        window_shares.is_short,
        window_shares.threshold_burn,
        open_time_now.now_at,
        open_time_now.open_seconds,
        least(budget_period.period_seconds // nullif(window_shares.parts_of_period, 0), open_time_now.open_seconds) as window_seconds
    from window_shares
    cross join open_time_now
    cross join budget_period
),

window_starts as (
    select
        *,
        open_seconds - window_seconds as open_seconds_at_start
    from window_lengths
)

select
    window_starts.window_name,
    window_starts.alert,
    window_starts.is_short,
    cast(window_starts.threshold_burn as double) as threshold_burn,
    cast(window_starts.now_at as timestamp) as now_at,
    cast(window_starts.window_seconds as bigint) as window_seconds,
    cast(
        segments.segment_start_at + (window_starts.open_seconds_at_start - segments.open_seconds_before) * interval 1 second as timestamp
    ) as from_at
from window_starts
inner join segments
    on
        segments.is_open
        and window_starts.open_seconds_at_start >= segments.open_seconds_before
        and window_starts.open_seconds_at_start < segments.open_seconds_before + segments.segment_seconds
