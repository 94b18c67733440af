-- One row is the cases of one intake date that ended on one local date (NULL: still open).
-- Additive, so that day-grain views add it up and a late closing corrects every later day. An end outside the calendars' horizon
-- counts on its UTC date, since nothing tells the desk's there.
with cases as (
    select
        case_id,
        intake_date,
        ended_at
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

desk_time as (
    select *
    from staging.business_time
    where calendar = 'desk'
)

select
    cases.intake_date,
    coalesce(desk_time.local_date, cast(cases.ended_at as date)) as ended_date,
    cast(count(*) as bigint) as cases
from cases
left join desk_time
    on
        cast(cases.ended_at as date) = desk_time.utc_date
        and cases.ended_at >= desk_time.segment_start_at
        and cases.ended_at < desk_time.segment_end_at
group by cases.intake_date, coalesce(desk_time.local_date, cast(cases.ended_at as date))
