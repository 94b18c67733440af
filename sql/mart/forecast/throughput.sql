-- One row is one value of one dimension: what leaves it in an open hour and in a staffed hour while work waits, over the last 56 local dates.
-- An hour counts in which more cases waited than there were heads, at its start and at its end (at least one, where heads are unknown): in others people may have
-- been idle, and they would understate what a head can do. With fewer than 10 such hours, all open hours count, and it is a lower bound. What leaves
-- outside open hours and on other days is told apart, for nobody knows the hours of those heads. A holiday that closes the desk, and the six dates after it, are not usual: what did
-- not come in on it is missing from what leaves afterwards. They are left out, and of every weekday count as many of the latest dates as of the weekday with fewest.
-- Of today's date it is told how much is left (docs/decisions/0042-forecast.md).
with desk_dates as (
    select
        days.local_date,
        desk_now.now_date,
        date_diff('day', date '1900-01-01', days.local_date) - date_diff('day', date '1900-01-01', days.local_date) // 7 * 7 as weekday_number,
        max(case when days.is_open then 1 else 0 end) as open_dates,
        max(case when days.kind = 'holiday' then 1 else 0 end) as holiday_dates
    from staging.business_time as days
    inner join mart.desk_now as desk_now on days.local_date >= desk_now.now_date - interval 62 day and days.local_date < desk_now.now_date
    where days.calendar = 'desk'
    group by days.local_date, desk_now.now_date
),

worked_weekdays as (
    select weekday_number
    from desk_dates
    group by weekday_number
    having 2 * sum(open_dates) > count(*)
),

-- Dates that are open as a rule, and closed by a holiday.
holidays as (
    select desk_dates.local_date
    from desk_dates
    inner join worked_weekdays on desk_dates.weekday_number = worked_weekdays.weekday_number
    where
        desk_dates.holiday_dates = 1
        and desk_dates.open_dates = 0
),

-- Dates without a movement have no row in mart.backlog_daily.
loaded_dates as (
    select
        desk_dates.local_date,
        desk_dates.weekday_number,
        desk_dates.open_dates = 1 as is_business_day,
        max(case when holidays.local_date is null then 1 else 0 end) as usual_dates
    from desk_dates
    inner join mart.snapshot_instants as instants on desk_dates.local_date = instants.snapshot_date
    inner join (select distinct intake_date from ops.partition_as_of) as loads on desk_dates.local_date = loads.intake_date
    left join holidays on desk_dates.local_date >= holidays.local_date and desk_dates.local_date <= holidays.local_date + interval 6 day
    where desk_dates.local_date >= desk_dates.now_date - interval 56 day
    group by desk_dates.local_date, desk_dates.weekday_number, desk_dates.open_dates
),

usual_weekdays as (
    select
        weekday_number,
        sum(usual_dates) as usual_dates,
        count(*) as loaded_dates
    from loaded_dates
    group by weekday_number
),

-- How many dates of a weekday count: all where none is unusual, or where a weekday would have none.
counted_weekdays as (
    select
        min(usual_dates) as counted_dates,
        sum(usual_dates) = sum(loaded_dates) or min(usual_dates) = 0 as is_all_counted
    from usual_weekdays
),

numbered_dates as (
    select
        local_date,
        weekday_number,
        is_business_day,
        usual_dates,
        row_number() over (partition by weekday_number, usual_dates order by local_date desc) as dates_ago
    from loaded_dates
),

recent_dates as (
    select
        numbered_dates.local_date as snapshot_date,
        numbered_dates.weekday_number,
        numbered_dates.is_business_day
    from numbered_dates
    cross join counted_weekdays
    where
        counted_weekdays.is_all_counted
        or (numbered_dates.usual_dates = 1 and numbered_dates.dates_ago <= counted_weekdays.counted_dates)
),

