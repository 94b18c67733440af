-- Cases whose business minutes from intake to resolution differ by more than one minute from a count on the minute spine.
-- The spine is built minute by minute from the calendar desk and shares nothing with F. Instants next to a gap in the
-- loaded spine are left out, and clocks that did not run through from intake on.
-- A failure means that business time is wrong; look first at calendars.yml and staging.business_time.
with single_span_clocks as (
    select distinct
        case_id,
        stopped_at
    from staging.sla_clock_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and metric = 'first_resolution'
        and calendar = 'desk'
        and is_only_span
),

resolved_cases as (
    select
        case_id,
        intake_ts,
        resolution_ts,
        resolution_incl_wait_business_minutes
    from staging.case_sla_metrics
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and resolution_calendar = 'desk'
),

cases as (
    select resolved_cases.*
    from resolved_cases
    inner join single_span_clocks on resolved_cases.case_id = single_span_clocks.case_id and resolved_cases.resolution_ts = single_span_clocks.stopped_at
),

spine as (
    select
        minute_start_at,
        minute_number
    from staging.business_minutes_dim
    where business_date >= $start_date - interval 7 day
),

instants as (
    select
        intake_ts as instant,
        cast(null as bigint) as minute_number
    from cases

    union

    select
        resolution_ts as instant,
        cast(null as bigint) as minute_number
    from cases

    union all

    select
        minute_start_at as instant,
        minute_number
    from spine
),

spine_positions as (
    select
        instant,
        minute_number,
        max(minute_number) over (order by instant) as minutes_before,
        min(minute_number) over (order by instant desc range between unbounded preceding and current row) as next_minute
    from instants
),

minute_counts as (
    select
        instant,
        max(minutes_before) as minutes
    from spine_positions
    where minute_number is null and (next_minute = minutes_before + 1 or next_minute = minutes_before)
    group by instant
)

select
    cases.case_id,
    cases.intake_ts,
    cases.resolution_ts,
    cases.resolution_incl_wait_business_minutes,
    resolved.minutes - intake.minutes as spine_minutes
from cases
inner join minute_counts as intake on cases.intake_ts = intake.instant
inner join minute_counts as resolved on cases.resolution_ts = resolved.instant
where abs(resolved.minutes - intake.minutes - cases.resolution_incl_wait_business_minutes) > 1
