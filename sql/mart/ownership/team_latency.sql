-- One row is one team, UNASSIGNED too: the time that ended cases had with it, by state, beside what the last owner is charged with.
-- Sums add up those of mart.team_latency_daily; the percentiles are exact and of cases: the time that one case had with the team, all its stints
-- together, time after completion left out (docs/decisions/0046-ownership.md).
with days as (
    select
        team,
        sum(cases) as cases,
        sum(naive_cases) as naive_cases,
        sum(received_handoff_count) as received_handoff_count,
        sum(queue_calendar_seconds) as queue_calendar_seconds,
        sum(active_calendar_seconds) as active_calendar_seconds,
        sum(wait_customer_calendar_seconds) as wait_customer_calendar_seconds,
        sum(wait_other_calendar_seconds) as wait_other_calendar_seconds,
        sum(done_calendar_seconds) as done_calendar_seconds,
        sum(inactive_calendar_seconds) as inactive_calendar_seconds,
        sum(queue_business_seconds) as queue_business_seconds,
        sum(active_business_seconds) as active_business_seconds,
        sum(wait_customer_business_seconds) as wait_customer_business_seconds,
        sum(wait_other_business_seconds) as wait_other_business_seconds,
        sum(done_business_seconds) as done_business_seconds,
        sum(inactive_business_seconds) as inactive_business_seconds,
        sum(naive_calendar_seconds) as naive_calendar_seconds,
        sum(naive_done_calendar_seconds) as naive_done_calendar_seconds,
        sum(naive_business_seconds) as naive_business_seconds,
        sum(naive_done_business_seconds) as naive_done_business_seconds
    from mart.team_latency_daily
    group by team
),

cases_of_teams as (
    select
        stints.team,
        sum(stints.queue_calendar_seconds + stints.active_calendar_seconds + stints.wait_customer_calendar_seconds + stints.wait_other_calendar_seconds)
            as held_calendar_seconds,
        sum(stints.queue_business_seconds + stints.active_business_seconds + stints.wait_customer_business_seconds + stints.wait_other_business_seconds)
            as held_business_seconds
    from staging.ownership_stints as stints
    inner join staging.ownership_cases as cases on stints.intake_date = cases.intake_date and stints.case_id = cases.case_id
    where not cases.is_open
    group by stints.intake_date, stints.case_id, stints.team
),

percentiles as (
    select
        team,
        quantile_cont(held_calendar_seconds, [0.5, 0.9])[1] as held_p50_seconds,
        quantile_cont(held_calendar_seconds, [0.5, 0.9])[2] as held_p90_seconds,
        quantile_cont(held_business_seconds, [0.5, 0.9])[1] as held_p50_open_seconds,
        quantile_cont(held_business_seconds, [0.5, 0.9])[2] as held_p90_open_seconds
    from cases_of_teams
    group by team
)

select
    days.team,
    cast(days.cases as bigint) as cases,
    cast(days.naive_cases as bigint) as naive_cases,
    cast(days.received_handoff_count as bigint) as received_handoff_count,
    cast(days.queue_calendar_seconds + days.active_calendar_seconds + days.wait_customer_calendar_seconds + days.wait_other_calendar_seconds as bigint)
        as held_calendar_seconds,
    cast(days.queue_business_seconds + days.active_business_seconds + days.wait_customer_business_seconds + days.wait_other_business_seconds as bigint)
        as held_business_seconds,
    cast(days.queue_calendar_seconds as bigint) as queue_calendar_seconds,
    cast(days.active_calendar_seconds as bigint) as active_calendar_seconds,
    cast(days.wait_customer_calendar_seconds as bigint) as wait_customer_calendar_seconds,
    cast(days.wait_other_calendar_seconds as bigint) as wait_other_calendar_seconds,
    cast(days.done_calendar_seconds as bigint) as done_calendar_seconds,
    cast(days.inactive_calendar_seconds as bigint) as inactive_calendar_seconds,
    cast(days.queue_business_seconds as bigint) as queue_business_seconds,
    cast(days.active_business_seconds as bigint) as active_business_seconds,
    cast(days.wait_customer_business_seconds as bigint) as wait_customer_business_seconds,
    cast(days.wait_other_business_seconds as bigint) as wait_other_business_seconds,
    cast(days.done_business_seconds as bigint) as done_business_seconds,
    cast(days.inactive_business_seconds as bigint) as inactive_business_seconds,
    cast(days.naive_calendar_seconds as bigint) as naive_calendar_seconds,
    cast(days.naive_done_calendar_seconds as bigint) as naive_done_calendar_seconds,
    cast(days.naive_business_seconds as bigint) as naive_business_seconds,
    cast(days.naive_done_business_seconds as bigint) as naive_done_business_seconds,
    cast(percentiles.held_p50_seconds / 60.0 as double) as held_p50_calendar_minutes,
    cast(percentiles.held_p90_seconds / 60.0 as double) as held_p90_calendar_minutes,
    cast(percentiles.held_p50_open_seconds / 60.0 as double) as held_p50_business_minutes,
    cast(percentiles.held_p90_open_seconds / 60.0 as double) as held_p90_business_minutes
from days
left join percentiles on days.team = percentiles.team