hours as (
    select
        work_hours.dimension,
        work_hours.dimension_value,
        work_hours.calendar_date,
        work_hours.gone_cases,
        work_hours.heads,
        work_hours.heads_source,
        work_hours.waiting_cases_at_start >= 1
        and work_hours.waiting_cases_at_end >= 1
        and (work_hours.heads is null or (work_hours.waiting_cases_at_start > work_hours.heads and work_hours.waiting_cases_at_end > work_hours.heads)) as is_work_waiting
    from mart.work_hours as work_hours
    inner join recent_dates on work_hours.calendar_date = recent_dates.snapshot_date
),

judged_values as (
    select
        dimension,
        dimension_value,
        count(*) as open_hours,
        count(*) filter (where is_work_waiting) as waiting_hours,
        count(distinct calendar_date) as business_days,
        sum(gone_cases) as gone_cases,
        count(*) filter (where is_work_waiting) >= 10 as is_waiting_measured
    from hours
    group by dimension, dimension_value
),

measured_values as (
    select
        hours.dimension,
        hours.dimension_value,
        count(*) as measured_hours,
        sum(hours.gone_cases) as gone_cases,
        count(hours.heads) as headed_hours,
        sum(case when hours.heads is not null then hours.gone_cases end) as headed_gone_cases,
        cast(sum(cast(hours.heads as decimal(28, 12))) as double) as staffed_hours,
        min(hours.heads_source) as first_heads_source,
        max(hours.heads_source) as last_heads_source
    from hours
    inner join judged_values on hours.dimension = judged_values.dimension and hours.dimension_value = judged_values.dimension_value
    where hours.is_work_waiting or not judged_values.is_waiting_measured
    group by hours.dimension, hours.dimension_value
),

daily_values as (
    select
        judged_values.dimension,
        judged_values.dimension_value,
        recent_dates.is_business_day,
        count(*) as dates,
        sum(coalesce(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0)) as gone_cases,
        quantile_cont(coalesce(days.open_cases, 0), 0.5) as median_open_cases,
        quantile_cont(coalesce(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0), [0.1, 0.9])[1] as p10_gone_cases,
        quantile_cont(coalesce(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0), [0.1, 0.9])[2] as p90_gone_cases
    from judged_values
    cross join recent_dates
    left join mart.backlog_daily as days
        on
            judged_values.dimension = days.dimension
            and judged_values.dimension_value = days.dimension_value
            and recent_dates.snapshot_date = days.calendar_date
    group by judged_values.dimension, judged_values.dimension_value, recent_dates.is_business_day
),

-- What came in on a business day and is open at its end: no desk with a flow has less. By Little's law it is arrivals times the time for which a case is open within
-- its first day; of all loaded business days the fewest, so that less was never seen. With fewer than 20 of them nobody knows.
new_cases as (
    select
        judged_values.dimension,
        judged_values.dimension_value,
        min(coalesce(days.age_under_1_day_cases, 0)) as fewest_new_cases
    from judged_values
    inner join loaded_dates on loaded_dates.is_business_day
    left join mart.backlog_daily as days
        on
            judged_values.dimension = days.dimension
            and judged_values.dimension_value = days.dimension_value
            and loaded_dates.local_date = days.calendar_date
    group by judged_values.dimension, judged_values.dimension_value
    having count(*) >= 20
),

-- A desk breathes with the week: what of a business day is chance is how far it lies from the other dates of its weekday.
business_date_values as (
    select
        judged_values.dimension,
        judged_values.dimension_value,
        recent_dates.weekday_number,
        coalesce(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0) as gone_cases
    from judged_values
    inner join recent_dates on recent_dates.is_business_day
    left join mart.backlog_daily as days
        on
            judged_values.dimension = days.dimension
            and judged_values.dimension_value = days.dimension_value
            and recent_dates.snapshot_date = days.calendar_date
),

