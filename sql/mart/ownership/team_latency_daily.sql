-- One row is one intake date and team, UNASSIGNED too: the time that its cases had with the team, beside what the last owner is charged with.
-- Of cases that have ended. True is the time of the team's own stints by state; naive is all time of the cases whose last event names the team.
-- Both add up to the same over teams, time after completion (done) kept apart. Business seconds outside the calendars' horizon are left out on
-- both sides (docs/decisions/0046-ownership.md).
with open_cases as (
    select case_id
    from staging.ownership_cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_open
),

true_times as (
    select
        stints.intake_date,
        stints.team,
        count(distinct stints.case_id) as cases,
        count(*) filter (where stints.entered_by in ('handoff', 'return_direct', 'return_indirect')) as received_handoff_count,
        sum(stints.queue_calendar_seconds) as queue_calendar_seconds,
        sum(stints.active_calendar_seconds) as active_calendar_seconds,
        sum(stints.wait_customer_calendar_seconds) as wait_customer_calendar_seconds,
        sum(stints.wait_other_calendar_seconds) as wait_other_calendar_seconds,
        sum(stints.done_calendar_seconds) as done_calendar_seconds,
        sum(stints.inactive_calendar_seconds) as inactive_calendar_seconds,
        sum(stints.queue_business_seconds) as queue_business_seconds,
        sum(stints.active_business_seconds) as active_business_seconds,
        sum(stints.wait_customer_business_seconds) as wait_customer_business_seconds,
        sum(stints.wait_other_business_seconds) as wait_other_business_seconds,
        sum(stints.done_business_seconds) as done_business_seconds,
        sum(stints.inactive_business_seconds) as inactive_business_seconds
    from staging.ownership_stints as stints
    left join open_cases on stints.case_id = open_cases.case_id
    where
        stints.intake_date >= $start_date
        and stints.intake_date < $end_date
        and open_cases.case_id is null
    group by stints.intake_date, stints.team
),

naive_times as (
    select
        intake_date,
        last_team as team,
        count(*) as naive_cases,
        sum(queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds) as naive_calendar_seconds,
        sum(done_calendar_seconds) as naive_done_calendar_seconds,
        sum(queue_business_seconds + active_business_seconds + wait_customer_business_seconds + wait_other_business_seconds) as naive_business_seconds,
        sum(done_business_seconds) as naive_done_business_seconds
    from staging.ownership_cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and not is_open
    group by intake_date, last_team
)

select
    true_times.intake_date,
    true_times.team,
    cast(true_times.cases as bigint) as cases,
    cast(coalesce(naive_times.naive_cases, 0) as bigint) as naive_cases,
    cast(true_times.received_handoff_count as bigint) as received_handoff_count,
    cast(coalesce(true_times.queue_calendar_seconds, 0) as bigint) as queue_calendar_seconds,
    cast(coalesce(true_times.active_calendar_seconds, 0) as bigint) as active_calendar_seconds,
    cast(coalesce(true_times.wait_customer_calendar_seconds, 0) as bigint) as wait_customer_calendar_seconds,
    cast(coalesce(true_times.wait_other_calendar_seconds, 0) as bigint) as wait_other_calendar_seconds,
    cast(coalesce(true_times.done_calendar_seconds, 0) as bigint) as done_calendar_seconds,
    cast(coalesce(true_times.inactive_calendar_seconds, 0) as bigint) as inactive_calendar_seconds,
    cast(coalesce(true_times.queue_business_seconds, 0) as bigint) as queue_business_seconds,
    cast(coalesce(true_times.active_business_seconds, 0) as bigint) as active_business_seconds,
    cast(coalesce(true_times.wait_customer_business_seconds, 0) as bigint) as wait_customer_business_seconds,
    cast(coalesce(true_times.wait_other_business_seconds, 0) as bigint) as wait_other_business_seconds,
    cast(coalesce(true_times.done_business_seconds, 0) as bigint) as done_business_seconds,
    cast(coalesce(true_times.inactive_business_seconds, 0) as bigint) as inactive_business_seconds,
    cast(coalesce(naive_times.naive_calendar_seconds, 0) as bigint) as naive_calendar_seconds,
    cast(coalesce(naive_times.naive_done_calendar_seconds, 0) as bigint) as naive_done_calendar_seconds,
    cast(coalesce(naive_times.naive_business_seconds, 0) as bigint) as naive_business_seconds,
    cast(coalesce(naive_times.naive_done_business_seconds, 0) as bigint) as naive_done_business_seconds
from true_times
left join naive_times on true_times.intake_date = naive_times.intake_date and true_times.team = naive_times.team
