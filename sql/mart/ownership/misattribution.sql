-- One row is one scope: all time of the ended cases, that of one state, or of one priority: how much of it is charged to the wrong team.
-- Charged is everything to the team of a case's last event; wrong is what another held, or nobody. Time after completion is left out, and the
-- columns with_done have it too. The share is of time; beside it how it is spread over the cases that have time in the scope: half of them lie
-- at or below misattributed_p50_pct. Where no case was ever held by a team there is no row: nothing is charged to anybody (docs/decisions/0046-ownership.md).
with ended_cases as (
    select *
    from staging.ownership_cases
    where not is_open and exists (select 1 from staging.ownership_cases as told where told.team_station_count > 0)
),

case_scopes as (
    select
        'all' as scope,
        'all' as scope_value,
        queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds as held_calendar_seconds,
        misattributed_queue_calendar_seconds + misattributed_active_calendar_seconds + misattributed_wait_customer_calendar_seconds + misattributed_wait_other_calendar_seconds as misattributed_calendar_seconds,
        done_calendar_seconds,
        misattributed_done_calendar_seconds,
        queue_business_seconds + active_business_seconds + wait_customer_business_seconds + wait_other_business_seconds as held_business_seconds,
        misattributed_queue_business_seconds + misattributed_active_business_seconds + misattributed_wait_customer_business_seconds + misattributed_wait_other_business_seconds as misattributed_business_seconds
    from ended_cases

    union all

    select
        'priority' as scope,
        coalesce(priority, 'none') as scope_value,
        queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds as held_calendar_seconds,
        misattributed_queue_calendar_seconds + misattributed_active_calendar_seconds + misattributed_wait_customer_calendar_seconds + misattributed_wait_other_calendar_seconds as misattributed_calendar_seconds,
        done_calendar_seconds,
        misattributed_done_calendar_seconds,
        queue_business_seconds + active_business_seconds + wait_customer_business_seconds + wait_other_business_seconds as held_business_seconds,
        misattributed_queue_business_seconds + misattributed_active_business_seconds + misattributed_wait_customer_business_seconds + misattributed_wait_other_business_seconds as misattributed_business_seconds
    from ended_cases

    union all

    select
        'state' as scope,
        'queue' as scope_value,
        queue_calendar_seconds as held_calendar_seconds,
        misattributed_queue_calendar_seconds as misattributed_calendar_seconds,
        0 as done_calendar_seconds,
        0 as misattributed_done_calendar_seconds,
        queue_business_seconds as held_business_seconds,
        misattributed_queue_business_seconds as misattributed_business_seconds
    from ended_cases

    union all

    select
        'state' as scope,
        'active' as scope_value,
        active_calendar_seconds as held_calendar_seconds,
        misattributed_active_calendar_seconds as misattributed_calendar_seconds,
        0 as done_calendar_seconds,
        0 as misattributed_done_calendar_seconds,
        active_business_seconds as held_business_seconds,
        misattributed_active_business_seconds as misattributed_business_seconds
    from ended_cases

    union all

    select
        'state' as scope,
        'wait_customer' as scope_value,
        wait_customer_calendar_seconds as held_calendar_seconds,
        misattributed_wait_customer_calendar_seconds as misattributed_calendar_seconds,
        0 as done_calendar_seconds,
        0 as misattributed_done_calendar_seconds,
        wait_customer_business_seconds as held_business_seconds,
        misattributed_wait_customer_business_seconds as misattributed_business_seconds
    from ended_cases

    union all

    select
        'state' as scope,
        'wait_other' as scope_value,
        wait_other_calendar_seconds as held_calendar_seconds,
        misattributed_wait_other_calendar_seconds as misattributed_calendar_seconds,
        0 as done_calendar_seconds,
        0 as misattributed_done_calendar_seconds,
        wait_other_business_seconds as held_business_seconds,
        misattributed_wait_other_business_seconds as misattributed_business_seconds
    from ended_cases

    union all

    select
        'state' as scope,
        'done' as scope_value,
        0 as held_calendar_seconds,
        0 as misattributed_calendar_seconds,
        done_calendar_seconds,
        misattributed_done_calendar_seconds,
        0 as held_business_seconds,
        0 as misattributed_business_seconds
    from ended_cases
),

case_shares as (
    select
        *,
        case
            when scope_value = 'done' then 100.0 * misattributed_done_calendar_seconds / nullif(done_calendar_seconds, 0)
            else 100.0 * misattributed_calendar_seconds / nullif(held_calendar_seconds, 0)
        end as misattributed_pct
    from case_scopes
)

select
    scope,
    scope_value,
    cast(count(misattributed_pct) as bigint) as cases,
    cast(count(*) filter (where misattributed_pct > 0) as bigint) as misattributed_cases,
    cast(count(*) filter (where misattributed_pct >= 50) as bigint) as mostly_misattributed_cases,
    cast(sum(held_calendar_seconds) as bigint) as held_calendar_seconds,
    cast(sum(misattributed_calendar_seconds) as bigint) as misattributed_calendar_seconds,
    cast(sum(done_calendar_seconds) as bigint) as done_calendar_seconds,
    cast(sum(misattributed_done_calendar_seconds) as bigint) as misattributed_done_calendar_seconds,
    cast(coalesce(sum(held_business_seconds), 0) as bigint) as held_business_seconds,
    cast(coalesce(sum(misattributed_business_seconds), 0) as bigint) as misattributed_business_seconds,
    cast(100.0 * sum(misattributed_calendar_seconds) / nullif(sum(held_calendar_seconds), 0) as double) as misattributed_pct,
    cast(
        100.0 * sum(misattributed_calendar_seconds + misattributed_done_calendar_seconds)
        / nullif(sum(held_calendar_seconds + done_calendar_seconds), 0) as double
    ) as misattributed_with_done_pct,
    cast(100.0 * sum(misattributed_business_seconds) / nullif(sum(held_business_seconds), 0) as double) as misattributed_business_pct,
    cast(quantile_cont(misattributed_pct, [0.5, 0.9])[1] as double) as misattributed_p50_pct,
    cast(quantile_cont(misattributed_pct, [0.5, 0.9])[2] as double) as misattributed_p90_pct
from case_shares
group by scope, scope_value
