-- One row is one team, UNASSIGNED too: the time that ended cases had with it, by state, beside what the last owner is charged with.
-- Sums add up those of mart.team_latency_daily; the percentiles are exact and of cases: the time that one case had with the team, all its stints
-- together, time after completion left out. Cases that have not ended stand beside (open_now), by the clock up to now; naive charges all of their time
-- to who has them now (docs/decisions/0046-ownership.md).
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

open_cases as (
    select
        intake_date,
        case_id
    from staging.ownership_cases
    where is_open
),

cases_of_teams as (
    select
        stints.team,
        sum(stints.queue_calendar_seconds + stints.active_calendar_seconds + stints.wait_customer_calendar_seconds + stints.wait_other_calendar_seconds)
            as held_calendar_seconds,
        sum(stints.queue_business_seconds + stints.active_business_seconds + stints.wait_customer_business_seconds + stints.wait_other_business_seconds)
            as held_business_seconds
    from staging.ownership_stints as stints
    left join open_cases on stints.intake_date = open_cases.intake_date and stints.case_id = open_cases.case_id
    where open_cases.case_id is null
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
),

-- Cases that have not ended, up to now: what goes on has lasted that long.
open_spans as (
    select
        spans.intake_date,
        spans.case_id,
        spans.span_number,
        spans.team,
        spans.state,
        epoch_us(case when spans.ended_at < desk_now.now_at then spans.ended_at else desk_now.now_at end) // 1000000 - epoch_us(spans.started_at) // 1000000 as seconds
    from staging.ownership_spans as spans
    inner join open_cases on spans.intake_date = open_cases.intake_date and spans.case_id = open_cases.case_id
    cross join mart.desk_now as desk_now
    where spans.started_at <= desk_now.now_at
),

open_teams as (
    select
        team,
        count(distinct case_id) as cases,
        sum(seconds) filter (where state = 'queue') as queue_seconds,
        sum(seconds) filter (where state = 'active') as active_seconds,
        sum(seconds) filter (where state = 'wait_customer') as wait_customer_seconds,
        sum(seconds) filter (where state = 'wait_other') as wait_other_seconds
    from open_spans
    group by team
),

open_lives as (
    select
        case_id,
        max(span_number) as last_span_number,
        sum(seconds) filter (where state <> 'done') as held_seconds
    from open_spans
    group by case_id
),

open_holders as (
    select
        open_spans.team,
        sum(open_lives.held_seconds) as naive_seconds
    from open_lives
    inner join open_spans on open_lives.case_id = open_spans.case_id and open_lives.last_span_number = open_spans.span_number
    group by open_spans.team
),

teams as (
    select team
    from days

    union distinct

    select team
    from open_teams
)

select
    teams.team,
    cast(coalesce(days.cases, 0) as bigint) as cases,
    cast(coalesce(days.naive_cases, 0) as bigint) as naive_cases,
    cast(coalesce(days.received_handoff_count, 0) as bigint) as received_handoff_count,
    cast(
        coalesce(days.queue_calendar_seconds + days.active_calendar_seconds + days.wait_customer_calendar_seconds + days.wait_other_calendar_seconds, 0) as bigint
    )
        as held_calendar_seconds,
    cast(
        coalesce(days.queue_business_seconds + days.active_business_seconds + days.wait_customer_business_seconds + days.wait_other_business_seconds, 0) as bigint
    )
        as held_business_seconds,
    cast(coalesce(days.queue_calendar_seconds, 0) as bigint) as queue_calendar_seconds,
    cast(coalesce(days.active_calendar_seconds, 0) as bigint) as active_calendar_seconds,
    cast(coalesce(days.wait_customer_calendar_seconds, 0) as bigint) as wait_customer_calendar_seconds,
    cast(coalesce(days.wait_other_calendar_seconds, 0) as bigint) as wait_other_calendar_seconds,
    cast(coalesce(days.done_calendar_seconds, 0) as bigint) as done_calendar_seconds,
    cast(coalesce(days.inactive_calendar_seconds, 0) as bigint) as inactive_calendar_seconds,
    cast(coalesce(days.queue_business_seconds, 0) as bigint) as queue_business_seconds,
    cast(coalesce(days.active_business_seconds, 0) as bigint) as active_business_seconds,
    cast(coalesce(days.wait_customer_business_seconds, 0) as bigint) as wait_customer_business_seconds,
    cast(coalesce(days.wait_other_business_seconds, 0) as bigint) as wait_other_business_seconds,
    cast(coalesce(days.done_business_seconds, 0) as bigint) as done_business_seconds,
    cast(coalesce(days.inactive_business_seconds, 0) as bigint) as inactive_business_seconds,
    cast(coalesce(days.naive_calendar_seconds, 0) as bigint) as naive_calendar_seconds,
    cast(coalesce(days.naive_done_calendar_seconds, 0) as bigint) as naive_done_calendar_seconds,
    cast(coalesce(days.naive_business_seconds, 0) as bigint) as naive_business_seconds,
    cast(coalesce(days.naive_done_business_seconds, 0) as bigint) as naive_done_business_seconds,
    cast(percentiles.held_p50_seconds / 60.0 as double) as held_p50_calendar_minutes,
    cast(percentiles.held_p90_seconds / 60.0 as double) as held_p90_calendar_minutes,
    cast(percentiles.held_p50_open_seconds / 60.0 as double) as held_p50_business_minutes,
    cast(percentiles.held_p90_open_seconds / 60.0 as double) as held_p90_business_minutes,
    cast(coalesce(open_teams.cases, 0) as bigint) as open_now_cases,
    cast(
        coalesce(open_teams.queue_seconds, 0) + coalesce(open_teams.active_seconds, 0) + coalesce(open_teams.wait_customer_seconds, 0)
        + coalesce(open_teams.wait_other_seconds, 0) as bigint
    ) as open_now_held_calendar_seconds,
    cast(coalesce(open_teams.queue_seconds, 0) as bigint) as open_now_queue_calendar_seconds,
    cast(coalesce(open_teams.active_seconds, 0) as bigint) as open_now_active_calendar_seconds,
    cast(coalesce(open_teams.wait_customer_seconds, 0) as bigint) as open_now_wait_customer_calendar_seconds,
    cast(coalesce(open_teams.wait_other_seconds, 0) as bigint) as open_now_wait_other_calendar_seconds,
    cast(coalesce(open_holders.naive_seconds, 0) as bigint) as open_now_naive_calendar_seconds
from teams
left join days on teams.team = days.team
left join percentiles on teams.team = percentiles.team
left join open_teams on teams.team = open_teams.team
left join open_holders on teams.team = open_holders.team