weekday_values as (
    select
        dimension,
        dimension_value,
        gone_cases,
        count(*) over (partition by dimension, dimension_value, weekday_number) as weekday_dates,
        sum(gone_cases) over (partition by dimension, dimension_value, weekday_number) as weekday_gone_cases,
        count(*) over (partition by dimension, dimension_value) as business_dates,
        sum(gone_cases) over (partition by dimension, dimension_value) as business_gone_cases
    from business_date_values
),

deviations as (
    select
        dimension,
        dimension_value,
        case
            when weekday_dates > 1 then gone_cases - 1.0 * (weekday_gone_cases - gone_cases) / nullif(weekday_dates - 1, 0)
            else gone_cases - 1.0 * business_gone_cases / nullif(business_dates, 0)
        end as deviation_cases
    from weekday_values
),

widths as (
    select
        dimension,
        dimension_value,
        quantile_cont(deviation_cases, [0.1, 0.9])[2] - quantile_cont(deviation_cases, [0.1, 0.9])[1] as gone_width_cases
    from deviations
    group by dimension, dimension_value
),

told_values as (
    select
        judged_values.dimension,
        judged_values.dimension_value,
        judged_values.open_hours,
        judged_values.waiting_hours,
        judged_values.is_waiting_measured,
        judged_values.gone_cases as all_gone_cases,
        measured_values.headed_hours,
        measured_values.staffed_hours,
        measured_values.headed_gone_cases,
        case
            when measured_values.first_heads_source = measured_values.last_heads_source then measured_values.last_heads_source
            when measured_values.first_heads_source = 'schedule' or measured_values.last_heads_source = 'schedule' then 'schedule'
            else 'estimated'
        end as heads_source,
        1.0 * judged_values.open_hours / nullif(judged_values.business_days, 0) as open_hours_per_business_day,
        1.0 * measured_values.gone_cases / nullif(measured_values.measured_hours, 0) as gone_cases_per_open_hour,
        1.0 * (business_days.gone_cases - judged_values.gone_cases) / nullif(business_days.dates, 0) as gone_cases_outside_hours_per_business_day,
        1.0 * coalesce(other_days.gone_cases, 0) / nullif(other_days.dates, 0) as gone_cases_per_other_day,
        business_days.dates as business_dates,
        coalesce(other_days.dates, 0) as other_dates,
        new_cases.fewest_new_cases,
        business_days.gone_cases as business_gone_cases,
        business_days.p10_gone_cases,
        business_days.p90_gone_cases,
        business_days.median_open_cases,
        widths.gone_width_cases
    from judged_values
    inner join measured_values on judged_values.dimension = measured_values.dimension and judged_values.dimension_value = measured_values.dimension_value
    inner join daily_values as business_days
        on
            judged_values.dimension = business_days.dimension
            and judged_values.dimension_value = business_days.dimension_value
            and business_days.is_business_day
    left join widths on judged_values.dimension = widths.dimension and judged_values.dimension_value = widths.dimension_value
    left join new_cases on judged_values.dimension = new_cases.dimension and judged_values.dimension_value = new_cases.dimension_value
    left join daily_values as other_days
        on
            judged_values.dimension = other_days.dimension
            and judged_values.dimension_value = other_days.dimension_value
            and not other_days.is_business_day
),

-- The local date of now, and how much of it is left.
now_dates as (
    select
        desk_now.now_at,
        min(desk_time.segment_start_at) as now_from_at,
        bool_or(desk_time.is_open) as is_business_day,
        (epoch_us(desk_now.now_at) - epoch_us(min(desk_time.segment_start_at))) / 3600000000.0 as begun_hours,
        1.0 * (epoch_us(max(desk_time.segment_end_at)) - epoch_us(desk_now.now_at))
        / nullif(epoch_us(max(desk_time.segment_end_at)) - epoch_us(min(desk_time.segment_start_at)), 0) as left_time_share,
        sum(
            case
                when not desk_time.is_open or desk_time.segment_end_at <= desk_now.now_at then 0
                when desk_time.segment_start_at < desk_now.now_at then epoch_us(desk_time.segment_end_at) - epoch_us(desk_now.now_at)
                else epoch_us(desk_time.segment_end_at) - epoch_us(desk_time.segment_start_at)
            end
        ) / 3600000000.0 as left_open_hours
    from mart.desk_now as desk_now
    inner join staging.business_time as desk_time on desk_time.calendar = 'desk' and desk_now.now_date = desk_time.local_date
    group by desk_now.now_at
),

