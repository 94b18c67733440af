-- Dates on which the integral of the number of open cases is not the sum of the seconds that cases were open: Little's identity, to the second.
-- The integral is that of a step function, from the count at the end of the date before and the instants at which cases come and go; the sum is of
-- each stretch's overlap with the date. Over any window of dates both are the sums of these.
-- A failure means that counts and stretches tell of two different backlogs; look first at sql/mart/backlog/backlog_daily.sql.
with instants as (
    select
        snapshot_date,
        epoch_us(snapshot_from_at) // 1000000 as from_second,
        epoch_us(snapshot_at) // 1000000 as to_second
    from mart.snapshot_instants
    where
        snapshot_date >= $start_date
        and snapshot_date < $end_date
),

counts_before as (
    select
        calendar_date + interval 1 day as snapshot_date,
        open_cases
    from mart.backlog_daily
    where dimension = 'all'
),

steps as (
    select
        started_date as snapshot_date,
        epoch_us(started_at) // 1000000 as step_second,
        1 as step
    from staging.backlog_spans
    where
        started_date >= $start_date
        and started_date < $end_date
        and is_open
        and began_with in ('opened', 'reopened')

    union all

    select
        ended_date as snapshot_date,
        epoch_us(ended_at) // 1000000 as step_second,
        -1 as step
    from staging.backlog_spans
    where
        ended_date >= $start_date
        and ended_date < $end_date
        and is_open
        and ended_with in ('ended', 'cancelled')
),

integrals as (
    select
        instants.snapshot_date,
        sum(steps.step * (instants.to_second - steps.step_second)) as step_seconds
    from instants
    inner join steps on instants.snapshot_date = steps.snapshot_date
    group by instants.snapshot_date
),

date_parts as (
    select
        started_date as snapshot_date,
        epoch_us(ended_at) // 1000000 - epoch_us(started_at) // 1000000 as overlap_seconds
    from staging.backlog_spans
    where
        started_date >= $start_date
        and started_date < $end_date
        and is_open
        and started_date = ended_date

    union all

    select
        instants.snapshot_date,
        case when epoch_us(spans.ended_at) // 1000000 < instants.to_second then epoch_us(spans.ended_at) // 1000000 else instants.to_second end
        - case when epoch_us(spans.started_at) // 1000000 > instants.from_second then epoch_us(spans.started_at) // 1000000 else instants.from_second end
            as overlap_seconds
    from staging.backlog_spans as spans
    inner join instants
        on spans.started_date <= instants.snapshot_date and (spans.ended_date is null or spans.ended_date >= instants.snapshot_date)
    where
        spans.is_open
        and (spans.ended_date is null or spans.started_date < spans.ended_date)
),

case_seconds as (
    select
        snapshot_date,
        sum(overlap_seconds) as open_seconds
    from date_parts
    group by snapshot_date
)

select
    instants.snapshot_date,
    coalesce(counts_before.open_cases, 0) * (instants.to_second - instants.from_second) + coalesce(integrals.step_seconds, 0) as integral_seconds,
    case_seconds.open_seconds as case_seconds
from instants
left join counts_before on instants.snapshot_date = counts_before.snapshot_date
left join integrals on instants.snapshot_date = integrals.snapshot_date
left join case_seconds on instants.snapshot_date = case_seconds.snapshot_date
where
    coalesce(counts_before.open_cases, 0) * (instants.to_second - instants.from_second) + coalesce(integrals.step_seconds, 0)
    <> coalesce(case_seconds.open_seconds, 0)
