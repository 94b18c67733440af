-- Intake dates whose cases are open for other seconds than they are in statuses that do not end them: the integral of the number of open cases is
-- the sum of the case seconds, counted here from the instants at which cases come and go, there from staging.status_spans.
-- A failure means that a case comes into the backlog, or leaves it, at another instant than its log says; look first at began_with and ended_with of
-- sql/staging/backlog/backlog_spans.sql.
with comings_and_goings as (
    select
        intake_date,
        sum(
            case
                when began_with in ('opened', 'reopened') and ended_with in ('ended', 'cancelled') then epoch_us(ended_at) - epoch_us(started_at)
                when began_with in ('opened', 'reopened') and ended_at is not null then -epoch_us(started_at)
                when ended_with in ('ended', 'cancelled') then epoch_us(ended_at)
                else 0
            end
        ) as open_microseconds
    from staging.backlog_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_open
    group by intake_date
),

open_cases as (
    select
        intake_date,
        sum(case when began_with in ('opened', 'reopened') then 0 else epoch_us(started_at) end) as open_microseconds
    from staging.backlog_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_open
        and ended_at is null
    group by intake_date
),

statuses as (
    select
        spans.intake_date,
        sum(
            case
                when spans.ended_at is null then 0
                when cases.ended_at < spans.ended_at then epoch_us(cases.ended_at) - epoch_us(spans.started_at)
                else epoch_us(spans.ended_at) - epoch_us(spans.started_at)
            end
        ) as open_microseconds
    from staging.status_spans as spans
    inner join staging.case_milestones as cases on spans.case_id = cases.case_id and spans.intake_date = cases.intake_date
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.status not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
        and (cases.ended_at is null or spans.started_at < cases.ended_at)
    group by spans.intake_date
),

last_status_starts as (
    select
        spans.intake_date,
        sum(epoch_us(last_spans.started_at) - epoch_us(spans.started_at)) as open_microseconds
    from staging.status_spans as spans
    inner join staging.backlog_spans as last_spans on spans.case_id = last_spans.case_id and spans.intake_date = last_spans.intake_date
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.is_open
        and last_spans.ended_at is null
    group by spans.intake_date
)

select
    comings_and_goings.intake_date,
    comings_and_goings.open_microseconds + coalesce(open_cases.open_microseconds, 0) as open_microseconds,
    statuses.open_microseconds + coalesce(last_status_starts.open_microseconds, 0) as status_microseconds
from comings_and_goings
left join open_cases on comings_and_goings.intake_date = open_cases.intake_date
left join statuses on comings_and_goings.intake_date = statuses.intake_date
left join last_status_starts on comings_and_goings.intake_date = last_status_starts.intake_date
where
    comings_and_goings.open_microseconds + coalesce(open_cases.open_microseconds, 0)
    <> coalesce(statuses.open_microseconds, 0) + coalesce(last_status_starts.open_microseconds, 0)