-- Whether the date before that of now is one with open hours.
dates_before as (
    select max(case when desk_time.is_open then 1 else 0 end) = 1 as is_business_day
    from mart.desk_now as desk_now
    inner join staging.business_time as desk_time
        on desk_time.calendar = 'desk' and cast(desk_now.now_date - interval 1 day as date) = desk_time.local_date
),

-- By the shape of such a day: of the hour that holds now, the part that is still to come.
left_arrivals as (
    select
        hours.dimension,
        hours.dimension_value,
        sum(
            cast(
                hours.arrived_cases
                * case
                    when hours.hour_of_day >= now_dates.begun_hours then 1
                    when hours.hour_of_day + 1 <= now_dates.begun_hours then 0
                    else hours.hour_of_day + 1 - now_dates.begun_hours
                end as decimal(28, 12)
            )
        ) / nullif(sum(hours.arrived_cases), 0) as left_share
    from mart.arrival_hours as hours
    cross join now_dates
    where hours.is_business_day = now_dates.is_business_day
    group by hours.dimension, hours.dimension_value
)

select
    cast(now_dates.now_at as timestamp) as now_at,
    told_values.dimension,
    told_values.dimension_value,
    now_dates.now_at > now_dates.now_from_at as is_today_begun,
    coalesce(case when now_dates.now_at > now_dates.now_from_at then now_dates.is_business_day else dates_before.is_business_day end, false)
        as is_now_on_business_day,
    cast(now_dates.left_open_hours as double) as left_today_open_hours,
    cast(now_dates.left_time_share as double) as left_today_time_share,
    cast(coalesce(left_arrivals.left_share, now_dates.left_time_share) as double) as left_today_arrivals_share,
    cast(told_values.business_dates as bigint) as business_days,
    cast(told_values.other_dates as bigint) as other_days,
    cast(told_values.median_open_cases as double) as usual_open_cases,
    cast(told_values.fewest_new_cases as bigint) as fewest_new_cases,
    cast(told_values.open_hours as bigint) as open_hours,
    cast(told_values.waiting_hours as bigint) as waiting_hours,
    cast(told_values.gone_cases_per_open_hour as double) as gone_cases_per_open_hour,
    cast(told_values.open_hours_per_business_day as double) as open_hours_per_business_day,
    cast(case when told_values.gone_cases_outside_hours_per_business_day > 0 then told_values.gone_cases_outside_hours_per_business_day else 0 end as double)
        as gone_cases_outside_hours_per_business_day,
    cast(coalesce(told_values.gone_cases_per_other_day, 0) as double) as gone_cases_per_other_day,
    cast(told_values.p10_gone_cases as double) as gone_p10_cases_per_business_day,
    cast(told_values.p90_gone_cases as double) as gone_p90_cases_per_business_day,
    cast(told_values.gone_width_cases as double) as gone_width_cases_per_business_day,
    cast(told_values.staffed_hours / nullif(told_values.headed_hours, 0) as double) as heads,
    told_values.heads_source,
    cast(told_values.headed_gone_cases / nullif(told_values.staffed_hours, 0) as double) as gone_cases_per_staffed_hour,
    case
        when told_values.business_gone_cases = 0 then 'unknown'
        when told_values.is_waiting_measured then 'while work waited'
        else 'all open hours'
    end as throughput_basis
from told_values
cross join now_dates
cross join dates_before
left join left_arrivals on told_values.dimension = left_arrivals.dimension and told_values.dimension_value = left_arrivals.dimension_value
