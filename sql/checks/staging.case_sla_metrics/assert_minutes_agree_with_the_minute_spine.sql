-- Cases whose business minutes from intake to resolution differ by more than one minute from a count on the minute spine.
-- The spine is built minute by minute from the calendar desk and shares nothing with F. Instants next to a gap in the loaded spine are left out.
-- A failure means that business time is wrong; look first at calendars.yml and staging.business_time.
with cases as (
    select
        case_id,
        intake_ts,
        resolved_ts,
        resolution_incl_wait_business_minutes
    from staging.case_sla_metrics
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and 'desk' = (select case when count(distinct calendar) = 1 then max(calendar) end from staging.sla_policies where metric = 'first_resolution')
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
        resolved_ts as instant,
        cast(null as bigint) as minute_number
    from cases

    union all

    select
        minute_start_at as instant,
        minute_number
    from spine
),

located as (
    select
        instant,
        minute_number,
        max(minute_number) over (order by instant) as minutes_before,
        min(minute_number) over (order by instant desc range between unbounded preceding and current row) as next_minute
    from instants
),

witnessed as (
    select
        instant,
        max(minutes_before) as minutes
    from located
    where minute_number is null and (next_minute = minutes_before + 1 or next_minute = minutes_before)
    group by instant
)

select
    cases.case_id,
    cases.intake_ts,
    cases.resolved_ts,
    cases.resolution_incl_wait_business_minutes,
    resolved.minutes - intake.minutes as spine_minutes
from cases
inner join witnessed as intake on cases.intake_ts = intake.instant
inner join witnessed as resolved on cases.resolved_ts = resolved.instant
where abs(resolved.minutes - intake.minutes - cases.resolution_incl_wait_business_minutes) > 1
